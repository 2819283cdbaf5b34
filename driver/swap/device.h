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
 * The store that has page @at of the kernel's swap number @type; TW_TIER_NONE if that is
 * another device, or the page is on its way. Within one RCU read section with what says
 * that the page is there; any context.
 */
int tw_swap_place(unsigned int type, unsigned long at);

/*
 * Its pages leave @t, which is to be unbound, as tw_swap_evacuate() says; 0 if there
 * is no swap device. Under tw_tier_mutex.
 */
int tw_swap_leave_tier(struct tw_tier_desc *t, bool force, u64 *moved);
/* The same for slots of @t from @first on, which are given out no more. */
int tw_swap_leave_slots(struct tw_tier_desc *t, u32 first, u64 *moved);

#endif
