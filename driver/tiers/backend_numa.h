/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backend_numa.h - tiers of memory: NUMA nodes
 */
#ifndef _TW_BACKEND_NUMA_H
#define _TW_BACKEND_NUMA_H

#include "tiers/tier_ops.h"

struct tw_tier_desc;

extern const struct tw_tier_ops tw_numa_ops;

/* Nodes gained or lost memory: the capacity again, if any of them are @t's. */
void tw_numa_refresh(struct tw_tier_desc *t);
/* What the tier could have at most, as its nodes are now; pressure_lock. */
unsigned long tw_numa_capacity(struct tw_tier_desc *t);

#endif
