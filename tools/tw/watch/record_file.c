// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings: writing and reading the format of tierwatch_record(5).
 *
 * Chunks with checksums, so that a file that was cut off is good up to there
 * and a damaged one is noticed; what a reader is told is checked before it is
 * believed.
 */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/text.h"
#include "tw.h"
#include "watch/record_file.h"

/* Longer chunks are nonsense. */
#define MAX_CHUNK	(1U << 30)
#define CHUNK_HEAD	12
/* What can be multiplied with each other, and with pages of a region. */
#define MAX_EVERY	(1U << 30)
#define MAX_CHUNK_PAGES	(1U << 20)

/* -- writing --------------------------------------------------------------- */

static void put(struct rec_writer *w, const void *data, size_t len)
{
	unsigned char *more;
	size_t room = w->room;

	if (w->err)
		return;
	if (w->len + len > room) {
		room = 2 * (w->len + len) + 4096;
		more = realloc(w->buf, room);
		if (!more) {
			w->err = -ENOMEM;
			return;
		}
		w->buf = more;
		w->room = room;
	}
	memcpy(w->buf + w->len, data, len);
	w->len += len;
}

static void put_u32(struct rec_writer *w, __u32 value)
{
	__le32 v = htole32(value);

	put(w, &v, sizeof(v));
}

static void put_u64(struct rec_writer *w, __u64 value)
{
	__le64 v = htole64(value);

	put(w, &v, sizeof(v));
}

/* Seven bits a byte, the lowest first; the top bit: more follow. */
static void put_var(struct rec_writer *w, __u64 value)
{
	unsigned char buf[10];
	size_t n = 0;

	do {
		buf[n] = value & 0x7f;
		value >>= 7;
		if (value)
			buf[n] |= 0x80;
		n++;
	} while (value);
	put(w, buf, n);
}

/* What is in the buffer becomes a part of the file, or the file stays. */
static int flush(struct rec_writer *w)
{
	if (!w->err && (fwrite(w->buf, 1, w->len, w->file) != w->len ||
			fflush(w->file))) {
		w->err = errno ? -errno : -EIO;
		/* No half of a chunk stays behind, if that can be helped. */
		(void)!ftruncate(fileno(w->file), w->bytes);
	}
	if (!w->err)
		w->bytes += w->len;
	w->len = 0;
	return w->err;
}

static void begin_chunk(struct rec_writer *w, enum rec_chunk type)
{
	put_u32(w, type);
	put_u32(w, 0);
	put_u32(w, 0);
}

static int end_chunk(struct rec_writer *w)
{
	__le32 v[2];

	if (!w->err && w->len - CHUNK_HEAD > MAX_CHUNK)
		w->err = -EFBIG;
	if (!w->err) {
		v[0] = htole32(w->len - CHUNK_HEAD);
		v[1] = htole32(crc32(0, w->buf + CHUNK_HEAD,
				     w->len - CHUNK_HEAD));
		memcpy(w->buf + 4, v, sizeof(v));
	}
	return flush(w);
}

int rec_begin(struct rec_writer *w, FILE *file, const struct rec_head *head)
{
	static const char rest[REC_HEADER_SIZE];

	memset(w, 0, sizeof(*w));
	w->file = file;
	/* What could not be written must not be tried again when it is closed. */
	setvbuf(file, NULL, _IONBF, 0);
	put(w, REC_MAGIC, 8);
	put_u32(w, REC_VERSION);
	put_u32(w, REC_HEADER_SIZE);
	put_u32(w, head->page_size);
	put_u32(w, 0);
	put_u64(w, head->interval_ns);
	put_u64(w, head->start_ns);
	put_u64(w, head->start_real_ns);
	put(w, rest, REC_HEADER_SIZE - w->len);
	return flush(w);
}

int rec_region(struct rec_writer *w, const struct rec_region *region)
{
	size_t len = strnlen(region->name, REC_NAME_LEN - 1);

	begin_chunk(w, REC_REGION);
	put_u64(w, region->id);
	put_u64(w, region->agent);
	put_u64(w, region->pages);
	put_u64(w, region->addr);
	put_u32(w, region->pid);
	put_u32(w, len);
	put(w, region->name, len);
	len = strnlen(region->agent_name, REC_AGENT_LEN - 1);
	put_u32(w, len);
	put(w, region->agent_name, len);
	return end_chunk(w);
}

int rec_sparse(struct rec_writer *w, const struct rec_sparse *sparse)
{
	begin_chunk(w, REC_SPARSE);
	put_u32(w, sparse->every);
	put_u32(w, sparse->chunk);
	return end_chunk(w);
}

static void put_runs(struct rec_writer *w, const struct rec_run *runs,
		     size_t nr)
{
	__u64 next = 0;
	__u32 heat = 0;
	size_t i;

	put_var(w, runs[0].region);
	put_var(w, nr);
	for (i = 0; i < nr; i++) {
		__u64 gap = runs[i].index - next;
		__s32 step = (__s32)runs[i].heat - (__s32)heat;

		put_var(w, runs[i].nr << 4 | runs[i].tier << 1 |
			(gap ? 1 : 0));
		if (gap)
			put_var(w, gap);
		put_var(w, step < 0 ? -step * 2 - 1 : step * 2);
		next = runs[i].index + runs[i].nr;
		heat = runs[i].heat;
	}
}

int rec_sample(struct rec_writer *w, __u64 time_ns, const struct rec_run *runs,
	       size_t nr)
{
	size_t i, end, regions = 0;

	for (i = 0; i < nr; i++)
		if (!i || runs[i].region != runs[i - 1].region)
			regions++;
	begin_chunk(w, REC_SAMPLE);
	put_var(w, time_ns);
	put_var(w, regions);
	for (i = 0; i < nr; i = end) {
		for (end = i + 1; end < nr; end++)
			if (runs[end].region != runs[i].region)
				break;
		put_runs(w, runs + i, end - i);
	}
	if (!end_chunk(w))
		w->samples++;
	return w->err;
}

int rec_end(struct rec_writer *w, __u64 flags)
{
	begin_chunk(w, REC_END);
	put_u64(w, w->samples);
	put_u64(w, flags);
	return end_chunk(w);
}

void rec_writer_free(struct rec_writer *w)
{
	free(w->buf);
	w->buf = NULL;
}

/* -- reading --------------------------------------------------------------- */

/**
 * struct input - a chunk that is being taken apart
 * @at: what comes next
 * @end: behind it
 * @bad: something was not there or not right
 */
struct input {
	const unsigned char *at;
	const unsigned char *end;
	bool bad;
};

static void take(struct input *in, void *data, size_t len)
{
	if ((size_t)(in->end - in->at) < len)
		in->bad = true;
	if (in->bad) {
		memset(data, 0, len);
		return;
	}
	memcpy(data, in->at, len);
	in->at += len;
}

static __u32 take_u32(struct input *in)
{
	__le32 v;

	take(in, &v, sizeof(v));
	return le32toh(v);
}

static __u64 take_u64(struct input *in)
{
	__le64 v;

	take(in, &v, sizeof(v));
	return le64toh(v);
}

static __u64 take_var(struct input *in)
{
	unsigned int shift = 0;
	unsigned char byte;
	__u64 value = 0;

	do {
		take(in, &byte, 1);
		if (shift > 63 || (shift == 63 && byte > 1))
			in->bad = true;
		if (in->bad)
			return 0;
		value |= (__u64)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

/*
 * The array with room for one more: it grows by doubling. NULL without memory,
 * and the array is as it was.
 */
static void *grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	return reallocarray(array, nr ? 2 * nr : 1, size);
}

/* A name with its length in front, into a buffer of @size that is all 0. */
static void take_name(struct input *in, char *name, size_t size)
{
	__u32 len = take_u32(in);

	if (len >= size)
		in->bad = true;
	else
		take(in, name, len);
	if (!in->bad)
		text_clean(name);
}

static int read_region(struct recording *rec, struct input *in)
{
	struct rec_region *r;

	if (rec->nr_regions == REC_MAX_REGIONS)
		return -EBADMSG;
	r = grow(rec->regions, rec->nr_regions, sizeof(*r));
	if (!r)
		return -ENOMEM;
	rec->regions = r;
	r += rec->nr_regions;
	memset(r, 0, sizeof(*r));
	r->id = take_u64(in);
	r->agent = take_u64(in);
	r->told = take_u64(in);
	r->pages = r->told;
	r->addr = take_u64(in);
	r->pid = take_u32(in);
	take_name(in, r->name, sizeof(r->name));
	/* Not in files of before there were these names. */
	if (in->at != in->end)
		take_name(in, r->agent_name, sizeof(r->agent_name));
	if (in->bad || r->pages > TW_REGION_MAX_PAGES)
		return -EBADMSG;
	rec->nr_regions++;
	return 0;
}

static int read_sparse(struct recording *rec, struct input *in)
{
	struct rec_sparse *s = &rec->sparse;

	s->every = take_u32(in);
	s->chunk = take_u32(in);
	if (in->bad || !s->every || s->every > MAX_EVERY || !s->chunk ||
	    s->chunk > MAX_CHUNK_PAGES)
		return -EBADMSG;
	return 0;
}

/* For how many pages a chunk stands whose group begins with page @first. */
static __u64 stands_for(const struct rec_region *r, __u64 first, __u64 chunk,
			__u64 group)
{
	/* What is known of an address space is how many pages it has, not where. */
	bool known = !(r->pid && !r->addr) && r->told > first;
	__u64 end = known ? r->told : TW_REGION_MAX_PAGES;

	if (group > end - first)
		group = end - first;
	return group > chunk ? group : chunk;
}

/* A chunk's pages in place of its whole group, each so many times. */
static int stretch(const struct recording *rec, struct rec_run *run)
{
	__u64 chunk = rec->sparse.chunk, group, from, span;

	if (rec->sparse.every <= 1)
		return 0;
	group = chunk * rec->sparse.every;
	from = run->index % chunk;
	if (from + run->nr > chunk)
		return -EBADMSG;
	run->index -= run->index % group;
	span = stands_for(&rec->regions[run->region], run->index, chunk, group);
	run->nr = (from + run->nr) * span / chunk - from * span / chunk;
	run->index += from * span / chunk;
	return 0;
}

static int read_run(struct recording *rec, struct input *in, __u64 region,
		    __u64 *next, __s64 *heat)
{
	__u64 head = take_var(in), gap = 0, step, nr = head >> 4;
	__u32 tier = head >> 1 & 7;
	struct rec_run *run;

	if (head & 1)
		gap = take_var(in);
	step = take_var(in);
	if (in->bad || !nr || gap > TW_REGION_MAX_PAGES ||
	    nr > TW_REGION_MAX_PAGES || step > 2 * 65535 ||
	    *next + gap + nr > TW_REGION_MAX_PAGES || tier >= TW_NR_TIERS)
		return -EBADMSG;
	*heat += step & 1 ? -(__s64)(step / 2) - 1 : (__s64)(step / 2);
	if (*heat < 0 || *heat > 65535)
		return -EBADMSG;
	run = grow(rec->runs, rec->nr_runs, sizeof(*run));
	if (!run)
		return -ENOMEM;
	rec->runs = run;
	run += rec->nr_runs++;
	run->region = region;
	run->index = *next + gap;
	run->nr = nr;
	run->heat = *heat;
	run->tier = tier;
	*next += gap + nr;
	if (stretch(rec, run))
		return -EBADMSG;
	if (rec->regions[region].pages < run->index + run->nr)
		rec->regions[region].pages = run->index + run->nr;
	return 0;
}

static int read_runs(struct recording *rec, struct input *in)
{
	__u64 region = take_var(in), nr = take_var(in), next = 0;
	__s64 heat = 0;
	int err = 0;

	if (in->bad || region >= rec->nr_regions)
		return -EBADMSG;
	while (nr-- && !err)
		err = read_run(rec, in, region, &next, &heat);
	return err;
}

static int read_sample(struct recording *rec, struct input *in)
{
	struct rec_sample *s;
	__u64 regions;
	int err = 0;

	s = grow(rec->samples, rec->nr_samples, sizeof(*s));
	if (!s)
		return -ENOMEM;
	rec->samples = s;
	s += rec->nr_samples;
	s->time_ns = take_var(in);
	s->first = rec->nr_runs;
	regions = take_var(in);
	if (in->bad || (rec->nr_samples && s->time_ns < s[-1].time_ns))
		return -EBADMSG;
	while (regions-- && !err)
		err = read_runs(rec, in);
	if (!err && in->at != in->end)
		err = -EBADMSG;
	if (err)
		return err;
	s->nr = rec->nr_runs - s->first;
	rec->nr_samples++;
	if (rec->every_max < rec->sparse.every)
		rec->every_max = rec->sparse.every;
	return 0;
}

static int read_end(struct recording *rec, struct input *in)
{
	__u64 samples = take_u64(in), flags = take_u64(in);

	if (in->bad || samples != rec->nr_samples)
		return -EBADMSG;
	rec->complete = true;
	rec->stopped = flags & REC_END_STOPPED;
	rec->faults_only = flags & REC_END_FAULTS_ONLY;
	return 0;
}

static int read_chunk(struct recording *rec, __u32 type, struct input *in)
{
	switch (type) {
	case REC_REGION:
		return read_region(rec, in);
	case REC_SAMPLE:
		return read_sample(rec, in);
	case REC_END:
		return read_end(rec, in);
	case REC_SPARSE:
		return read_sparse(rec, in);
	default:
		return 0;	/* of a later version, which says it may be left */
	}
}

/* As many bytes as there are, up to @len. */
static int fill(FILE *file, void *buf, size_t len, size_t *got)
{
	*got = fread(buf, 1, len, file);
	return *got < len && ferror(file) ? -EIO : 0;
}

static int read_header(FILE *file, struct rec_head *head)
{
	unsigned char buf[REC_HEADER_SIZE];
	struct input in = { buf, buf + sizeof(buf), false };
	__u32 version, size;
	char magic[8];
	size_t got;
	int err;

	err = fill(file, buf, sizeof(buf), &got);
	if (err)
		return err;
	if (got < 8 || memcmp(buf, REC_MAGIC, 8))
		return -ENOMSG;
	if (got < sizeof(buf))
		return -EBADMSG;
	take(&in, magic, 8);
	version = take_u32(&in);
	size = take_u32(&in);
	if (version != REC_VERSION)
		return -EPROTO;
	head->page_size = take_u32(&in);
	take_u32(&in);
	head->interval_ns = take_u64(&in);
	head->start_ns = take_u64(&in);
	head->start_real_ns = take_u64(&in);
	if (size != REC_HEADER_SIZE || !head->page_size)
		return -EBADMSG;
	return 0;
}

/* The next chunk: 0; 1 at the file's end, be it in the middle of a chunk. */
static int next_chunk(FILE *file, struct recording *rec, unsigned char **buf,
		      size_t *room)
{
	unsigned char head[CHUNK_HEAD], *more;
	struct input in = { head, head + sizeof(head), false };
	__u32 type, len, crc;
	size_t got;
	int err;

	err = fill(file, head, sizeof(head), &got);
	if (err)
		return err;
	if (got < sizeof(head))
		return 1;
	type = take_u32(&in);
	len = take_u32(&in);
	crc = take_u32(&in);
	if (len > MAX_CHUNK || rec->complete)
		return -EBADMSG;
	if (len > *room) {
		more = realloc(*buf, len);
		if (!more)
			return -ENOMEM;
		*buf = more;
		*room = len;
	}
	err = fill(file, *buf, len, &got);
	if (err)
		return err;
	if (got < len)
		return 1;
	if (crc32(0, *buf, len) != crc)
		return -EBADMSG;
	in = (struct input){ *buf, *buf + len, false };
	return read_chunk(rec, type, &in);
}

int rec_read(FILE *file, struct recording *rec)
{
	unsigned char *buf = NULL;
	size_t room = 0;
	int err;

	memset(rec, 0, sizeof(*rec));
	rec->every_max = 1;
	err = read_header(file, &rec->head);
	while (!err)
		err = next_chunk(file, rec, &buf, &room);
	free(buf);
	if (err < 0) {
		rec_free(rec);
		return err;
	}
	return 0;
}

void rec_free(struct recording *rec)
{
	free(rec->regions);
	free(rec->samples);
	free(rec->runs);
	memset(rec, 0, sizeof(*rec));
}
