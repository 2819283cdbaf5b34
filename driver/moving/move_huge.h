/* SPDX-License-Identifier: GPL-2.0 */
/*
 * move_huge.h - a folio of 2 MiB moves to another memory tier as a whole
 *
 * For the engine and for callers that name all pages of a chunk, with no record locked.
 */
#ifndef _TW_MOVE_HUGE_H
#define _TW_MOVE_HUGE_H

#include <linux/types.h>

struct tw_chunk;
struct tw_space;

/*
 * Moves the folio of a chunk from tier @from, or with TW_TIER_NONE any, to memory tier
 * @to, within the limits if @limited. Sleeps.
 * Returns 0, and its pages are counted and published as moved for @reason. Otherwise
 * nothing has changed: -EAGAIN if it is not whole, is there already, or @to is no memory;
 * -ENOSPC: no room, or no such run of memory; -EBUSY: something holds it; -EHWPOISON: a
 * part of it is bad memory.
 */
int tw_huge_move(struct tw_space *sp, struct tw_chunk *c, int from, int to,
		 int reason, bool limited);

#endif
