/* SPDX-License-Identifier: GPL-2.0 */
/*
 * external_move.h - moving external pages by their owner's mover
 *
 * For the doors and queue.c. Both functions may sleep, so the caller holds no
 * spinlock; external_move.c describes the locks.
 */
#ifndef _TW_EXTERNAL_MOVE_H
#define _TW_EXTERNAL_MOVE_H

#include <linux/types.h>

struct tw_mover;

/* Moves a page by its owner's mover: 0, TW_MOVE_ALREADY or -errno as in uapi. */
int tw_external_move(u64 pfn, int to, int from, int reason);
/* Waits for moves that use @mover; its pages stay tracked, without a mover. */
void tw_external_drop_mover(const struct tw_mover *mover);

#endif
