/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bind.h - tiers become bound, and let go
 *
 * The doors call the ioctls, unbind.c the steps of an unbind, and main.c the rest.
 * The locks are explained in bind.c.
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

/*
 * Lets the tier take no more charges; @force is that of the uapi header. Returns 0, or
 * -ENOSPC and changes nothing.
 */
int tw_tier_set_leaving(struct tw_tier_desc *t, bool force);
/* Undoes that: the tier stays bound after all. */
void tw_tier_set_staying(struct tw_tier_desc *t);
/* Does anything pin the binding? */
bool tw_tier_charged(struct tw_tier_desc *t);
/* Lets go of a tier that is leaving and has nothing charged to it any more. */
void tw_tier_release(struct tw_tier_desc *t);

#endif
