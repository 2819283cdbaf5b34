/* SPDX-License-Identifier: GPL-2.0 */
/*
 * group.h - how much room the cgroups of attached programs have
 *
 * A cgroup that is near its memory.high is short of memory however much its nodes have.
 * Owns a list of the cgroups of programs, which is read anew in each tick. tick.c calls
 * it.
 */
#ifndef _TD_GROUP_H
#define _TD_GROUP_H

#include "plan.h"
#include "programs.h"

/* No limit, as in a file that says "max". */
#define TD_NO_LIMIT	(~0ULL)

/**
 * struct td_charge - a cgroup or one above it, in bytes
 * @limit: the lower one of memory.high and memory.max, or TD_NO_LIMIT
 * @current: memory.current
 * @droppable: of that, pages of files that were not used lately and need not be written
 * @swap_limit: memory.swap.max, or TD_NO_LIMIT
 * @swap_current: memory.swap.current
 */
struct td_charge {
	__u64 limit;
	__u64 current;
	__u64 droppable;
	__u64 swap_limit;
	__u64 swap_current;
};

/**
 * struct td_groups - the cgroups that programs are in
 * @group: their room; the first one is that of programs whose cgroup has no limit or is
 *	not known
 * @path: below the mount point, of the same index; NULL for the first
 * @nr: how many
 */
struct td_groups {
	struct td_group *group;
	char **path;
	size_t nr;
};

/* Has @g be no roomier than a level lets it be. @permille of the limit is its headroom. */
void td_group_narrow(struct td_group *g, const struct td_charge *l,
		     __u32 permille, __u32 page_size);
/* The text of memory.stat: what of it is droppable. */
__u64 td_group_droppable(FILE *stat);

/*
 * Finds out the cgroups of all programs that may be touched, and their room. Returns 0
 * or -ENOMEM.
 */
int td_groups_read(struct td_groups *g, struct td_programs *programs,
		   __u32 permille);
void td_groups_free(struct td_groups *g);

#endif
