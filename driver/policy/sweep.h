/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sweep.h - cold pages out of memory: which ones
 */
#ifndef _TW_SWEEP_H
#define _TW_SWEEP_H

struct tw_move;
struct tw_space;

/*
 * Move up to @nr cold pages of @sp (any space when NULL) out of memory tier
 * @tier (any when TW_TIER_NONE) to a store. Sleeps. Returns how many moved.
 */
unsigned long tw_demote(struct tw_space *sp, int tier, unsigned long nr);
/* The same with a batch of the caller's, for one that must not allocate. */
unsigned long tw_demote_with(struct tw_move *m, struct tw_space *sp, int tier,
			     unsigned long nr);
unsigned long tw_demote_node(struct tw_move *m, int nid, unsigned long nr,
			     unsigned int *level);
/* A scan has ended: sweeps take pages below this heat first. */
void tw_sweep_fresh(unsigned int cut);

#endif
