/* SPDX-License-Identifier: GPL-2.0 */
/*
 * external_entry.h - the table of external pages
 *
 * Only external.c and external_move.c may include this.
 *
 * Locks. The xarray's own lock (process context) guards the table, the agents'
 * lists ->externals, the moves under way and all members of an entry but its heat,
 * time and votes. Those are hints: they change without a lock, and a race loses one
 * touch at most. An entry's agent lives at least as long as the entry is in the
 * table, since tw_external_drop_agent() takes the lock before the agent is freed.
 * Lookups and reports are under RCU only, in any context but NMI; entries and agents
 * are freed after a grace period. Lock order: the xarray's lock, then tw_users_lock.
 *
 * A task that moves a page sets ->busy under the lock and holds a reference to the
 * page's agent. Until it has cleared ->busy, no other task moves the page or takes
 * it out of the table.
 */
#ifndef _TW_EXTERNAL_ENTRY_H
#define _TW_EXTERNAL_ENTRY_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/xarray.h>
#include <linux/tierwatch.h>

#include "agents/agent.h"
#include "base/stats.h"

struct tw_mover;
struct tw_user;

/**
 * struct tw_ext - an external page
 * @in_agent: in its agent's ->externals
 * @rcu: takes the place of @in_agent once the entry is out of the table
 * @agent: agent that it is accounted to; RCU keeps it and its counters for readers
 * @user: user that is charged for it, referenced
 * @mover: moves it; NULL if its owner has given none
 * @pfn: frame number, its key
 * @votes: nodes whose CPUs touch it, as in a record's word
 * @touched: second of CLOCK_MONOTONIC in which it was last reported
 * @heat: its heat at that time
 * @node: NUMA node, or NUMA_NO_NODE
 * @tier: enum tw_tier that it is in
 * @busy: it is being moved
 */
struct tw_ext {
	union {
		struct list_head in_agent;
		struct rcu_head rcu;
	};
	struct tw_agent *agent;
	struct tw_user *user;
	const struct tw_mover *mover;
	u64 pfn;
	u32 votes;
	u32 touched;
	u16 heat;
	s16 node;
	u8 tier;
	u8 busy;
};

extern struct xarray tw_exts;

/* Returns the entry of a frame, or NULL. Under the table's lock or RCU. */
static inline struct tw_ext *tw_ext_find(u64 pfn)
{
	return pfn < TW_MAX_PFN ? xa_load(&tw_exts, pfn) : NULL;
}

static inline void tw_ext_count(struct tw_ext *e, int n)
{
	atomic_long_add(n, &e->agent->external[e->tier]);
	tw_global_add(external, n);
	tw_global_add(external_bytes, n * (long)sizeof(*e));
}

/*
 * Takes an entry out of the table and frees it, under the table's lock. Returns NULL,
 * or an agent for tw_ext_put_agent(), to be called when the lock is dropped.
 */
struct tw_agent *tw_ext_unlink(struct tw_ext *e);

static inline void tw_ext_put_agent(struct tw_agent *a)
{
	if (a)
		tw_agent_put(a);
}

/* The node of a frame with an online struct page, else NUMA_NO_NODE. */
int tw_frame_node(u64 pfn);

#endif
