// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pages by address, tracking external pages, marking and reporting pages.
 */
#include <stdint.h>

#include "internal.h"

TW_API int tw_addr_page(struct tw *tw, const void *addr, __u64 *page)
{
	struct tw_addr_page arg = {
		.size = sizeof(arg),
		.addr = (uintptr_t)addr,
	};
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_ADDR_PAGE, &arg);
	if (!err)
		*page = arg.page;
	return err;
}

/* How many of the remaining pages the next call takes. */
static __u32 part(const struct tw *tw, size_t nr, const struct tw_sum *s)
{
	return nr - s->done < tw->max_pages ? nr - s->done : tw->max_pages;
}

static void add(struct tw_sum *s, __u32 nr, __u32 ok, __u32 failed)
{
	s->done += nr;
	s->ok += ok;
	s->failed += failed;
}

static int track(struct tw *tw, const struct tw_track *in, const __u64 *pages,
		 size_t nr, __s32 *status, struct tw_sum *sum, size_t size)
{
	struct tw_sum s = { 0 };
	int err = 0;

	while (s.done < nr) {
		struct tw_track arg = *in;

		arg.size = sizeof(arg);
		arg.nr = part(tw, nr, &s);
		arg.pages = (uintptr_t)(pages + s.done);
		arg.status = status ? (uintptr_t)(status + s.done) : 0;
		err = tw_ioctl(tw->fd, TW_IOC_TRACK, &arg);
		if (err)
			break;
		add(&s, arg.nr, arg.done, arg.failed);
	}
	if (sum)
		tw_give(sum, size, &s, sizeof(s));
	return err;
}

TW_API int tw_track_v1(struct tw *tw, const __u64 *pages, size_t nr, int tier,
		       int node, const struct tw_agent *agent, __s32 *status,
		       struct tw_sum *sum, size_t size)
{
	const struct tw_track in = {
		.tier = tier,
		.node = node,
		.agent_fd = agent ? agent->fd : -1,
	};

	return track(tw, &in, pages, nr, status, sum, size);
}

TW_API int tw_track_by_id_v1(struct tw *tw, const __u64 *pages, size_t nr,
			     int tier, int node, __u64 id, __s32 *status,
			     struct tw_sum *sum, size_t size)
{
	const struct tw_track in = {
		.flags = TW_TRACK_BY_ID,
		.tier = tier,
		.node = node,
		.agent_fd = -1,
		.agent_id = id,
	};

	return track(tw, &in, pages, nr, status, sum, size);
}

TW_API int tw_untrack_v1(struct tw *tw, const __u64 *pages, size_t nr,
			 __s32 *status, struct tw_sum *sum, size_t size)
{
	struct tw_sum s = { 0 };
	int err = 0;

	while (s.done < nr) {
		struct tw_untrack arg = {
			.size = sizeof(arg),
			.nr = part(tw, nr, &s),
			.pages = (uintptr_t)(pages + s.done),
			.status = status ? (uintptr_t)(status + s.done) : 0,
		};

		err = tw_ioctl(tw->fd, TW_IOC_UNTRACK, &arg);
		if (err)
			break;
		add(&s, arg.nr, arg.done, arg.failed);
	}
	if (sum)
		tw_give(sum, size, &s, sizeof(s));
	return err;
}

TW_API int tw_mark_v1(struct tw *tw, const __u64 *pages, size_t nr,
		      int temperature, __s32 *status, struct tw_sum *sum,
		      size_t size)
{
	struct tw_sum s = { 0 };
	int err = 0;

	while (s.done < nr) {
		struct tw_mark arg = {
			.size = sizeof(arg),
			.temperature = temperature,
			.nr = part(tw, nr, &s),
			.pages = (uintptr_t)(pages + s.done),
			.status = status ? (uintptr_t)(status + s.done) : 0,
		};

		err = tw_ioctl(tw->fd, TW_IOC_MARK, &arg);
		if (err)
			break;
		add(&s, arg.nr, arg.done, arg.failed);
	}
	if (sum)
		tw_give(sum, size, &s, sizeof(s));
	return err;
}

TW_API int tw_report(struct tw *tw, __u64 page, __u64 addr, unsigned int flags)
{
	struct tw_report arg = {
		.size = sizeof(arg),
		.flags = flags,
		.page = page,
		.addr = addr,
	};

	return tw_ioctl(tw->fd, TW_IOC_REPORT, &arg);
}
