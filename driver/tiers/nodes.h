/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nodes.h - where pages are by node, and which CPUs touch them
 *
 * Any higher room may count and read. nodes.c owns the counters, which need no lock.
 */
#ifndef _TW_NODES_H
#define _TW_NODES_H

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/topology.h>
#include <linux/tierwatch.h>

/**
 * struct tw_numa_touches - one CPU's touches of pages of one node
 * @local: by a CPU of that node
 * @remote: by another
 */
struct tw_numa_touches {
	u64 local;
	u64 remote;
};

/*
 * Touches: for each CPU an array by node. Pages of regions, and pages that balancing
 * has moved there: by node.
 */
extern struct tw_numa_touches __percpu *tw_numa_touched;
extern atomic_long_t *tw_numa_pages;
extern atomic_long_t *tw_numa_moved;

int tw_numa_counts_init(void);
void tw_numa_counts_exit(void);

/* Counts a touch by this CPU of a page on node @nid. Any context. */
static inline void tw_numa_touch(int nid)
{
	struct tw_numa_touches __percpu *t = tw_numa_touched + nid;

	/* this_cpu_inc() is safe against interrupts, which may report touches, too. */
	if (nid == numa_node_id())
		this_cpu_inc(t->local);
	else
		this_cpu_inc(t->remote);
}

static inline int tw_page_nid(const struct page *page)
{
	/* The node is in bits of ->flags that never change, beside others that do. */
	return data_race(page_to_nid(page));
}

/* Counts a frame that becomes a region's (@n is 1), or ceases to be one (-1). */
static inline void tw_numa_page_add(struct page *page, int n)
{
	atomic_long_add(n, &tw_numa_pages[tw_page_nid(page)]);
}

/* The memory tier that has node @nid, or TW_TIER_NONE. Any context but irq. */
int tw_node_tier(int nid);
int tw_numa_stats_ioctl(struct tw_numa_stats *arg);

#endif
