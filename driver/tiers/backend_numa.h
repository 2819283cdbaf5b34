/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backend_numa.h - tiers of memory: NUMA nodes
 */
#ifndef _TW_BACKEND_NUMA_H
#define _TW_BACKEND_NUMA_H

#include <linux/gfp.h>
#include <linux/types.h>

struct page;
struct tw_tier_bind;
struct tw_tier_s;

int tw_numa_bind(struct tw_tier_s *t, const struct tw_tier_bind *arg);
/* Nodes gained or lost memory: the capacity again. */
void tw_numa_refresh(struct tw_tier_s *t);

/*
 * One page of a memory tier that the caller has charged; near @nid, or by the
 * task's policy (NUMA_NO_NODE). The caller says in @gfp whether it may sleep,
 * is accounted, is zeroed. NULL: no memory.
 */
struct page *tw_numa_alloc(struct tw_tier_s *t, gfp_t gfp, int nid);

/* What the tier could have at most, as its nodes are now; pressure_lock. */
unsigned long tw_numa_capacity(struct tw_tier_s *t);

#endif
