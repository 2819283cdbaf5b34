/* SPDX-License-Identifier: GPL-2.0 */
/* The swap device comes and goes. */
#ifndef _TW_SWAP_DEVICE_H
#define _TW_SWAP_DEVICE_H

#include "tw.h"

/*
 * Pages that a new swap device could have: the slots of the stores that neither hold
 * anything nor are set aside. 0, or the exit code and it has said why.
 */
int swap_room(struct tw *tw, __u64 *pages);

/* Makes it, its number goes into @dev. 0, or the exit code and it has said why. */
int swap_device_make(struct tw *tw, __u64 pages, __u32 *dev);
/*
 * Waits until SWAP_PATH is there and is this device. 0, or the exit code and it has
 * said what is missing.
 */
int swap_device_wait(__u32 dev);
/*
 * Removes it, patiently: udev may have it open for a moment. 0 or -errno; -EBUSY:
 * something has it open for longer.
 */
int swap_device_remove(struct tw *tw);

#endif /* _TW_SWAP_DEVICE_H */
