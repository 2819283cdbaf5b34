/* SPDX-License-Identifier: GPL-2.0 */
/*
 * departed.h - pages that have left memory for a store, and when
 */
#ifndef _TW_DEPARTED_H
#define _TW_DEPARTED_H

#include <linux/types.h>

struct tw_chunk;
struct tw_rec;
struct tw_space;

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
/*
 * The page of a locked record leaves memory for its slot in store @to; its frame is
 * still to be given back, by tw_page_drop().
 */
void tw_page_leave(struct tw_space *sp, struct tw_chunk *c, struct tw_rec *rec,
		   int to);
/*
 * The same of a frozen page whose copy is as good: its copy is the page, from now
 * on, and the frame is freed.
 */
void tw_page_leave_clean(struct tw_space *sp, struct tw_chunk *c,
			 struct tw_rec *rec);
/* The page was @was, a fault has brought it back in @ns. Its record is locked. */
void tw_refaulted(struct tw_rec *rec, unsigned long was, u64 ns);
/* ns that such faults have waited since load. */
u64 tw_refault_waited(void);

#endif
