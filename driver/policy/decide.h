/* SPDX-License-Identifier: GPL-2.0 */
/*
 * decide.h - which pages are to move, by what the scans have seen
 *
 * The scanner's thread calls it and owns all of it, so it needs no lock. Only
 * tw_policy_tell_stores() may be called by any thread.
 */
#ifndef _TW_DECIDE_H
#define _TW_DECIDE_H

#include <linux/tierwatch.h>
#include <linux/types.h>

#include "policy/policy_calc.h"

struct tw_space;

/**
 * struct tw_heat_map - histograms of the pages that one scan has found
 * @home: pages in memory by heat, for each tier that is their home
 * @tier: pages in memory by heat, for each tier that they are in
 * @age: pages in a store that needs room, by how many scans they have been untouched;
 *	of other stores it is not set
 */
struct tw_heat_map {
	u64 home[TW_NR_TIERS][TW_HEAT_BUCKETS];
	u64 tier[TW_NR_TIERS][TW_HEAT_BUCKETS];
	u64 age[TW_NR_TIERS][U8_MAX + 1];
};

/**
 * struct tw_decider - what is known from the scan before
 * @scan: number of the scan
 * @margin: how far beyond the cut a page's heat must be
 * @pays: for each home: heat from which it pays to bring a page there
 * @cost_ns: for each memory tier: what a move there costs
 * @fit: for each home: lowest heat of the pages that fit into it
 * @need: for each tier: how many pages are still to leave it
 * @sink_age: for each store: how many scans a page must have been untouched to sink
 * @room: for each store: how many slots are to be free
 * @asking: for each store: how often its pages are touched
 * @refaults: for each store: its refaults until this scan began
 * @sinks: for each store: how many pages were to sink when this scan began
 * @sink_ns: time that sinking may still take, negative if it took more
 * @began: when this scan began, or 0 if there was none before
 * @waited: how long faults had waited for stores by then, all together
 * @cold: for each tier: heat below which pages are cold
 * @waiting: for each home: promotions that found no room
 * @moved: pages moved in this scan
 * @thrash: how many of these had been moved the other way shortly before
 * @wanted: pages wanted elsewhere in this scan
 * @move_ns: time that moves have taken since tw_policy_move_ns() was last called
 */
struct tw_decider {
	u32 scan;
	struct tw_margin margin;
	unsigned int pays[TW_NR_TIERS];
	u64 cost_ns[TW_NR_TIERS];
	unsigned int fit[TW_NR_TIERS];
	unsigned long need[TW_NR_TIERS];
	unsigned int sink_age[TW_NR_TIERS];
	u64 room[TW_NR_TIERS];
	struct tw_demand asking[TW_NR_TIERS];
	u64 refaults[TW_NR_TIERS];
	u64 sinks[TW_NR_TIERS];
	s64 sink_ns;
	u64 began;
	u64 waited;
	unsigned int cold[TW_NR_TIERS];
	unsigned long waiting[TW_NR_TIERS];
	u64 moved;
	u64 thrash;
	u64 wanted;
	u64 move_ns;
};

extern struct tw_decider tw_decider;	/* of the scanner's thread */

/* Are the coldest pages of this tier wanted elsewhere? */
static inline bool tw_policy_needs_cold(int tier)
{
	return tw_decider.need[tier];
}

int tw_policy_moves_init(void);		/* called by the scanner's init */
void tw_policy_moves_exit(void);
/* A scan begins, in which touches within @window_ns count. */
void tw_policy_begin(u64 window_ns);
/* The scan has found a page in memory, with word @w, and @heat and @young. */
void tw_policy_see(struct tw_space *sp, unsigned long idx, unsigned long w,
		   unsigned int heat, bool young);
/* It has found a page in a store that needs room, untouched for @age scans. */
void tw_policy_see_stored(struct tw_space *sp, unsigned long idx, int tier,
			  unsigned int age);
/* Moves what is left of a space's pages, all of which have been seen. */
void tw_policy_space_done(void);
/* The scan ends. @news: the program has turned to other pages. */
void tw_policy_end(const struct tw_heat_map *map, bool news);
/* Tells store_choice.c whether pages should leave the slowest store. Any thread. */
void tw_policy_tell_stores(void);
/* Scanning is switched off, so what is known of the stores will be outdated. */
void tw_policy_forget(void);
/* Moves up to @nr pages to the nodes that touch them. */
void tw_policy_balance(unsigned int nr);
/* How long moves have taken since the last call of this, waiting included. */
u64 tw_policy_move_ns(void);
/* How many pages the policy wanted elsewhere in this scan. */
u64 tw_policy_wanted(void);

#endif
