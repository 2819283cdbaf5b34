// SPDX-License-Identifier: GPL-2.0
/*
 * balance.c - pages of the CPU tier to the node whose CPUs touch them
 *
 * It moves pages as the votes in their records say. Owns nothing. The table of ioctls
 * and the API for other modules call it, and the scanner's thread.
 *
 * Locks: none of its own; it takes those of movers.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "base/usercopy.h"
#include "moving/move.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/balance.h"
#include "tiers/nodes.h"
#include "tiers/tier.h"

/* By how many votes a node must lead for a page to go there. */
#define TW_BALANCE_SURE	2U

/**
 * struct tw_balance - one call
 * @arg: its argument, with limits and sums
 * @nodes: nodes of the CPU tier
 * @m: batch being filled, for one node
 * @move_ns: time that moves have taken
 */
struct tw_balance {
	struct tw_numa_balance *arg;
	nodemask_t nodes;
	struct tw_move *m;
	u64 move_ns;
};

static bool tw_balance_enough(const struct tw_balance *b)
{
	return (b->arg->nr && b->arg->moved >= b->arg->nr) ||
	       signal_pending(current);
}

static bool tw_balance_in_tier(unsigned long w)
{
	return tw_w_state(w) == TW_MEM && tw_w_tier(w) == TW_TIER_CPU;
}

/* Is a page of the CPU tier clearly touched by another node than the one it is on? */
static bool tw_balance_strays(unsigned long w)
{
	return tw_w_sure(w) >= TW_BALANCE_SURE && !tw_w_huge(w) &&
	       tw_page_nid(tw_w_page(w)) != tw_w_best_node(w);
}

static void tw_balance_flush(struct tw_balance *b)
{
	u64 began = ktime_get_mono_fast_ns();
	struct tw_move *m = b->m;
	unsigned int i;

	if (!m->nr)
		return;
	tw_move_run(m);
	b->move_ns += ktime_get_mono_fast_ns() - began;
	b->arg->moved += m->moved;
	atomic_long_add(m->moved, &tw_numa_moved[m->nid]);
	for (i = 0; i < m->nr; i++)
		/* Pages that have gone or left the tier meanwhile are no failures. */
		if (m->status[i] < 0 && m->status[i] != -ENOENT &&
		    m->status[i] != -EINVAL)
			b->arg->failed++;
	m->nr = 0;
}

static void tw_balance_chunk(struct tw_balance *b, struct tw_chunk *c, int nid)
{
	struct tw_move *m = b->m;
	unsigned int i;

	m->nid = nid;
	for (i = 0; i < TW_CHUNK_PAGES && !tw_balance_enough(b); i++) {
		u64 left = b->arg->nr ? b->arg->nr - b->arg->moved : TW_BATCH;

		unsigned long w = tw_rec_w(&c->rec[i]);

		if (!tw_balance_in_tier(w) || tw_w_best_node(w) != nid ||
		    !tw_balance_strays(w))
			continue;
		m->idx[m->nr++] = c->base + i;
		if (m->nr >= min_t(u64, TW_BATCH, left))
			tw_balance_flush(b);
	}
	tw_balance_flush(b);
}

/* Counts pages of a chunk in the CPU tier. *@strays: some should be on another node. */
static unsigned int tw_balance_count(struct tw_chunk *c, bool *strays)
{
	unsigned int i, n = 0;

	*strays = false;
	if (!atomic_read(&c->nr_mem))
		return 0;
	for (i = 0; i < TW_CHUNK_PAGES; i++) {
		unsigned long w = tw_rec_w(&c->rec[i]);

		if (!tw_balance_in_tier(w))
			continue;
		n++;
		*strays |= tw_balance_strays(w);
	}
	return n;
}

static void tw_balance_space(struct tw_balance *b, struct tw_space *sp)
{
	struct tw_chunk *c;
	unsigned long i;
	bool strays;
	int nid;

	b->m->space = sp;
	tw_for_each_chunk(sp, i, c) {
		if (tw_balance_enough(b))
			return;
		b->arg->looked += tw_balance_count(c, &strays);
		/* The pages of a batch all go to one node, so each node has its turn. */
		if (strays)
			for_each_node_mask(nid, b->nodes)
				tw_balance_chunk(b, c, nid);
		cond_resched();
	}
}

/* The nodes of the CPU tier, or -EOPNOTSUPP. */
static int tw_balance_nodes(nodemask_t *nodes)
{
	struct tw_tier_desc *t = &tw_tiers[TW_TIER_CPU];
	bool bound;

	spin_lock(&t->pressure_lock);
	bound = t->state == TW_TIER_BOUND;
	if (bound)	/* if not, a bind may just be writing them */
		*nodes = t->nodes;
	spin_unlock(&t->pressure_lock);
	return bound ? 0 : -EOPNOTSUPP;
}

/* Does the work of a call whose ->arg and ->nodes are set. 0, -ENOMEM or -EINTR. */
static int tw_balance(struct tw_balance *b, bool admin)
{
	struct tw_numa_balance *arg = b->arg;
	struct tw_space *sp;
	u64 id = 0;

	b->m = tw_move_alloc(GFP_KERNEL_ACCOUNT);
	if (!b->m)
		return -ENOMEM;
	b->m->to = TW_TIER_CPU;
	b->m->from = TW_TIER_CPU;
	b->m->reason = TW_REASON_NUMA;
	b->m->flags = TW_MOVE_SAME;
	while (!tw_balance_enough(b) && (sp = tw_managed_after(id))) {
		id = tw_space_number(sp);
		if (admin || tw_space_mine(sp))
			tw_balance_space(b, sp);
		tw_space_put(sp);
	}
	tw_move_free(b->m);
	return signal_pending(current) && !arg->looked ? -EINTR : 0;
}

/**
 * tw_numa_balance_ioctl - TW_IOC_NUMA_BALANCE
 * @arg: the ioctl's argument
 *
 * Sleeps.
 *
 * Return: 0, -errno as in uapi, or -ENOMEM.
 */
int tw_numa_balance_ioctl(struct tw_numa_balance *arg)
{
	struct tw_balance b = { .arg = arg };
	int err;

	arg->looked = 0;
	arg->moved = 0;
	arg->failed = 0;
	if (arg->flags || arg->reserved)
		return -EINVAL;
	err = tw_balance_nodes(&b.nodes);
	return err ? err : tw_balance(&b, tw_is_admin());
}

/**
 * tw_numa_balance_some - move pages of all spaces to the nodes that touch them
 * @nr: how many pages at most
 *
 * Sleeps. Looks at no page if the tier has only one node.
 *
 * Return: ns that the moves have taken.
 */
u64 tw_numa_balance_some(u32 nr)
{
	struct tw_numa_balance arg = { .nr = nr };
	struct tw_balance b = { .arg = &arg };

	if (!tw_balance_nodes(&b.nodes) && nodes_weight(b.nodes) > 1)
		tw_balance(&b, true);
	return b.move_ns;
}
