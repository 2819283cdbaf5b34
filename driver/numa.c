// SPDX-License-Identifier: GPL-2.0
/*
 * numa.c - where pages are and who touches them
 *
 * Owns the counters by node. Touches are counted per CPU, by the CPU, with
 * preemption off; pages by atomics.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "numa.h"

struct tw_numa_touches __percpu *tw_numa_touched;
atomic_long_t *tw_numa_pages;

int tw_numa_stats_ioctl(struct tw_numa_stats *arg)
{
	return -EOPNOTSUPP;
}

int tw_numa_balance_ioctl(struct tw_numa_balance *arg)
{
	return -EOPNOTSUPP;
}

/**
 * tw_numa_counts_init - at load
 *
 * Return: 0 or -ENOMEM.
 */
int tw_numa_counts_init(void)
{
	tw_numa_pages = kcalloc(nr_node_ids, sizeof(*tw_numa_pages), GFP_KERNEL);
	if (!tw_numa_pages)
		return -ENOMEM;
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
