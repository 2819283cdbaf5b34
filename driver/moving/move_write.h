/* SPDX-License-Identifier: GPL-2.0 */
/*
 * move_write.h - a batch's pages are written to a store
 *
 * Only move.c calls it, with the records of the batch locked.
 */
#ifndef _TW_MOVE_WRITE_H
#define _TW_MOVE_WRITE_H

struct tw_move;

/*
 * Writes the pending pages to m->to and waits. Afterwards each page has an outcome, or
 * its I/O was left. Sleeps.
 */
void tw_move_write(struct tw_move *m);

#endif
