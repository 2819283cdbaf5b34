/* SPDX-License-Identifier: GPL-2.0 */
/*
 * move_wait.h - a batch's memory, the outcome of its pages, and waiting for its I/O
 *
 * For move.c and move_write.c only; callers that move pages use move.h. The caller
 * holds the locks of the batch's records, except before and after the batch.
 */
#ifndef _TW_MOVE_WAIT_H
#define _TW_MOVE_WAIT_H

#include <linux/limits.h>
#include <linux/types.h>

#include "moving/move.h"
#include "pages/frame.h"
#include "pages/record.h"

struct tw_xfer;

/* tw_move.status while a page has no outcome yet. */
#define TW_PENDING	INT_MAX

/* Called before a batch. False if there is no memory for its I/O. */
bool tw_move_ready(struct tw_move *m, u64 t0);
/* Ends page @i with @status and unlocks its record. */
static inline void tw_move_end(struct tw_move *m, unsigned int i, int status)
{
	m->status[i] = status;
	tw_rec_unlock_nested(m->rec[i]);
}

/* Is page @i's source a part of a folio of 2 MiB, which nothing but the driver holds? */
static inline bool tw_move_huge(const struct tw_move *m, unsigned int i)
{
	return m->huge & BIT_ULL(i);
}

/* Undoes what tw_move_unmap() has done to a page that stays. */
static inline void tw_move_unfreeze(struct tw_move *m, unsigned int i)
{
	if (!tw_move_huge(m, i))
		tw_page_unfreeze(m->page[i]);
}

/* Ends all pages without an outcome as busy, since the batch was left. */
void tw_move_abort(struct tw_move *m);
/* Counts and publishes pages, which have all ended, and frees targets left over. */
void tw_move_report(struct tw_move *m, u64 t0);
/*
 * Waits for the batch's transfer. False if it has landed. True if it was left: then its
 * pages are not @m's any more, and @landed will end them.
 */
bool tw_move_wait(struct tw_move *m, void (*landed)(struct tw_xfer *f));
/*
 * These two go around what @landed does. The first returns the batch of a transfer that
 * was left, which has just the pages under way; the second ends and frees it.
 */
struct tw_move *tw_move_left_begin(struct tw_xfer *f);
void tw_move_left_end(struct tw_move *m);

#endif
