/* SPDX-License-Identifier: GPL-2.0 */
/*
 * group_entry.h - struct tw_group, shared by group.c, group_join.c and group_limit.c only
 *
 * Locks. tw_groups_mutex guards the list of groups, in the order of making, and
 * orders calls that change which groups bind a space. Limits and counts are read
 * without it.
 */
#ifndef _TW_GROUP_ENTRY_H
#define _TW_GROUP_ENTRY_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/tierwatch.h>

struct tw_space;

/**
 * struct tw_group - a cgroup or a user with limits
 * @ref: held by the list tw_groups while it has limits, and by arrays of spaces
 * @serial: its place in the list, which is in the order of making
 * @path: path of the cgroup, as in /proc/PID/cgroup; NULL if the group is a user
 * @uid: the user, if @path is NULL
 * @limit: pages by tier, TW_NO_LIMIT for none
 * @pages: pages by tier of the spaces in it
 * @node: in tw_groups
 */
struct tw_group {
	struct kref ref;
	u64 serial;
	char *path;
	kuid_t uid;
	u64 limit[TW_NR_TIERS];
	atomic_long_t pages[TW_NR_TIERS];
	struct list_head node;
};

/* Pages in a tier; the count may be below 0 for a moment while pages move. */
static inline u64 tw_group_used(const struct tw_group *g, int tier)
{
	return max(atomic_long_read(&g->pages[tier]), 0L);
}

/**
 * struct tw_groups - the groups that bind a space
 * @rcu: it is freed after a grace period
 * @next: while it is being prepared: entry of a list of prepared arrays
 * @space: while it is being prepared: the space that it is for, referenced
 * @nr: how many groups there are in @group
 * @group: the groups, each referenced
 */
struct tw_groups {
	struct rcu_head rcu;
	struct list_head next;
	struct tw_space *space;
	unsigned int nr;
	struct tw_group *group[];
};

extern spinlock_t tw_groups_lock;	/* sums and arrays that change, see group.c */
bool tw_group_binds(const struct tw_group *g, const struct tw_space *sp);
/* The array of a space, or NULL. Under RCU, tw_groups_lock or tw_groups_mutex. */
const struct tw_groups *tw_groups_of(struct tw_space *sp);
/* Frees what was a space's ->groups, after a grace period. */
void tw_groups_free(unsigned long groups);
/* Frees an array at once: the RCU callback, also for an array never published. */
void tw_groups_free_rcu(struct rcu_head *rcu);

extern struct list_head tw_groups;
extern struct mutex tw_groups_mutex;

/*
 * Binds all spaces that @g is for, or lets them go, under tw_groups_mutex. A space that
 * is made meanwhile waits for it. Returns 0, or -ENOMEM if nothing has changed. Sleeps.
 */
int tw_group_spread(struct tw_group *g, bool add);
/* Drops a reference. Any context. */
void tw_group_put(struct tw_group *g);
/* The path of the caller's cgroup, for kfree(), or NULL if memory is lacking. Sleeps. */
char *tw_current_cgroup(void);
/* Whether @path is the cgroup @top or one below it. */
bool tw_path_below(const char *path, const char *top);

#endif
