// SPDX-License-Identifier: GPL-2.0
/*
 * measure.c - how fast a tier of memory is
 *
 * Owns nothing; a backend of memory calls it while it binds a tier.
 *
 * Locks: tw_tier_mutex is held.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/topology.h>
#ifdef CONFIG_X86
#include <asm/cacheflush.h>
#endif

#include "tiers/measure.h"
#include "tiers/tier.h"

#define TW_PROBE_PAGES	128	/* pages to measure with, at most */
#define TW_PROBE_MIN	16	/* with fewer pages nothing is measured */
#define TW_PROBE_LINES	8	/* cache lines of each page that are visited */
#define TW_PROBE_ROUNDS	3	/* the best round counts: others were disturbed */

struct tw_node_probe {
	unsigned int nr;
	struct page *page[TW_PROBE_PAGES];
	u16 order[TW_PROBE_PAGES * TW_PROBE_LINES];
};

/* Flushes the caches. Where there is no way to, they are part of the figure. */
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

/* Links all lines into one ring in random order. */
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

/* Nanoseconds that a load takes which has to wait for the one before. */
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

static void tw_probe_run(struct tw_tier_desc *t, struct tw_node_probe *p)
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

/* Takes the nominal figures, since there are too few free pages to measure with. */
static void tw_probe_skip(struct tw_tier_desc *t)
{
	pr_info("%s: too little free memory to measure it\n",
		tw_tier_names[t->id]);
	t->latency_ns = t->sh->nominal_latency_ns;
	t->bandwidth = t->sh->nominal_bandwidth;
}

/**
 * tw_memory_measure - fill in latency and bandwidth
 * @t: memory tier that is being bound, and can give pages
 *
 * Measures the node of the tier that is nearest to this CPU, with pages that it
 * allocates for that. Under tw_tier_mutex, sleeps.
 */
void tw_memory_measure(struct tw_tier_desc *t)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_NORETRY;
	struct tw_node_probe *p;

	p = kzalloc(sizeof(*p), GFP_KERNEL);
	while (p && p->nr < TW_PROBE_PAGES) {
		p->page[p->nr] = tw_tier_alloc(t, gfp, 0, numa_mem_id());
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
