// SPDX-License-Identifier: GPL-2.0
/*
 * backend_numa.c - memory tiers: pages of NUMA nodes
 *
 * Owns the choice of nodes, the pages that come from them and the capacity of memory
 * tiers. bind.c calls it through tw_numa_ops, and offline.c from the notifier of
 * memory hotplug.
 *
 * Locks. A tier is bound and unbound under tw_tier_mutex. The notifier runs under the
 * locks of memory hotplug and must not wait for tw_tier_mutex, whose holder may wait
 * for memory; it reads and changes a tier under pressure_lock only.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/topology.h>

#include "tiers/backend_numa.h"
#include "tiers/measure.h"
#include "tiers/reserve.h"
#include "tiers/share_calc.h"
#include "tiers/tier.h"

DEFINE_STATIC_KEY_FALSE(tw_movable_key);

static unsigned int leave_percent = 25;
module_param(leave_percent, uint, 0644);
MODULE_PARM_DESC(leave_percent, "Percent of each node's memory, 0..90, that a memory tier leaves to others when it binds itself, or is bound with TW_BIND_SHARE (default 25)");

/* -- nodes ----------------------------------------------------------------- */

/* Pages of a node that a tier can get at; only a @movable one may use ZONE_MOVABLE. */
static unsigned long tw_node_pages(int nid, bool movable)
{
	struct zone *zones = NODE_DATA(nid)->node_zones;
	unsigned long pages = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++)
		if (movable || i != ZONE_MOVABLE)
			pages += zone_managed_pages(&zones[i]);
	return pages;
}

static unsigned long tw_nodes_pages(const nodemask_t *nodes, bool movable)
{
	unsigned long pages = 0;
	int nid;

	for_each_node_mask(nid, *nodes)
		if (node_state(nid, N_MEMORY))
			pages += tw_node_pages(nid, movable);
	return pages;
}

/*
 * How much the kernel keeps free on a node: with less it reclaims. Without the boost
 * that it adds for a while after large pages were short, since the capacity would
 * depend on the moment of the bind.
 */
static unsigned long tw_node_high(int nid)
{
	struct zone *zone = NODE_DATA(nid)->node_zones;
	struct zone *end = zone + MAX_NR_ZONES;
	unsigned long pages = 0;

	for (; zone < end; zone++)
		pages += zone->_watermark[WMARK_HIGH];
	return pages;
}

/* The pages of @nodes, less the share of each that is left to others. */
static unsigned long tw_nodes_share(const nodemask_t *nodes, bool movable,
				    unsigned int leave)
{
	unsigned long pages = 0;
	int nid;

	for_each_node_mask(nid, *nodes) {
		unsigned long all;

		if (!node_state(nid, N_MEMORY))
			continue;
		all = tw_node_pages(nid, movable);
		pages += all - tw_share_left(all, leave, tw_node_high(nid));
	}
	return pages;
}

/* The percentage to leave: what the @flags of a bind say, or else the parameter. */
static unsigned int tw_leave_of(u32 flags)
{
	unsigned int percent = (flags & TW_BIND_LEAVE_MASK) >>
			       TW_BIND_LEAVE_SHIFT;

	if (!(flags & TW_BIND_SHARE))
		return 0;
	return percent ?: min(READ_ONCE(leave_percent), TW_LEAVE_MAX);
}

/* Does a bound tier have the node? The tier that is being bound is not bound yet. */
static bool tw_node_taken(int nid)
{
	int tier;

	lockdep_assert_held(&tw_tier_mutex);

	tw_for_each_memory_tier(tier)
		if (node_isset(nid, tw_tiers[tier].nodes))
			return true;
	return false;
}

/* May @t have this node? *@movable is set if that takes ZONE_MOVABLE. */
static int tw_node_check(struct tw_tier_desc *t, int nid, u32 flags,
			 bool *movable)
{
	if (!node_state(nid, N_MEMORY))
		return -EOPNOTSUPP;
	if (tw_node_taken(nid))
		return -EBUSY;
	if (tw_node_pages(nid, false))
		return 0;
	if (!(flags & TW_BIND_MOVABLE)) {
		pr_info("%s: node %d has only ZONE_MOVABLE, not used\n",
			tw_tier_names[t->id], nid);
		return -EOPNOTSUPP;
	}
	*movable = true;
	return 0;
}

/*
 * Does the node have CPUs, online or not? Memory whose CPUs happen to be offline is
 * not a GPU's, and N_CPU leaves out nodes whose CPUs are offline.
 */
static bool tw_node_has_cpu(int nid)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (cpu_to_node(cpu) == nid)
			return true;
	return false;
}

/* Chooses all nodes that fit the tier, without those that it may not have. */
static int tw_nodes_auto(struct tw_tier_desc *t, u32 flags, nodemask_t *nodes,
			 bool *movable)
{
	bool cpus = t->id == TW_TIER_CPU;
	int ret = -EOPNOTSUPP;
	int nid, err;

	for_each_node_state(nid, N_MEMORY) {
		if (tw_node_has_cpu(nid) != cpus)
			continue;
		err = tw_node_check(t, nid, flags, movable);
		if (!err)
			node_set(nid, *nodes);
		else if (err == -EBUSY)
			ret = err;
	}
	return nodes_empty(*nodes) ? ret : 0;
}

/* Takes the nodes that were asked for: all of them, or it is an error. */
static int tw_nodes_given(struct tw_tier_desc *t, u32 flags, u64 given,
			  nodemask_t *nodes, bool *movable)
{
	int nid, ret;

	for (nid = 0; nid < 64; nid++) {
		if (!(given & BIT_ULL(nid)))
			continue;
		if (nid >= MAX_NUMNODES)
			return -EOPNOTSUPP;
		ret = tw_node_check(t, nid, flags, movable);
		if (ret)
			return ret;
		node_set(nid, *nodes);
	}
	return 0;
}

/* The node of the tier that is nearest to @nid. */
static int tw_numa_nearest(struct tw_tier_desc *t, int nid)
{
	int best = NUMA_NO_NODE;
	int i;

	for_each_node_mask(i, t->nodes) {
		if (!node_state(i, N_MEMORY))
			continue;
		if (best == NUMA_NO_NODE ||
		    node_distance(nid, i) < node_distance(nid, best))
			best = i;
	}
	return best;
}

/* Fills in ->nearest, after ->nodes or the memory in them has changed. */
static void tw_numa_map(struct tw_tier_desc *t)
{
	int nid;

	for_each_node(nid)
		WRITE_ONCE(t->nearest[nid], tw_numa_nearest(t, nid));
}

/* -- pages ----------------------------------------------------------------- */

/* Pages from where set_mempolicy(2) asks for, or NULL if that is not in the tier. */
static struct folio *tw_numa_by_policy(struct tw_tier_desc *t, gfp_t gfp,
				       unsigned int order)
{
	/* There are other nodes to try: do not start the OOM killer for this one. */
	struct folio *folio = folio_alloc(gfp | __GFP_NORETRY, order);

	if (!folio || node_isset(folio_nid(folio), t->nodes))
		return folio;
	folio_put(folio);
	return NULL;
}

/* tw_tier_ops.alloc; @gfp allows no more than GFP_HIGHUSER does. */
static struct page *tw_numa_alloc(struct tw_tier_desc *t, gfp_t gfp,
				  unsigned int order, int nid)
{
	struct folio *folio;

	gfp = (gfp & ~__GFP_MOVABLE) | __GFP_NOWARN;
	if (t->movable)
		gfp |= __GFP_MOVABLE | __GFP_HIGHMEM;
	if (nid == NUMA_NO_NODE) {
		nid = numa_mem_id();
		folio = current->mempolicy ?
			tw_numa_by_policy(t, gfp, order) : NULL;
		if (folio)
			return &folio->page;
	}
	nid = READ_ONCE(t->nearest[nid]);
	if (nid == NUMA_NO_NODE)
		return NULL;
	folio = __folio_alloc(gfp, order, nid, &t->nodes);
	if (!folio)
		return NULL;
	/* The kernel serves an OOM victim from any node. */
	if (unlikely(!node_isset(folio_nid(folio), t->nodes))) {
		folio_put(folio);
		return NULL;
	}
	return &folio->page;
}

/* What the tier could have at most, as its nodes are now. Under pressure_lock. */
unsigned long tw_numa_capacity(struct tw_tier_desc *t)
{
	return tw_nodes_share(&t->nodes, t->movable, t->leave);
}

/* -- memory hotplug -------------------------------------------------------- */

/**
 * tw_numa_refresh - a tier's nodes may have gained or lost memory
 * @t: tier
 *
 * The capacity becomes all there is, or what was asked for at bind if there is
 * still that much.
 */
void tw_numa_refresh(struct tw_tier_desc *t)
{
	unsigned long capacity = 0;
	bool changed = false;

	spin_lock(&t->pressure_lock);
	if (t->state != TW_TIER_UNBOUND && t->kind == TW_KIND_NUMA) {
		tw_numa_map(t);
		capacity = tw_numa_capacity(t);
		if (t->asked)
			capacity = min(capacity, t->asked);
		changed = capacity != t->capacity;
	}
	if (changed) {
		/* The room of a LEAVING tier is not counted; it is again if it stays. */
		if (t->state == TW_TIER_BOUND)
			tw_room_change(t->capacity, capacity);
		tw_tier_set_capacity(t, capacity);
	}
	spin_unlock(&t->pressure_lock);

	if (!changed)
		return;
	pr_info("%s: capacity is %lu pages now\n", tw_tier_names[t->id],
		capacity);
	tw_pressure_kick(t);
}

/* -- bind and unbind ------------------------------------------------------- */

/* TW_BIND_SHARE takes no capacity, and a percentage is valid only with it. */
static int tw_share_check(const struct tw_tier_bind *arg)
{
	unsigned int percent = (arg->flags & TW_BIND_LEAVE_MASK) >>
			       TW_BIND_LEAVE_SHIFT;

	if (arg->flags & TW_BIND_SHARE)
		return arg->capacity || percent > TW_LEAVE_MAX ? -EINVAL : 0;
	return percent ? -EINVAL : 0;
}

/* tw_tier_ops.check */
static int tw_numa_check(const struct tw_tier_bind *arg)
{
	return arg->fd == -1 ? tw_share_check(arg) : -EINVAL;
}

/*
 * tw_tier_ops.bind: also fills in nodes and movable. -EOPNOTSUPP: no such node has
 * memory that the tier can use, -EBUSY: a node belongs to another tier, -EINVAL: the
 * capacity is more than there is.
 */
static int tw_numa_bind(struct tw_tier_desc *t, const struct tw_tier_bind *arg)
{
	nodemask_t nodes = NODE_MASK_NONE;
	bool movable = false;
	unsigned long all;
	int ret;

	lockdep_assert_held(&tw_tier_mutex);

	if (arg->nodes)
		ret = tw_nodes_given(t, arg->flags, arg->nodes, &nodes, &movable);
	else
		ret = tw_nodes_auto(t, arg->flags, &nodes, &movable);
	if (ret)
		return ret;
	all = tw_nodes_pages(&nodes, movable);
	if (arg->capacity > all)
		return -EINVAL;

	t->nodes = nodes;
	tw_numa_map(t);
	t->movable = movable;
	if (movable)
		/*
		 * It is never disabled again. A fault that is already past
		 * tw_frames_enter() is not waited for: to do harm, it would have
		 * to outlast this bind and the start of an offlining.
		 */
		static_branch_enable(&tw_movable_key);
	t->asked = arg->capacity;
	t->leave = tw_leave_of(arg->flags);
	WRITE_ONCE(t->capacity, arg->capacity ?:
		   tw_nodes_share(&nodes, movable, t->leave));
	tw_memory_measure(t);
	return 0;
}

/* tw_tier_ops.unbind */
static void tw_numa_unbind(struct tw_tier_desc *t)
{
	t->asked = 0;
	t->leave = 0;
	t->movable = false;
	nodes_clear(t->nodes);
}

const struct tw_tier_ops tw_numa_ops = {
	.kind	 = TW_KIND_NUMA,
	.check	 = tw_numa_check,
	.bind	 = tw_numa_bind,
	.refresh = tw_numa_refresh,
	.unbind	 = tw_numa_unbind,
	.alloc	 = tw_numa_alloc,
};
