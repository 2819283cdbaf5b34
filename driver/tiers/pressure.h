/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pressure.h - how short the tiers are of room, and telling about it
 *
 * The doors and bind.c call it. The locks are explained in pressure.c.
 */
#ifndef _TW_PRESSURE_H
#define _TW_PRESSURE_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct tw_thresholds;
struct tw_tier_desc;

/* Looks at the levels of all tiers now. Process context. */
void tw_pressure_update(void);
/* Pages used and held by all tiers that pages of memory may go to. */
void tw_pressure_pool(u64 *used, u64 *capacity);
void tw_pressure_work(struct work_struct *work);
/* Sets a tier that becomes bound or unbound back to LOW. Under pressure_lock. */
void tw_pressure_reset(struct tw_tier_desc *t, bool bound);
/* Counts @ns that a fault waited for room in @t, or for what left it too soon. */
void tw_tier_waited(struct tw_tier_desc *t, u64 ns);
/*
 * A transfer of a store begins, and has ended, which was begun at @began; the former
 * returns the time, and is for process context.
 */
u64 tw_io_began(struct tw_tier_desc *t);
void tw_io_ended(struct tw_tier_desc *t, u64 began);
int tw_thresholds_ioctl(struct tw_thresholds *arg);	/* TW_IOC_THRESHOLDS */

#endif
