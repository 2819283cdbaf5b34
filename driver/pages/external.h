/* SPDX-License-Identifier: GPL-2.0 */
/*
 * external.h - pages of somebody else, known by frame number only
 */
#ifndef _TW_EXTERNAL_H
#define _TW_EXTERNAL_H

#include <linux/types.h>
#include <linux/tierwatch.h>

struct tw_agent;
struct tw_user;

int tw_external_init(void);
void tw_external_exit(void);

/**
 * struct tw_mover - moves an owner's external pages
 * @move: moves frame @pfn from tier to tier: 0 with *@new_pfn set (it may be the
 *	same, else it is tracked by nobody), or a negative errno and nothing has
 *	changed. May sleep
 * @data: for @move
 */
struct tw_mover {
	int (*move)(void *data, u64 pfn, int from, int to, u64 *new_pfn);
	void *data;
};

/**
 * struct tw_external_new - a frame to be tracked
 * @pfn: frame number
 * @tier: where it is
 * @node: NUMA node, or NUMA_NO_NODE: the frame's own
 * @agent: accounted to, the caller has a reference
 * @user: charged
 * @mover: may be NULL
 */
struct tw_external_new {
	u64 pfn;
	int tier;
	int node;
	struct tw_agent *agent;
	struct tw_user *user;
	const struct tw_mover *mover;
};

/* -EINVAL, -EEXIST, -EDQUOT, -ENOMEM; -ENOENT, -EBUSY. Sleep. */
int tw_external_add(const struct tw_external_new *want);
int tw_external_remove(u64 pfn);
/* 0 or -ENOENT. Any context but NMI. */
int tw_external_report(u64 pfn);
/* What is known of frame @pfn: false when it is not tracked. Any but NMI. */
bool tw_external_describe(u64 pfn, struct tw_page *p);
/*
 * The first tracked frame from @pfn on, described: its number, or ULONG_MAX
 * when there is none. Any context but NMI.
 */
unsigned long tw_external_next(unsigned long pfn, struct tw_page *p);
/*
 * Its heat from now on, @aged as if ten seconds old: 0 or -ENOENT. Any context
 * but NMI.
 */
int tw_external_set_heat(u64 pfn, unsigned int heat, bool aged);

#endif
