/* SPDX-License-Identifier: GPL-2.0 */
/*
 * headroom.h - how much the memory tiers have free, and waking the background
 *
 * Any room may look and wake, in any context. background.c alone calls the last four.
 * The locks are explained in headroom.c.
 */
#ifndef _TW_HEADROOM_H
#define _TW_HEADROOM_H

#include <linux/types.h>
#include <linux/workqueue.h>

/* Free pages of all memory tiers together; *@capacity is set to how many they have. */
unsigned long tw_memory_free(unsigned long *capacity);

/* Has the background do what there is to do. Any context. */
void tw_demote_queue(void);
/* Wakes the background if the memory tiers together have little room left. */
void tw_demote_check(void);
/* Whether the background is paused: nothing is to be written to stores now. */
bool tw_demote_is_paused(void);

int tw_demote_start(work_func_t fn, unsigned long (*headroom)(unsigned long capacity));
void tw_demote_pause(void);
void tw_demote_resume(void);
void tw_demote_stop(void);

#endif
