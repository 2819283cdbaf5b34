/* SPDX-License-Identifier: GPL-2.0 */
/*
 * group.h - limits that hold for many agents at once
 *
 * A group is a cgroup with all below it, or a user with the namespaces it has
 * made. It has limits by tier, set by an admin, and counts the pages of all spaces
 * that were made in it, whichever agent they are accounted to. A space knows the
 * groups that bind it; one that is in none, the usual case, pays nothing.
 *
 * All higher rooms may call it. group.c and group_join.c describe the locks.
 */
#ifndef _TW_GROUP_H
#define _TW_GROUP_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>

#include "agents/agent.h"
#include "agents/limit.h"
#include "pages/space.h"

/* A bit in tw_space.groups, beside the pointer: the sums of groups are being changed. */
#define TW_GROUPS_CHANGE	1UL

/*
 * The two steps of a new space, before any page of it can be touched. First it notes
 * the cgroup in which it is made. When calls that make a group can find it, after
 * tw_space_show(), it joins its groups. Both sleep and return 0 or -ENOMEM.
 */
int tw_groups_note(struct tw_space *sp);
int tw_groups_join(struct tw_space *sp);
/* Frees what a space has of groups, when its last reference and its pages are gone. */
void tw_groups_leave(struct tw_space *sp);
/* The three below for a space that is in groups. Process context, under any lock. */
void tw_groups_count(struct tw_space *sp, int tier, long n);
u64 tw_groups_room(struct tw_space *sp, int tier);
unsigned long tw_groups_excess(struct tw_space *sp, int tier);

/*
 * Counts @n more pages of @sp in @tier. The count of a space and those of its groups
 * change in one RCU section, so that a call that changes the groups can wait for all
 * counts that began before.
 */
static inline void tw_space_count(struct tw_space *sp, int tier, long n)
{
	rcu_read_lock();
	/* Pairs with the release in tw_groups_switch(), which has read ->pages before. */
	if (likely(!smp_load_acquire(&sp->groups)))
		atomic_long_add(n, &sp->pages[tier]);
	else
		tw_groups_count(sp, tier, n);
	rcu_read_unlock();
}

/* How many more pages of @sp may go to @tier. */
static inline u64 tw_space_room(struct tw_space *sp, int tier)
{
	u64 room = tw_agent_room(sp->agent, tier);

	if (likely(!READ_ONCE(sp->groups)))
		return room;
	return min(room, tw_groups_room(sp, tier));
}

/*
 * By how many pages the agent or a group of @sp, whichever is more, is over its limit
 * in @tier. Process context; may sleep.
 */
static inline unsigned long tw_space_excess(struct tw_space *sp, int tier)
{
	unsigned long excess = tw_agent_excess(sp->agent, tier);

	if (likely(!READ_ONCE(sp->groups)))
		return excess;
	return max(excess, tw_groups_excess(sp, tier));
}

#endif
