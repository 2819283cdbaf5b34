// SPDX-License-Identifier: GPL-2.0
/*
 * direct.c - O_DIRECT I/O from and to region pages
 *
 * The pages are pinned while the I/O runs, so a mover has to leave them alone:
 * else bytes read arrive in a frame that is not the page's any more, or bytes
 * written come from one that has been given away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "hammer.h"

#define RUN	8

/* A worker's own pages, in the region and in the scratch file alike. */
struct direct {
	uint64_t first;
	uint64_t nr;
	uint64_t *version;
	unsigned char *buffer;
};

static bool transfer(struct hammer *h, bool write, void *memory, uint64_t index,
		     uint64_t nr)
{
	uint64_t at = h->scratch_at + (index - h->direct.first) * PAGE_BYTES;
	size_t length = nr * PAGE_BYTES;
	ssize_t got;

	got = write ? pwrite(h->scratch, memory, length, at) :
		      pread(h->scratch, memory, length, at);
	if (got == (ssize_t)length)
		return true;
	hammer_error(h, "direct: %s of %llu pages at page %llu: unexpected %s %zd",
		     write ? "write" : "read", (unsigned long long)nr,
		     (unsigned long long)index,
		     got < 0 ? strerror(errno) : "count", got);
	return false;
}

static void fill(struct hammer *h, unsigned char *memory, uint64_t index,
		 uint64_t nr, uint64_t version)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		content_fill((uint64_t *)(memory + i * PAGE_BYTES),
			     h->options.seed, index + i, version);
}

static bool check(struct hammer *h, struct worker *w, const char *where,
		  const unsigned char *memory, uint64_t index, uint64_t nr,
		  const uint64_t *version)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		if (!content_right(h, w, where,
				   (const uint64_t *)(memory + i * PAGE_BYTES),
				   index + i, version[i]))
			return false;
	return true;
}

static void set_versions(uint64_t *version, uint64_t nr, uint64_t to)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		version[i] = to;
}

/* Region to file; the file must have what the region had. */
static bool out(struct hammer *h, struct worker *w, struct direct *d,
		uint64_t at, uint64_t nr, uint64_t version)
{
	uint64_t index = d->first + at;
	unsigned char *memory = (unsigned char *)hammer_page(h, index);

	if (!check(h, w, "before O_DIRECT write", memory, index, nr,
		   d->version + at))
		return false;
	fill(h, memory, index, nr, version);
	set_versions(d->version + at, nr, version);
	return transfer(h, true, memory, index, nr) &&
	       transfer(h, false, d->buffer, index, nr) &&
	       check(h, w, "in the file after O_DIRECT write", d->buffer, index,
		     nr, d->version + at);
}

/* File to region; the region must have what the file had. */
static bool in(struct hammer *h, struct worker *w, struct direct *d,
	       uint64_t at, uint64_t nr, uint64_t version)
{
	uint64_t index = d->first + at;
	unsigned char *memory = (unsigned char *)hammer_page(h, index);

	fill(h, d->buffer, index, nr, version);
	if (!transfer(h, true, d->buffer, index, nr) ||
	    !check(h, w, "before O_DIRECT read", memory, index, nr,
		   d->version + at))
		return false;
	set_versions(d->version + at, nr, version);
	return transfer(h, false, memory, index, nr) &&
	       check(h, w, "after O_DIRECT read", memory, index, nr,
		     d->version + at);
}

static bool step(struct hammer *h, struct worker *w, struct direct *d,
		 uint64_t version)
{
	uint64_t at = worker_random(w, d->nr), nr = 1 + worker_random(w, RUN);
	bool right;

	if (nr > d->nr - at)
		nr = d->nr - at;
	worker_aims(w, d->first + at);
	if (worker_random(w, 3))
		right = in(h, w, d, at, nr, version);
	else
		right = out(h, w, d, at, nr, version);
	worker_did(w, 1);
	worker_rests(w, 8);
	return right;
}

void direct_run(struct hammer *h, struct worker *w)
{
	uint64_t share = h->direct.nr / w->of, version = 1;
	struct direct d = {
		.first = h->direct.first + share * w->number,
		.nr = share,
		.version = calloc(share, sizeof(uint64_t)),
		.buffer = aligned_alloc(PAGE_BYTES, RUN * PAGE_BYTES),
	};
	bool right = d.version && d.buffer;

	if (!right)
		hammer_error(h, "direct: no memory");
	while (right && hammer_running(h))
		right = step(h, w, &d, version++);
	worker_aims(w, NO_AIM);
	if (right)
		check(h, w, "at the end",
		      (unsigned char *)hammer_page(h, d.first), d.first, d.nr,
		      d.version);
	free(d.version);
	free(d.buffer);
}
