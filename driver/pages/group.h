/* SPDX-License-Identifier: GPL-2.0 */
/*
 * group.h - limits that hold for many agents at once
 *
 * A group is a cgroup with all cgroups below it, or a user with the user namespaces
 * it has made. It has limits by tier, set by an admin, and counts the pages of all
 * regions that were made in it, whichever agent they are accounted to. A region has
 * an array of the groups that bind it. Most regions are in no group, and for them
 * groups cost one test.
 */
#ifndef _TW_GROUP_H
#define _TW_GROUP_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>

#include "agents/agent.h"
#include "agents/limit.h"
#include "pages/region.h"

/*
 * A bit in tw_region.groups beside the pointer: the region's groups are about to
 * change, so its counts are changed under tw_groups_lock (see group.c).
 */
#define TW_GROUPS_CHANGE	1UL

/*
 * Notes the cgroup in which a new region is made. The region cannot be found or
 * touched yet. Returns 0 or -ENOMEM. Sleeps.
 */
int tw_groups_note(struct tw_region *r);
/*
 * Has a new region without pages join its groups. The region is in tw_regions
 * already, so that calls that make a group at this time find it. Returns 0 or
 * -ENOMEM. Sleeps.
 */
int tw_groups_join(struct tw_region *r);
/* Leaves all groups. The region has no pages and no reference left. */
void tw_groups_leave(struct tw_region *r);
/*
 * The three below are for regions with groups: add @n to the counts of pages, the
 * least room that a group leaves, and the most by which a group is over its limit.
 * Process context, under any lock.
 */
void tw_groups_count(struct tw_region *r, int tier, long n);
u64 tw_groups_room(struct tw_region *r, int tier);
unsigned long tw_groups_excess(struct tw_region *r, int tier);

/*
 * Adds @n to the pages of @r in @tier. The count of a region and those of its groups
 * change in one RCU section, so that a task that changes the groups can wait for all
 * changes of counts that began before.
 */
static inline void tw_region_count(struct tw_region *r, int tier, long n)
{
	rcu_read_lock();
	/* Pairs with tw_groups_switch(), which takes its sum before. */
	if (likely(!smp_load_acquire(&r->groups)))
		atomic_long_add(n, &r->pages[tier]);
	else
		tw_groups_count(r, tier, n);
	rcu_read_unlock();
}

/* How many more pages of @r the limits of its agent and groups allow in @tier. */
static inline u64 tw_region_room(struct tw_region *r, int tier)
{
	u64 room = tw_agent_room(r->agent, tier);

	if (likely(!READ_ONCE(r->groups)))
		return room;
	return min(room, tw_groups_room(r, tier));
}

/*
 * By how many pages the agent or a group of @r, whichever is more, is over its limit
 * in @tier. Process context; may sleep.
 */
static inline unsigned long tw_region_excess(struct tw_region *r, int tier)
{
	unsigned long excess = tw_agent_excess(r->agent, tier);

	if (likely(!READ_ONCE(r->groups)))
		return excess;
	return max(excess, tw_groups_excess(r, tier));
}

#endif
