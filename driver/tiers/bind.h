/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bind.h - tiers become bound, and let go
 */
#ifndef _TW_BIND_H
#define _TW_BIND_H

#include <linux/tierwatch.h>
#include <linux/types.h>

struct tw_tier_desc;

int tw_tiers_init(void);	/* after tw_stats_init(); binds NUMA tiers */
void tw_tiers_exit(void);	/* no regions exist any more */

/* ioctls (chardev.c has copied and checked size, flags and tier number) */
int tw_tier_bind(struct tw_tier_bind *arg);
void tw_tier_get_info(struct tw_tier_info *arg);
int tw_tier_get_pressure(struct tw_pressure *arg);

/* -- steps of unbind.c, under tw_tier_mutex ------------------------------------ */

/* No more charges from here on; @force as in uapi. 0, or -ENOSPC: as it was. */
int tw_tier_set_leaving(struct tw_tier_desc *t, bool force);
/* It stays bound after all. */
void tw_tier_set_staying(struct tw_tier_desc *t);
/* Does anything pin the binding? */
bool tw_tier_charged(struct tw_tier_desc *t);
/* Nothing is charged any more. */
void tw_tier_release(struct tw_tier_desc *t);

#endif
