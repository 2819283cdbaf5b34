/* SPDX-License-Identifier: GPL-2.0 */
/* Giving a tier what it is made of, and taking it away. */
#ifndef _TW_BIND_H
#define _TW_BIND_H

#include "machine/sysfs.h"
#include "tw.h"

/**
 * struct binding - what a tier is to be made of
 * @tier: enum tw_tier
 * @path: a block device or a file; NULL: NUMA nodes
 * @capacity: pages; 0: all there is
 * @nodes: a bit each; 0: all that fit
 * @flags: TW_BIND_*
 */
struct binding {
	int tier;
	const char *path;
	__u64 capacity;
	__u64 nodes;
	unsigned int flags;
};

/*
 * They return 0 or the exit code and have said why. The second ends the server of a
 * card's memory as well.
 */
int binding_make(struct tw *tw, const struct binding *b);
int binding_undo(struct tw *tw, int tier, unsigned int flags, __u64 *moved);

/* The block device of a server that tw has started for the tier, or "". */
void binding_card(struct tw *tw, int tier, char name[DEVICE_NAME_LEN]);

/* Percent of a node that a memory tier leaves to others, at most. */
#define LEAVE_MAX	90U

/* TW_BIND_* for so many percent; 0: none is left. */
static inline unsigned int leave_flags(unsigned int percent)
{
	return percent ? TW_BIND_LEAVE(percent) : 0;
}

#endif /* _TW_BIND_H */
