/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sweep.h - cold pages out of memory: which ones
 *
 * Faults and the room of policy call it, with no record lock held.
 */
#ifndef _TW_SWEEP_H
#define _TW_SWEEP_H

struct tw_move;
struct tw_space;

/*
 * Moves up to @nr cold pages of @sp (NULL: of any space) out of memory tier @tier
 * (TW_TIER_NONE: out of any) to a store. Sleeps. Returns how many moved.
 */
unsigned long tw_demote(struct tw_space *sp, int tier, unsigned long nr);
/* The same with a batch of the caller, for a caller that must not allocate one. */
unsigned long tw_demote_with(struct tw_move *m, struct tw_space *sp, int tier,
			     unsigned long nr);
unsigned long tw_demote_node(struct tw_move *m, int nid, unsigned long nr,
			     unsigned int *level);
/* After a scan: has sweeps take pages below this heat first. */
void tw_sweep_fresh(unsigned int cut);

#endif
