/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reclaim.h - memory given back to the rest of the machine, by node
 *
 * shrinker.c calls it under whatever locks reclaim is under, and region_file.c when it
 * has made a region.
 */
#ifndef _TW_RECLAIM_H
#define _TW_RECLAIM_H

#include <linux/types.h>

int tw_reclaim_init(void);	/* after tw_demote_init() */
void tw_reclaim_exit(void);

/* Has the nodes watched, since a space was made, as long as there is any space. */
void tw_reclaim_watch(void);
/* How many pages of spaces are on @nid; 0 if no store can take any. Any context. */
unsigned long tw_reclaim_pages(int nid);
/* Is there so little free on @nid that allocations there have to wait? */
bool tw_reclaim_short(int nid);
/*
 * Asks for @nr pages of @nid and waits for them up to @patience jiffies (0: does not
 * wait), unless that is known to be vain. Returns how many were freed, each of them
 * counted for one caller only.
 */
unsigned long tw_reclaim_ask(int nid, unsigned long nr, long patience);
/*
 * The same for all nodes that are short and could serve the caller, which is about to
 * run the OOM killer. Returns how many pages were freed there, whatever freed them.
 */
unsigned long tw_reclaim_last_resort(long patience);

#endif
