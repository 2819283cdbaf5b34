/* SPDX-License-Identifier: GPL-2.0 */
/*
 * external.h - external pages: frames that other software owns
 *
 * The driver knows them by frame number only. It counts their touches, accounts
 * them to agents, and moves them if their owner has given a mover.
 *
 * Doors, policy and moving call it. external_entry.h describes the locks.
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
 * struct tw_mover - moves external pages for their owner
 * @move: moves the contents of frame @pfn from one tier to another. Returns 0 with
 *	*@new_pfn set, either to @pfn or to a frame that is not tracked; or a negative
 *	errno if nothing has changed. May sleep
 * @data: passed to @move
 */
struct tw_mover {
	int (*move)(void *data, u64 pfn, int from, int to, u64 *new_pfn);
	void *data;
};

/**
 * struct tw_external_new - a frame to be tracked
 * @pfn: frame number
 * @tier: enum tw_tier that it is in
 * @node: NUMA node, or NUMA_NO_NODE to find out the frame's own
 * @agent: agent that it is accounted to; the caller has a reference
 * @user: user to charge
 * @mover: moves it, or NULL
 */
struct tw_external_new {
	u64 pfn;
	int tier;
	int node;
	struct tw_agent *agent;
	struct tw_user *user;
	const struct tw_mover *mover;
};

int tw_external_add(const struct tw_external_new *want);
int tw_external_remove(u64 pfn);
int tw_external_report(u64 pfn);
bool tw_external_describe(u64 pfn, struct tw_page *p);
/* Sets only ->page, ->agent, ->tier, ->flags, ->node, and ->heat and ->age at second @now. */
bool tw_external_glance(u64 pfn, u32 now, struct tw_page *p);
unsigned long tw_external_next(unsigned long pfn, struct tw_page *p);
int tw_external_set_heat(u64 pfn, unsigned int heat, bool aged);

#endif
