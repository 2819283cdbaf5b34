/* SPDX-License-Identifier: GPL-2.0 */
/* Tiers as tw shows them. */
#ifndef _TW_TIER_H
#define _TW_TIER_H

#include <stdbool.h>

#include "tw.h"

/* "/dev/sda", "/dev/loop0 (/srv/store)", "nodes 0-1"; "" when not bound */
#define WHERE_LEN	512
void binding_text(char buf[WHERE_LEN], const struct tw_tier_info *t);
void tier_json(const struct tw_tier_info *t, __u32 page_size);

/*
 * What a tier can be bound to, by its number: gpu to nodes as well as to a device, the
 * others to one of them. What it is bound to is its tw_tier_info.kind.
 */
static inline bool can_be_store(int tier)
{
	return tier != TW_TIER_CPU;
}

static inline bool can_be_memory(int tier)
{
	return tier == TW_TIER_CPU || tier == TW_TIER_GPU;
}

#endif /* _TW_TIER_H */
