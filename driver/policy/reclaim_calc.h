/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reclaim_calc.h - how much is to be given back, and which caller counts it
 *
 * Pure arithmetic: no kernel calls and no locks, so that the unit tests run it
 * on the host. All figures are pages unless they say otherwise; the owner of a
 * struct holds the lock that guards it.
 */
#ifndef _TW_RECLAIM_CALC_H
#define _TW_RECLAIM_CALC_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif
#include <linux/tierwatch.h>

/**
 * struct tw_claims - pages freed, and what reclaimers have reported of them
 * @done: freed since load
 * @claimed: of these, reported as a reclaimer's progress or gone unclaimed
 * @waiting: reclaimers between tw_claims_begin() and tw_claims_end()
 *
 * Several reclaimers wait for the same thread. Each page it frees is the
 * progress of one of them only: the kernel takes progress for a reason to try
 * again, and would do so for ever on pages that were counted twice.
 */
struct tw_claims {
	long done;
	long claimed;
	unsigned int waiting;
};

/* A reclaimer begins to wait; what to hand to tw_claims_take(). */
static inline long tw_claims_begin(struct tw_claims *c)
{
	/* What was freed while nobody waited has been used by others. */
	if (!c->waiting++)
		c->claimed = c->done;
	return c->done;
}

/* What one that began at @since could claim now. */
static inline long tw_claims_open(const struct tw_claims *c, long since)
{
	long own = c->done - since, left = c->done - c->claimed;

	return own < left ? own : left;
}

/* Claims up to @want pages for one that began at @since; returns how many. */
static inline long tw_claims_take(struct tw_claims *c, long since, long want)
{
	long n = tw_claims_open(c, since);

	if (n > want)
		n = want;
	c->claimed += n;
	return n;
}

static inline void tw_claims_end(struct tw_claims *c)
{
	c->waiting--;
}

/**
 * struct tw_pace - how fast a node's memory goes
 * @left: what was left when it was last looked at
 * @freed: pages that we had freed there by then
 * @at_ns: when that was
 * @rate: pages a second, the most of late
 */
struct tw_pace {
	long left;
	long freed;
	__u64 at_ns;
	unsigned long rate;
};

/* Looks closer together than that tell nothing. */
#define TW_PACE_NS	5000000ULL
/* Memory kept is what goes in so many parts of a second. */
#define TW_PACE_PARTS	20

/* Looks at @left pages now, @freed by us since load. The peak fades slowly. */
static inline void tw_pace_look(struct tw_pace *p, long left, long freed,
				__u64 now_ns)
{
	__u64 ns = now_ns - p->at_ns;
	unsigned long faded = p->rate - p->rate / 8;
	long gone;

	if (ns < TW_PACE_NS)
		return;
	gone = p->left - left + freed - p->freed;
	if (gone < 0 || !p->at_ns)
		gone = 0;
	/* A node has less than 2^40 pages, so that this cannot overflow. */
	p->rate = (__u64)gone * 1000000 / (ns / 1000);
	if (p->rate < faded)
		p->rate = faded;
	p->left = left;
	p->freed = freed;
	p->at_ns = now_ns;
}

/*
 * Pages to keep free on a node above its high watermark @high, from which
 * allocations are served without anybody waiting: what goes in a 20th of a
 * second, at least half the watermark and at most a 16th of all @pages.
 */
static inline unsigned long tw_pace_keep(const struct tw_pace *p,
					 unsigned long high, unsigned long pages)
{
	unsigned long least = high / 2, most = pages / 16;
	unsigned long keep = p->rate / TW_PACE_PARTS;

	if (keep > most)
		keep = most;
	return keep > least ? keep : least;
}

/*
 * Of @cache pages of files what can go before anybody minds: as the kernel's
 * own MemAvailable has it, half of it or all but the low watermark.
 */
static inline unsigned long tw_cache_spare(unsigned long cache,
					   unsigned long low)
{
	return cache - (cache / 2 < low ? cache / 2 : low);
}

/* Of @pages on a node, of @all, those that @room in stores is left for. */
static inline unsigned long tw_room_share(unsigned long pages,
					  unsigned long all, unsigned long room)
{
	if (room >= all)
		return pages;
	/* Neither has more than 2^40 pages: in units of 2^20 if need be. */
	if (room >> 24 || pages >> 40)
		return (room >> 12) * (pages >> 12) / ((all >> 24) + 1);
	return pages * room / all;
}

#endif
