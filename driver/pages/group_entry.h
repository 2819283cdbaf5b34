/* SPDX-License-Identifier: GPL-2.0 */
/*
 * group_entry.h - what group.c and group_limit.c share: a group
 *
 * Locks. tw_groups_mutex guards the list of groups, in the order of making, and
 * orders those who change which groups bind a region. Limits and counts are read
 * without it.
 */
#ifndef _TW_GROUP_ENTRY_H
#define _TW_GROUP_ENTRY_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/uidgid.h>
#include <linux/tierwatch.h>

/**
 * struct tw_group - a cgroup or a user with limits
 * @ref: tw_groups while it has limits, and arrays of regions
 * @serial: its place in the list, which is in the order of making
 * @path: of a cgroup, as in /proc/PID/cgroup; NULL: it is a user
 * @uid: which user
 * @limit: pages by tier, TW_NO_LIMIT for none
 * @pages: pages by tier of the regions in it
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

/* Between two counts of one move it may be below 0. */
static inline u64 tw_group_used(const struct tw_group *g, int tier)
{
	return max(atomic_long_read(&g->pages[tier]), 0L);
}

extern struct list_head tw_groups;
extern struct mutex tw_groups_mutex;

/*
 * Binds all regions that @g is for, or lets them go, under the mutex. A region that
 * is made meanwhile waits for it. 0, or -ENOMEM and nothing has changed. Sleeps.
 */
int tw_group_spread(struct tw_group *g, bool add);
/* Drops a reference. Any context. */
void tw_group_put(struct tw_group *g);
/* The caller's cgroup, to be freed; NULL when there is no memory. Sleeps. */
char *tw_current_cgroup(void);
/* Is @path that of the cgroup @top, or of one below it? */
bool tw_path_below(const char *path, const char *top);

#endif
