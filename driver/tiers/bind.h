/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bind.h - tiers become bound, and let go
 *
 * The doors call the ioctls, unbind.c and resize.c the steps, and main.c the rest.
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

/* -- steps of unbind.c and resize.c, under tw_tier_mutex ------------------------------------ */

/*
 * Lets the tier take no more charges; @force is that of the uapi header. Returns 0, or
 * -ENOSPC and changes nothing.
 */
int tw_tier_set_leaving(struct tw_tier_desc *t, bool force);
/* Undoes that: the tier stays bound after all. */
void tw_tier_set_staying(struct tw_tier_desc *t);
/* Of a tier that is bound or leaving; NULL unless it is a store. */
struct tw_store *tw_tier_store(struct tw_tier_desc *t);
/* Does anything pin the binding? */
bool tw_tier_charged(struct tw_tier_desc *t);
/* Lets go of a tier that is leaving and has nothing charged to it any more. */
void tw_tier_release(struct tw_tier_desc *t);
/*
 * The store of @t is to have @nr slots. One with more than before has them then; its
 * tables are for so many (tw_slots_extend()). One with fewer gives none out from there on,
 * and what lies there is to be moved; -ENOSPC, and nothing changes: more than would be
 * left is reserved or claimed.
 */
void tw_tier_grow(struct tw_tier_desc *t, u32 nr);
int tw_tier_shrink(struct tw_tier_desc *t, u32 nr);

#endif
