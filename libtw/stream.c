// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Streams of events. tw_ring.h reads events in place.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

/* How many events of one ring are read before the next ring gets its turn. */
#define TURN	64

static int stream_info(int fd, struct tw_stream_info *info)
{
	struct tw_stream_info arg = { .size = sizeof(arg) };
	int err;

	err = tw_ioctl(fd, TW_IOC_STREAM_INFO, &arg);
	if (!err)
		*info = arg;
	return err;
}

/* Whether all rings lie within the mapping, in a layout that this library knows. */
static bool layout_ok(const struct tw_stream_header *h, __u64 mapped)
{
	__u64 slots = (__u64)h->events * sizeof(struct tw_event);

	return h->compat_version <= TW_STREAM_VERSION &&
	       h->version >= TW_STREAM_VERSION &&
	       h->event_size == sizeof(struct tw_event) &&
	       h->events && !(h->events & (h->events - 1)) && h->nr_rings &&
	       h->event_offset >= sizeof(struct tw_ring_header) &&
	       h->ring_stride >= h->event_offset + slots &&
	       h->ring_offset <= mapped &&
	       h->nr_rings <= (mapped - h->ring_offset) / h->ring_stride;
}

static int map_stream(int fd, struct tw_stream **stream)
{
	const struct tw_stream_header *h;
	struct tw_stream_info info;
	size_t page = sysconf(_SC_PAGESIZE);
	struct tw_stream *s;
	const void *map;
	__u32 i;
	int err;

	err = stream_info(fd, &info);
	if (err)
		return err;
	if (info.map_size < sizeof(*h))
		return -EPROTO;
	if (info.map_size > SIZE_MAX)
		return -EOVERFLOW;
	err = tw_map_ro(fd, info.map_size, &map);
	if (err)
		return err;
	h = map;
	err = -EPROTO;
	if (!layout_ok(h, info.map_size))
		goto fail_map;
	err = -ENOMEM;
	s = calloc(1, sizeof(*s) + h->nr_rings * sizeof(s->ring[0]));
	if (!s)
		goto fail_map;
	s->ctl = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      TW_STREAM_CTL_OFFSET);
	if (s->ctl == MAP_FAILED) {
		err = -errno;
		goto fail_free;
	}
	s->fd = fd;
	s->header = h;
	s->map_size = info.map_size;
	s->ctl_size = page;
	s->nr_rings = h->nr_rings;
	s->turns_left = TURN;
	for (i = 0; i < s->nr_rings; i++) {
		const char *ring = (const char *)map + h->ring_offset +
				   i * h->ring_stride;

		tw_ring_init(&s->ring[i],
			     (const struct tw_ring_header *)ring,
			     (const struct tw_event *)(ring + h->event_offset),
			     h->events);
	}
	*stream = s;
	return 0;
fail_free:
	free(s);
fail_map:
	munmap((void *)map, info.map_size);
	return err;
}

TW_API int tw_stream_create(struct tw *tw, __u64 mask,
			    const struct tw_agent *agent, unsigned int events,
			    struct tw_stream **stream)
{
	struct tw_stream_create arg = {
		.size = sizeof(arg),
		.mask = mask,
		.agent_fd = agent ? agent->fd : -1,
		.events = events,
		.fd = -1,
	};
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_STREAM_CREATE, &arg);
	if (err)
		return err;
	err = map_stream(arg.fd, stream);
	if (err)
		tw_close_fd(arg.fd);
	return err;
}

TW_API int tw_stream_open_fd(int fd, struct tw_stream **stream)
{
	return map_stream(fd, stream);
}

TW_API void tw_stream_close(struct tw_stream *stream)
{
	if (!stream)
		return;
	munmap(stream->ctl, stream->ctl_size);
	munmap((void *)stream->header, stream->map_size);
	tw_close_fd(stream->fd);
	free(stream);
}

TW_API int tw_stream_fd(const struct tw_stream *stream)
{
	return stream->fd;
}

TW_API unsigned int tw_stream_nr_rings(const struct tw_stream *stream)
{
	return stream->nr_rings;
}

TW_API struct tw_ring *tw_stream_ring(struct tw_stream *stream,
				      unsigned int cpu)
{
	return cpu < stream->nr_rings ? &stream->ring[cpu] : NULL;
}

static void next_turn(struct tw_stream *s)
{
	s->turn = s->turn + 1 < s->nr_rings ? s->turn + 1 : 0;
	s->turns_left = TURN;
}

TW_API const struct tw_event *tw_stream_peek(struct tw_stream *stream,
					     unsigned int *cpu)
{
	const struct tw_event *event;
	__u32 i;

	if (!stream->turns_left)
		next_turn(stream);
	for (i = 0; i < stream->nr_rings; i++) {
		event = tw_ring_peek(&stream->ring[stream->turn]);
		if (event) {
			if (cpu)
				*cpu = stream->turn;
			return event;
		}
		next_turn(stream);
	}
	return NULL;
}

TW_API bool tw_stream_ok(struct tw_stream *stream,
			 const struct tw_event *event)
{
	if (stream->turns_left)
		stream->turns_left--;
	return tw_ring_ok(&stream->ring[stream->turn], event);
}

TW_API size_t tw_stream_read(struct tw_stream *stream, struct tw_event *events,
			     size_t nr)
{
	const struct tw_event *event;
	size_t n = 0;

	while (n < nr && (event = tw_stream_peek(stream, NULL))) {
		events[n] = *event;
		if (tw_stream_ok(stream, event))
			n++;
	}
	return n;
}

TW_API void tw_stream_set_watermark(struct tw_stream *stream,
				    unsigned int events)
{
	__atomic_store_n(&stream->ctl->watermark, events, __ATOMIC_RELAXED);
}

TW_API bool tw_stream_arm(struct tw_stream *stream)
{
	__u32 watermark = __atomic_load_n(&stream->ctl->watermark,
					  __ATOMIC_RELAXED);
	bool enough = false;
	__u32 i;

	if (!watermark)
		watermark = 1;
	for (i = 0; i < stream->nr_rings; i++) {
		const struct tw_ring *ring = &stream->ring[i];

		if (i < TW_STREAM_CTL_CURSORS)
			__atomic_store_n(&stream->ctl->cursor[i], ring->next,
					 __ATOMIC_RELAXED);
		if (tw_ring_pending(ring) >= watermark)
			enough = true;
	}
	return enough;
}

TW_API int tw_stream_wait(struct tw_stream *stream, int timeout_ms)
{
	struct pollfd fd = { .fd = stream->fd, .events = POLLIN };
	int n;

	if (tw_stream_arm(stream))
		return 1;
	n = poll(&fd, 1, timeout_ms);
	if (n < 0)
		return -errno;
	if (n && !(fd.revents & POLLIN))
		return -EIO;
	return n;
}

TW_API __u64 tw_stream_seen(const struct tw_stream *stream)
{
	__u64 sum = 0;
	__u32 i;

	for (i = 0; i < stream->nr_rings; i++)
		sum += stream->ring[i].seen;
	return sum;
}

TW_API __u64 tw_stream_lost(const struct tw_stream *stream)
{
	__u64 sum = 0;
	__u32 i;

	for (i = 0; i < stream->nr_rings; i++)
		sum += stream->ring[i].lost;
	return sum;
}
