// SPDX-License-Identifier: GPL-2.0
/*
 * owned.c - pages of an area that one worker alone changes, a run at a time
 */
#include <stdlib.h>

#include "content.h"
#include "owned.h"

bool owned_begin(struct owned *o, struct hammer *h, struct worker *w,
		 const struct area *area)
{
	uint64_t share = area->nr / w->of;

	*o = (struct owned){
		.h = h,
		.w = w,
		.first = area->first + share * w->number,
		.nr = share,
		.version = calloc(share, sizeof(uint64_t)),
		.buffer = aligned_alloc(PAGE_BYTES, RUN_PAGES * PAGE_BYTES),
	};
	if (o->version && o->buffer)
		return true;
	hammer_error(h, "%s: no memory", w->name);
	return false;
}

void owned_end(struct owned *o, bool right)
{
	worker_aims(o->w, NO_AIM);
	for (o->at = 0; right && o->at < o->nr; o->at++) {
		o->run = 1;
		right = owned_right(o, owned_memory(o), "at the end");
	}
	free(o->version);
	free(o->buffer);
}

void owned_pick(struct owned *o)
{
	o->at = worker_random(o->w, o->nr);
	o->run = 1 + worker_random(o->w, RUN_PAGES);
	if (o->run > o->nr - o->at)
		o->run = o->nr - o->at;
	worker_aims(o->w, owned_index(o));
}

void owned_fill(struct owned *o, unsigned char *memory)
{
	uint64_t i;

	o->next++;
	for (i = 0; i < o->run; i++)
		content_fill((uint64_t *)(memory + i * PAGE_BYTES),
			     o->h->options.seed, owned_index(o) + i, o->next);
}

void owned_now(struct owned *o, uint64_t version)
{
	uint64_t i;

	for (i = 0; i < o->run; i++)
		o->version[o->at + i] = version;
}

bool owned_right(struct owned *o, const unsigned char *memory,
		 const char *where)
{
	uint64_t i;

	for (i = 0; i < o->run; i++)
		if (!content_right(o->h, o->w, where,
				   (const uint64_t *)(memory + i * PAGE_BYTES),
				   owned_index(o) + i, o->version[o->at + i]))
			return false;
	return true;
}
