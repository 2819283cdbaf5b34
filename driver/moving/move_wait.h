/* SPDX-License-Identifier: GPL-2.0 */
/*
 * move_wait.h - a batch's memory, the outcome of its pages, and waiting for its I/O
 *
 * What move.c and move_write.c share; movers take move.h.
 */
#ifndef _TW_MOVE_WAIT_H
#define _TW_MOVE_WAIT_H

#include <linux/limits.h>
#include <linux/types.h>

#include "moving/move.h"
#include "pages/record.h"

struct tw_xfer;

/* tw_move.status while a page has no outcome yet. */
#define TW_PENDING	INT_MAX

/* Before a batch; false: no memory. */
bool tw_move_ready(struct tw_move *m, u64 t0);
/* Ends page @i, whose record is locked. */
static inline void tw_move_end(struct tw_move *m, unsigned int i, int status)
{
	m->status[i] = status;
	tw_rec_unlock_nested(m->rec[i]);
}

/* The batch was left: what has not begun does not begin. */
void tw_move_abort(struct tw_move *m);
/* All have ended: counted, published, and targets that are left over freed. */
void tw_move_report(struct tw_move *m, u64 t0);
/*
 * Waits for the batch's transfer: false when it has landed. True: it was left,
 * its pages are not @m's any more, and @landed ends them.
 */
bool tw_move_wait(struct tw_move *m, void (*landed)(struct tw_xfer *f));
/*
 * Around what @landed does: the batch of the transfer that was left, which has just
 * the pages under way, and the end of that.
 */
struct tw_move *tw_move_left_begin(struct tw_xfer *f);
void tw_move_left_end(struct tw_move *m);

#endif
