/* SPDX-License-Identifier: GPL-2.0 */
/*
 * departed.h - pages that have left memory for a store, and when
 *
 * Movers, and the rooms of policy and doors call it. Where a record is to be locked,
 * the comment says so.
 */
#ifndef _TW_DEPARTED_H
#define _TW_DEPARTED_H

#include <linux/types.h>

struct tw_chunk;
struct tw_rec;
struct tw_space;

/*
 * A batch sets out for a store; @n of its pages have left memory, and @over says that
 * this is the end of the batch.
 */
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
 * Lets the page of a locked record leave memory for its slot in store @to. The caller
 * still has to give back its frame, by tw_page_drop().
 */
void tw_page_leave(struct tw_space *sp, struct tw_chunk *c, struct tw_rec *rec,
		   int to);
/*
 * The same for a frozen page whose kept copy is still valid: the copy becomes the page,
 * and the frame is freed.
 */
void tw_page_leave_clean(struct tw_space *sp, struct tw_chunk *c,
			 struct tw_rec *rec);
/*
 * Notes that a fault has brought back to tier @to, in @ns, a page whose word was @was.
 * Its record is locked.
 */
void tw_refaulted(struct tw_rec *rec, unsigned long was, int to, u64 ns);
/*
 * The same for a fault that has waited for @ns until the page that it touched had been
 * read ahead; its word was @was before.
 */
void tw_refault_late(unsigned long was, int to, u64 ns);
/* How many ns such faults have waited since load, all together. */
u64 tw_refault_waited(void);

#endif
