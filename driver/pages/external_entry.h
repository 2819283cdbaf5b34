/* SPDX-License-Identifier: GPL-2.0 */
/*
 * external_entry.h - the table of external pages: external.c, external_move.c
 *
 * Locks. The xarray's own lock (process context) guards the table, the agents'
 * lists ->externals, the moves under way and all of an entry but its hints:
 * heat, time and votes change without any lock, and a race costs an
 * observation. An entry's agent outlives its time in the table:
 * tw_external_drop_agent() takes the lock before the agent goes. Lookups and
 * reports are under RCU only, in any context but NMI; entries and agents are
 * freed after a grace period. Lock order: xarray -> tw_users_lock.
 *
 * A task that moves a page has set its ->busy under the lock and holds a reference
 * to its agent; until ->busy is cleared nobody else moves it or takes it out.
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
 * @rcu: instead of @in_agent once it is out of the table
 * @agent: accounted to; RCU keeps the struct and its counters for readers
 * @user: charged, referenced
 * @mover: its owner's, or NULL
 * @pfn: frame number, its key
 * @votes: nodes whose CPUs touch it, as in a record's word
 * @touched: second of CLOCK_MONOTONIC in which it was reported last
 * @heat: as of then
 * @node: NUMA node, or NUMA_NO_NODE
 * @tier: where it is
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

/* Under the table's lock or RCU. */
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
 * Takes it out of the table and frees it, under the table's lock. Returns an
 * agent to be put once the lock is dropped, or NULL.
 */
struct tw_agent *tw_ext_unlink(struct tw_ext *e);

static inline void tw_ext_put_agent(struct tw_agent *a)
{
	if (a)
		tw_agent_put(a);
}

/* The node of a frame that has one, else NUMA_NO_NODE. */
int tw_frame_node(u64 pfn);

#endif
