/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reclaim.h - memory given back to the rest of the machine, by node
 */
#ifndef _TW_RECLAIM_H
#define _TW_RECLAIM_H

#include <linux/types.h>

int tw_reclaim_init(void);	/* after tw_demote_init() */
void tw_reclaim_exit(void);

/* A space has come: the nodes are watched as long as there is any. */
void tw_reclaim_watch(void);
/* Pages of spaces on @nid that there is a store for. Any context. */
unsigned long tw_reclaim_pages(int nid);
/* Is there so little free on @nid that allocations there have to wait? */
bool tw_reclaim_short(int nid);
/*
 * Ask for @nr pages of @nid and wait for them, up to @patience jiffies, if that
 * is not known to be vain; @patience 0: only ask. Returns how many were freed,
 * each counted for one caller only.
 */
unsigned long tw_reclaim_ask(int nid, unsigned long nr, long patience);
/*
 * The same for all nodes that are short and could serve the caller, which is
 * about to kill: returns how many pages were freed there, by whomever.
 */
unsigned long tw_reclaim_last_resort(long patience);

#endif
