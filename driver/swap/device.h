/* SPDX-License-Identifier: GPL-2.0 */
/*
 * device.h - the swap device is made, looked at and removed
 */
#ifndef _TW_SWAP_DEVICE_H
#define _TW_SWAP_DEVICE_H

#include <linux/tierwatch.h>

struct tw_tier_desc;

int tw_swap_init(void);
void tw_swap_exit(void);	/* nothing has the device open */

/* ioctls (command.c has copied the argument) */
int tw_swap_create_ioctl(struct tw_swap_create *arg);
int tw_swap_destroy_ioctl(struct tw_swap_destroy *arg);
int tw_swap_info_ioctl(struct tw_swap_info *arg);

/*
 * Its pages leave @t, which is to be unbound, as tw_swap_evacuate() says; 0 if there
 * is no swap device. Under tw_tier_mutex.
 */
int tw_swap_leave_tier(struct tw_tier_desc *t, bool force, u64 *moved);

#endif
