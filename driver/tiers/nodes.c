// SPDX-License-Identifier: GPL-2.0
/*
 * nodes.c - where pages are by node, and which CPUs touch them
 *
 * Owns the counters by node. Touches are counted per CPU, by the CPU; pages are
 * counted in atomics. Any higher room may call it.
 *
 * Locks: none of its own; the tier of a node is looked for under pressure_lock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "tiers/nodes.h"
#include "tiers/tier.h"

struct tw_numa_touches __percpu *tw_numa_touched;
atomic_long_t *tw_numa_pages;
atomic_long_t *tw_numa_moved;

int tw_node_tier(int nid)
{
	int tier, found = TW_TIER_NONE;

	tw_for_each_memory_tier(tier) {
		struct tw_tier_desc *t = &tw_tiers[tier];

		spin_lock(&t->pressure_lock);
		if (t->kind == TW_KIND_NUMA && node_isset(nid, t->nodes))
			found = tier;
		spin_unlock(&t->pressure_lock);
	}
	return found;
}

static void tw_node_memory(int nid, struct tw_numa_stats *arg)
{
	struct zone *zones = NODE_DATA(nid)->node_zones;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		arg->total += zone_managed_pages(&zones[i]);
		arg->free += zone_page_state(&zones[i], NR_FREE_PAGES);
	}
}

/**
 * tw_numa_stats_ioctl - TW_IOC_NUMA_STATS
 * @arg: the ioctl's argument
 *
 * Return: 0, -EINVAL, or -ENOENT if there is no such node, or it is not online.
 */
int tw_numa_stats_ioctl(struct tw_numa_stats *arg)
{
	int nid = arg->node, cpu;

	if (arg->flags || arg->reserved || nid < 0)
		return -EINVAL;
	if (nid >= nr_node_ids || !node_online(nid))
		return -ENOENT;
	*arg = (struct tw_numa_stats){
		.size = arg->size,
		.node = nid,
		.tier = tw_node_tier(nid),
		.pages = max(atomic_long_read(&tw_numa_pages[nid]), 0L),
		.moved_in = atomic_long_read(&tw_numa_moved[nid]),
	};
	tw_node_memory(nid, arg);
	for_each_possible_cpu(cpu) {
		const struct tw_numa_touches *t =
			per_cpu_ptr(tw_numa_touched, cpu) + nid;

		arg->local += READ_ONCE(t->local);
		arg->remote += READ_ONCE(t->remote);
	}
	return 0;
}

/* -- load and unload ------------------------------------------------------- */

/**
 * tw_numa_counts_init - at load
 *
 * Return: 0 or -ENOMEM.
 */
int tw_numa_counts_init(void)
{
	/* One array for both: pages first, and behind them what has been moved. */
	tw_numa_pages = kcalloc(2 * nr_node_ids, sizeof(*tw_numa_pages),
				GFP_KERNEL);
	if (!tw_numa_pages)
		return -ENOMEM;
	tw_numa_moved = tw_numa_pages + nr_node_ids;
	tw_numa_touched = __alloc_percpu(nr_node_ids * sizeof(*tw_numa_touched),
					 __alignof__(*tw_numa_touched));
	if (!tw_numa_touched) {
		kfree(tw_numa_pages);
		return -ENOMEM;
	}
	return 0;
}

/**
 * tw_numa_counts_exit - at unload, no page is left
 */
void tw_numa_counts_exit(void)
{
	free_percpu(tw_numa_touched);
	kfree(tw_numa_pages);
}
