/* SPDX-License-Identifier: GPL-2.0 */
/*
 * headroom.h - how much the memory tiers have free, and waking the background
 */
#ifndef _TW_HEADROOM_H
#define _TW_HEADROOM_H

#include <linux/types.h>
#include <linux/workqueue.h>

/* Free pages of all memory tiers together, and how many there are in *@capacity. */
unsigned long tw_memory_free(unsigned long *capacity);

/* Have the background do what there is to do. Any context. */
void tw_demote_queue(void);
/* The memory tiers together have little room left: wake the background. */
void tw_demote_check(void);
/* Nothing is to be written to stores now. */
bool tw_demote_is_paused(void);

int tw_demote_start(work_func_t fn, unsigned long (*headroom)(unsigned long capacity));
void tw_demote_pause(void);
void tw_demote_resume(void);
void tw_demote_stop(void);

#endif
