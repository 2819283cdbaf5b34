/* SPDX-License-Identifier: GPL-2.0 */
/*
 * move_write.h - a batch's pages are written to a store
 */
#ifndef _TW_MOVE_WRITE_H
#define _TW_MOVE_WRITE_H

struct tw_move;

/*
 * Writes what is pending to m->to and waits. Each page has an outcome after, or its
 * I/O was left. Sleeps.
 */
void tw_move_write(struct tw_move *m);

#endif
