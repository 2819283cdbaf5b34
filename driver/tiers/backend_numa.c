// SPDX-License-Identifier: GPL-2.0
/*
 * backend_numa.c - memory tiers: pages of NUMA nodes
 *
 * Owns the choice of nodes and the capacity of memory tiers. tw_numa_bind()
 * runs under tw_tier_mutex. The memory hotplug notifier runs under the locks of
 * memory hotplug and must not wait for tw_tier_mutex, whose holder may wait for
 * memory; it reads and changes a tier under pressure_lock only.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/topology.h>
#ifdef CONFIG_X86
#include <asm/cacheflush.h>
#endif

#include "tiers/backend_numa.h"
#include "tiers/reserve.h"
#include "tiers/share_calc.h"
#include "tiers/tier.h"

static unsigned int leave_percent = 25;
module_param(leave_percent, uint, 0644);
MODULE_PARM_DESC(leave_percent, "Percent of each node's memory, 0..90, that a memory tier leaves to others when it binds itself, or is bound with TW_BIND_SHARE (default 25)");

/* -- nodes ----------------------------------------------------------------- */

/* Pages of a node that we can get at; only @movable may use ZONE_MOVABLE. */
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
 * What the kernel keeps free on a node: below it, it reclaims. Not what it keeps
 * for a moment after large pages were short: a capacity would depend on that.
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

/* Of @nodes, less the share of each that is left to others. */
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

/* What @flags of a bind say of the share, or the parameter. */
static unsigned int tw_leave_of(u32 flags)
{
	unsigned int percent = (flags & TW_BIND_LEAVE_MASK) >>
			       TW_BIND_LEAVE_SHIFT;

	if (!(flags & TW_BIND_SHARE))
		return 0;
	return percent ?: min(READ_ONCE(leave_percent), TW_LEAVE_MAX);
}

/* Has a bound tier the node? The one that asks is not bound. */
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
static int tw_node_check(struct tw_tier_s *t, int nid, u32 flags, bool *movable)
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
 * Has the node CPUs, online or not? Memory whose CPUs happen to be offline is
 * no GPU's, and N_CPU says nothing of them.
 */
static bool tw_node_has_cpu(int nid)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (cpu_to_node(cpu) == nid)
			return true;
	return false;
}

/* All nodes that fit the tier; those that it may not have are left out. */
static int tw_nodes_auto(struct tw_tier_s *t, u32 flags, nodemask_t *nodes,
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

/* The nodes that were asked for, all of them or an error. */
static int tw_nodes_given(struct tw_tier_s *t, u32 flags, u64 given,
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

/* -- measuring ------------------------------------------------------------- */

#define TW_PROBE_PAGES	128	/* at most, and */
#define TW_PROBE_MIN	16	/* at least, else nothing is measured */
#define TW_PROBE_LINES	8	/* cache lines a page that are visited */
#define TW_PROBE_ROUNDS	3	/* the best one counts: others were disturbed */

struct tw_node_probe {
	unsigned int nr;
	struct page *page[TW_PROBE_PAGES];
	u16 order[TW_PROBE_PAGES * TW_PROBE_LINES];
};

/* Out of the caches; where there is no way, caches are part of the figure. */
static void tw_node_probe_flush(struct tw_node_probe *p)
{
#ifdef CONFIG_X86
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		clflush_cache_range(page_address(p->page[i]), PAGE_SIZE);
#endif
}

static void **tw_probe_line(struct tw_node_probe *p, unsigned int i)
{
	unsigned int page = i % p->nr, line = i / p->nr;
	unsigned int stride = PAGE_SIZE / TW_PROBE_LINES;

	/* The second term spreads the lines over the sets of the caches. */
	return page_address(p->page[page]) + line * stride +
	       page * L1_CACHE_BYTES % stride;
}

/* Links all lines to one ring in random order. */
static void tw_probe_shuffle(struct tw_node_probe *p)
{
	unsigned int nr = p->nr * TW_PROBE_LINES;
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		p->order[i] = i;
	for (i = nr - 1; i > 0; i--) {
		j = get_random_u32_below(i + 1);
		swap(p->order[i], p->order[j]);
	}
	for (i = 0; i < nr; i++)
		*tw_probe_line(p, p->order[i]) =
			tw_probe_line(p, p->order[(i + 1) % nr]);
}

/* Nanoseconds a load that has to wait for the one before. */
static u64 tw_probe_latency(struct tw_node_probe *p)
{
	unsigned int nr = p->nr * TW_PROBE_LINES;
	void **line = tw_probe_line(p, 0);
	unsigned int i;
	u64 start;

	tw_node_probe_flush(p);
	start = ktime_get_ns();
	for (i = 0; i < nr; i++)
		line = READ_ONCE(*line);
	return (ktime_get_ns() - start) / nr;
}

/* Bytes per second copied from one half of the pages to the other. */
static u64 tw_probe_bandwidth(struct tw_node_probe *p)
{
	unsigned int half = p->nr / 2;
	unsigned int i;
	u64 start, ns;

	tw_node_probe_flush(p);
	start = ktime_get_ns();
	for (i = 0; i < half; i++)
		memcpy(page_address(p->page[half + i]),
		       page_address(p->page[i]), PAGE_SIZE);
	ns = ktime_get_ns() - start;
	return (u64)half * PAGE_SIZE * NSEC_PER_SEC / max_t(u64, ns, 1);
}

static void tw_probe_run(struct tw_tier_s *t, struct tw_node_probe *p)
{
	u64 latency = U64_MAX, bandwidth = 0;
	int i;

	for (i = 0; i < TW_PROBE_ROUNDS; i++) {
		tw_probe_shuffle(p);
		latency = min(latency, tw_probe_latency(p));
		bandwidth = max(bandwidth, tw_probe_bandwidth(p));
		cond_resched();
	}
	WRITE_ONCE(t->latency_ns, max_t(u64, latency, 1));
	t->bandwidth = max_t(u64, bandwidth, 1);
}

/* The nodes are full or we are: the specification's figures have to do. */
static void tw_probe_skip(struct tw_tier_s *t)
{
	pr_info("%s: too little free memory to measure it\n",
		tw_tier_names[t->id]);
	t->latency_ns = t->sh->nominal_latency_ns;
	t->bandwidth = t->sh->nominal_bandwidth;
}

/* The node of the tier that is nearest to @nid. */
static int tw_numa_nearest(struct tw_tier_s *t, int nid)
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

/* After ->nodes, or the memory in them, has changed. */
static void tw_numa_map(struct tw_tier_s *t)
{
	int nid;

	for_each_node(nid)
		WRITE_ONCE(t->nearest[nid], tw_numa_nearest(t, nid));
}

/* As seen from here: the nearest of the nodes. Reads and writes own pages. */
static void tw_numa_measure(struct tw_tier_s *t)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_NORETRY;
	struct tw_node_probe *p;

	p = kzalloc(sizeof(*p), GFP_KERNEL);
	while (p && p->nr < TW_PROBE_PAGES) {
		p->page[p->nr] = tw_numa_alloc(t, gfp, numa_mem_id());
		if (!p->page[p->nr])
			break;
		p->nr++;
	}
	if (p && p->nr >= TW_PROBE_MIN)
		tw_probe_run(t, p);
	else
		tw_probe_skip(t);
	while (p && p->nr)
		__free_page(p->page[--p->nr]);
	kfree(p);
}

DEFINE_STATIC_KEY_FALSE(tw_movable_key);

/* -- backend --------------------------------------------------------------- */

/**
 * tw_numa_bind - give a memory tier its nodes
 * @t: tier, unbound
 * @arg: see uapi
 *
 * Fills nodes, movable, capacity and the measured figures. Under tw_tier_mutex.
 *
 * Return: 0, -EOPNOTSUPP: no such node has memory we can use, -EBUSY: a node
 * belongs to another tier, -EINVAL: the capacity is more than there is.
 */
int tw_numa_bind(struct tw_tier_s *t, const struct tw_tier_bind *arg)
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
		 * For good. A fault already past tw_frames_enter() is not
		 * waited for: it would have to outlast this bind and the
		 * start of an offlining.
		 */
		static_branch_enable(&tw_movable_key);
	t->asked = arg->capacity;
	t->leave = tw_leave_of(arg->flags);
	WRITE_ONCE(t->capacity, arg->capacity ?:
		   tw_nodes_share(&nodes, movable, t->leave));
	tw_numa_measure(t);
	return 0;
}

/* What set_mempolicy(2) asks for, when that is in the tier; NULL: it is not. */
static struct folio *tw_numa_by_policy(struct tw_tier_s *t, gfp_t gfp)
{
	/* No reason to kill: there are other nodes. */
	struct folio *folio = folio_alloc(gfp | __GFP_NORETRY, 0);

	if (!folio || node_isset(folio_nid(folio), t->nodes))
		return folio;
	folio_put(folio);
	return NULL;
}

/**
 * tw_numa_alloc - a page of a memory tier
 * @t: tier, charged by the caller
 * @gfp: whether to sleep, to account, to zero; GFP_HIGHUSER and less
 * @nid: node that it should be near to; NUMA_NO_NODE: where the task's memory
 *	policy has it, as far as that leads to the tier, else near the running CPU
 *
 * Return: an order-0 page, or NULL: no memory. Never warns about that.
 */
struct page *tw_numa_alloc(struct tw_tier_s *t, gfp_t gfp, int nid)
{
	struct folio *folio;

	gfp = (gfp & ~__GFP_MOVABLE) | __GFP_NOWARN;
	if (t->movable)
		gfp |= __GFP_MOVABLE | __GFP_HIGHMEM;
	if (nid == NUMA_NO_NODE) {
		nid = numa_mem_id();
		folio = current->mempolicy ? tw_numa_by_policy(t, gfp) : NULL;
		if (folio)
			return &folio->page;
	}
	nid = READ_ONCE(t->nearest[nid]);
	if (nid == NUMA_NO_NODE)
		return NULL;
	folio = __folio_alloc(gfp, 0, nid, &t->nodes);
	if (!folio)
		return NULL;
	/* An OOM victim is served from anywhere. */
	if (unlikely(!node_isset(folio_nid(folio), t->nodes))) {
		folio_put(folio);
		return NULL;
	}
	return &folio->page;
}

/* What the tier could have at most, as its nodes are now; pressure_lock. */
unsigned long tw_numa_capacity(struct tw_tier_s *t)
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
void tw_numa_refresh(struct tw_tier_s *t)
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
		/* What is LEAVING is counted again only if it stays. */
		if (t->state == TW_TIER_BOUND)
			tw_room_change(t->capacity, capacity);
		WRITE_ONCE(t->capacity, capacity);
		tw_tier_sh_begin(t);
		WRITE_ONCE(t->sh->capacity, capacity);
		tw_tier_sh_end(t);
	}
	spin_unlock(&t->pressure_lock);

	if (!changed)
		return;
	pr_info("%s: capacity is %lu pages now\n", tw_tier_names[t->id],
		capacity);
	tw_pressure_kick(t);
}
