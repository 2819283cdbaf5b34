/* SPDX-License-Identifier: GPL-2.0 */
/*
 * owned.h - pages of an area that one worker alone changes, a run at a time
 */
#ifndef _OWNED_H
#define _OWNED_H

#include "hammer.h"

#define RUN_PAGES	8

/**
 * struct owned - a worker's own pages
 * @h: the hammer
 * @w: the worker
 * @first: page index
 * @nr: pages
 * @version: of each of them: what they must hold
 * @buffer: as large as a run, ordinary memory
 * @at: the present run, from @first
 * @run: its pages
 * @next: version that owned_fill() gives
 */
struct owned {
	struct hammer *h;
	struct worker *w;
	uint64_t first;
	uint64_t nr;
	uint64_t *version;
	unsigned char *buffer;
	uint64_t at;
	uint64_t run;
	uint64_t next;
};

/* False, with an error, when there is no memory; owned_end() in any case. */
bool owned_begin(struct owned *o, struct hammer *h, struct worker *w,
		 const struct area *area);
/* All pages must be right, if @right; frees what owned_begin() made. */
void owned_end(struct owned *o, bool right);
/* Another run, to which the movers are led. */
void owned_pick(struct owned *o);
/* The run's pages of a version that never was, in @memory. */
void owned_fill(struct owned *o, unsigned char *memory);
/* From now on the run is what owned_fill() has just made; or, of version 0, empty. */
void owned_now(struct owned *o, uint64_t version);
/* Does @memory hold what the run must be? Complains. */
bool owned_right(struct owned *o, const unsigned char *memory,
		 const char *where);

static inline uint64_t owned_index(const struct owned *o)
{
	return o->first + o->at;
}

static inline unsigned char *owned_memory(const struct owned *o)
{
	return (unsigned char *)hammer_page(o->h, owned_index(o));
}

static inline size_t owned_bytes(const struct owned *o)
{
	return o->run * PAGE_BYTES;
}

#endif
