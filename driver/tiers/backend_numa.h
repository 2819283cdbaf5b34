/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backend_numa.h - tiers of memory: NUMA nodes
 *
 * bind.c takes the table, the notifier of memory hotplug (offline.c) calls the rest.
 * The locks are explained in backend_numa.c.
 */
#ifndef _TW_BACKEND_NUMA_H
#define _TW_BACKEND_NUMA_H

#include "tiers/tier_ops.h"

struct tw_tier_desc;

extern const struct tw_tier_ops tw_numa_ops;

/* Sets the capacity of @t again after nodes have gained or lost memory. */
void tw_numa_refresh(struct tw_tier_desc *t);
/* What the tier could have at most, as its nodes are now. Under pressure_lock. */
unsigned long tw_numa_capacity(struct tw_tier_desc *t);

#endif
