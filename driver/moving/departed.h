/* SPDX-License-Identifier: GPL-2.0 */
/*
 * departed.h - pages that have left memory for a store, and when
 */
#ifndef _TW_DEPARTED_H
#define _TW_DEPARTED_H

#include <linux/types.h>

struct tw_rec;

/* A batch on its way to a store, and its end: @n pages have left; @over: with it. */
void tw_move_out_begin(void);
void tw_move_out_end(unsigned int n, bool over);
/*
 * A caller that looks for pages to demote finds none while all are on their way.
 * After tw_moves_out_seen(), tw_moves_out_wait() sleeps until pages have reached
 * a store since, or until no batch is under way, and says whether some have. No
 * locks but mmap_lock are held.
 */
unsigned long tw_moves_out_seen(void);
bool tw_moves_out_wait(unsigned long seen);
/* The word of a page that leaves memory now for store @tier; @w: its slot's. */
unsigned long tw_w_left(unsigned long w, int tier);
/* The page was @was, a fault has brought it back in @ns. Its record is locked. */
void tw_refaulted(struct tw_rec *rec, unsigned long was, u64 ns);
/* ns that such faults have waited since load. */
u64 tw_refault_waited(void);

#endif
