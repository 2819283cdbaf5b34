/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reclaim_calc.h - how many pages to reclaim, and for which reclaimer they count
 *
 * Pure arithmetic: no kernel calls and no locks, so that the unit tests run it
 * on the host. All figures are pages unless they say otherwise. The caller holds
 * the lock that guards the struct it passes.
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
 * struct tw_claims - pages freed, and how many of them reclaimers have reported
 * @done: pages freed since load
 * @claimed: how many of these are reported as a reclaimer's progress, or were freed
 *	while none waited
 * @waiting: reclaimers between tw_claims_begin() and tw_claims_end()
 *
 * Several reclaimers wait for the same thread. Each page that it frees counts as
 * the progress of only one of them. A reclaimer that reports progress makes the
 * kernel try its allocation again, which would go on for ever if pages were counted
 * twice.
 */
struct tw_claims {
	long done;
	long claimed;
	unsigned int waiting;
};

/* A reclaimer begins to wait. Returns the @since for the functions below. */
static inline long tw_claims_begin(struct tw_claims *c)
{
	/* Pages that were freed while no reclaimer waited have been used already. */
	if (!c->waiting++)
		c->claimed = c->done;
	return c->done;
}

/* How many pages a reclaimer that began at @since could claim now. */
static inline long tw_claims_open(const struct tw_claims *c, long since)
{
	long own = c->done - since, left = c->done - c->claimed;

	return own < left ? own : left;
}

/* Claims up to @want pages for a reclaimer that began at @since; returns how many. */
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
 * struct tw_pace - how fast a node's free memory is used up
 * @left: pages that were left at the last measurement
 * @freed: pages that the driver had freed there by then
 * @at_ns: time of the last measurement
 * @rate: pages used per second, the highest rate of late
 */
struct tw_pace {
	long left;
	long freed;
	__u64 at_ns;
	unsigned long rate;
};

/* Measurements closer together than this are too coarse to be used. */
#define TW_PACE_NS	5000000ULL
/* As much is kept free as is used up in a second divided by this. */
#define TW_PACE_PARTS	20

/*
 * Measures the rate: @left pages are left now, and the driver has @freed so many there
 * since load. A lower rate than before takes effect slowly.
 */
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
 * How many pages to keep free on a node above its high watermark @high, so that
 * allocations need not wait: as many as are used up in a 20th of a second, at least
 * half the watermark and, if that is less, at most a 16th of the node's @pages.
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
 * How many of @cache pages of files can be reclaimed without harm, estimated as the
 * kernel does for MemAvailable: half of them, or all but the low watermark @low,
 * whichever is more.
 */
static inline unsigned long tw_cache_spare(unsigned long cache,
					   unsigned long low)
{
	return cache - (cache / 2 < low ? cache / 2 : low);
}

/*
 * A node's share of the free @room in stores: how many of its @pages can be demoted
 * when all nodes together have @all pages, of which @room fit.
 */
static inline unsigned long tw_room_share(unsigned long pages,
					  unsigned long all, unsigned long room)
{
	if (room >= all)
		return pages;
	/* Both are below 2^40. Large ones are scaled, so that nothing overflows. */
	if (room >> 24 || pages >> 40)
		return (room >> 12) * (pages >> 12) / ((all >> 24) + 1);
	return pages * room / all;
}

#endif
