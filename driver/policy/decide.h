/* SPDX-License-Identifier: GPL-2.0 */
/*
 * decide.h - which pages are to move, by what the scans have seen
 *
 * The scanner's thread calls it and owns all of it, so it needs no lock.
 */
#ifndef _TW_DECIDE_H
#define _TW_DECIDE_H

#include <linux/tierwatch.h>
#include <linux/types.h>

#include "policy/policy_calc.h"

struct tw_space;

/**
 * struct tw_heat_map - resident pages by heat, of one scan
 * @home: by the tier they should be in
 * @tier: by the tier they are in
 * @age: pages in a store that needs room, by scans untouched
 */
struct tw_heat_map {
	u64 home[TW_NR_TIERS][TW_HEAT_BUCKETS];
	u64 tier[TW_NR_TIERS][TW_HEAT_BUCKETS];
	u64 age[TW_NR_TIERS][U8_MAX + 1];
};

/**
 * struct tw_decider - what is known from the scan before
 * @scan: its number
 * @margin: distance from the cut
 * @pays: by home: heat from which on it pays to bring a page there
 * @cost_ns: of a move, by the memory tier it goes to
 * @fit: by home: heat that fits it
 * @need: by tier: pages to make room for
 * @sink_age: by store: scans untouched from which that many are
 * @room: by store: slots to be free
 * @asking: by store: how often its pages are asked for
 * @refaults: by store: refaults by this scan's beginning
 * @sinks: by store: pages were to sink at this scan's beginning, so many
 * @sink_ns: time that sinking has, less than none when it took more
 * @began: when this scan began
 * @waited: what faults had waited for stores by then
 * @cold: by tier: heat below which that many are
 * @waiting: by home: promotions that found no room
 * @moved: pages moved in this scan
 * @thrash: of them, to and fro
 * @wanted: pages wanted elsewhere in this scan
 * @move_ns: time that moves have taken, not yet asked for
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

extern struct tw_decider tw_decider;	/* the scanner's thread's own */

/* Are pages of this tier, the coldest, wanted elsewhere? */
static inline bool tw_policy_needs_cold(int tier)
{
	return tw_decider.need[tier];
}

int tw_policy_moves_init(void);		/* by the scanner */
void tw_policy_moves_exit(void);
/* A scan; touches within @window_ns count. */
void tw_policy_begin(u64 window_ns);
/* A resident page in it: @w its word, @heat and @young as found. */
void tw_policy_see(struct tw_space *sp, unsigned long idx, unsigned long w,
		   unsigned int heat, bool young);
/* A page in a store that needs room, untouched for @age scans. */
void tw_policy_see_stored(struct tw_space *sp, unsigned long idx, int tier,
			  unsigned int age);
void tw_policy_space_done(void);	/* moves what is left of a space's */
/* @news: the program has turned to other pages. */
void tw_policy_end(const struct tw_heat_map *map, bool news);
/* The stores are told whether pages are to leave the slowest one: any thread. */
void tw_policy_tell_stores(void);
/* Scans have ended for now: what stores were asked for meanwhile tells nothing. */
void tw_policy_forget(void);
/* Up to @nr pages to the nodes that touch them. */
void tw_policy_balance(unsigned int nr);
/* Time that moves have taken since this was last asked, waiting included. */
u64 tw_policy_move_ns(void);
/* How many pages the policy wanted elsewhere in this scan. */
u64 tw_policy_wanted(void);

#endif
