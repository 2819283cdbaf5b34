/* SPDX-License-Identifier: GPL-2.0 */
/*
 * group.h - limits that hold for many agents at once
 *
 * A group is a cgroup with all below it, or a user with the namespaces it has
 * made. It has limits by tier, set by an admin, and counts the pages of all spaces
 * that were made in it, whichever agent they are accounted to. A space knows the
 * groups that bind it; one that is in none, the usual case, pays nothing.
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

/* tw_space.groups beside the pointer: counts are being moved from group to group. */
#define TW_GROUPS_CHANGE	1UL

/*
 * A new space, which no one can touch yet, notes where it is made: 0 or -ENOMEM.
 * In tw_spaces, where calls that make a group find it, it joins its groups: the
 * same. Sleep.
 */
int tw_groups_note(struct tw_space *sp);
int tw_groups_join(struct tw_space *sp);
/* Its last reference is gone, and so are its pages. */
void tw_groups_leave(struct tw_space *sp);
/* Those of a space that has some. Process context, under any lock. */
void tw_groups_count(struct tw_space *sp, int tier, long n);
u64 tw_groups_room(struct tw_space *sp, int tier);
unsigned long tw_groups_excess(struct tw_space *sp, int tier);

/*
 * @n pages more of @sp in @tier. The count of a space and those of its groups
 * change in one RCU section, so that whoever changes the groups can wait for all
 * that began before.
 */
static inline void tw_space_count(struct tw_space *sp, int tier, long n)
{
	rcu_read_lock();
	/* Pairs with tw_groups_switch(), which takes its sum before. */
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
 * By how many pages the agent or a group of @r, whichever is more, is over its limit
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
