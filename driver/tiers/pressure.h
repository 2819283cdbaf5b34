/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pressure.h - how full the tiers are, and telling about it
 *
 * The doors and bind.c call it. The locks are explained in pressure.c.
 */
#ifndef _TW_PRESSURE_H
#define _TW_PRESSURE_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct tw_thresholds;
struct tw_tier_desc;

/* Looks at the level now. Process context. */
void tw_pressure_update(struct tw_tier_desc *t);
void tw_pressure_work(struct work_struct *work);
/* Sets a tier that becomes bound or unbound back to LOW. Under pressure_lock. */
void tw_pressure_reset(struct tw_tier_desc *t, bool bound);
/* Counts a fault that had to wait for room in @t, and raises the level for 1 s. */
void tw_tier_stall(struct tw_tier_desc *t);
int tw_thresholds_ioctl(struct tw_thresholds *arg);	/* TW_IOC_THRESHOLDS */

#endif
