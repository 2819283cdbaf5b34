/* SPDX-License-Identifier: GPL-2.0 */
/*
 * balance.h - pages to the node whose CPUs touch them
 *
 * The doors and the scanner's thread call it, without any lock.
 */
#ifndef _TW_BALANCE_H
#define _TW_BALANCE_H

#include <linux/tierwatch.h>
#include <linux/types.h>

u64 tw_numa_balance_some(u32 nr);
int tw_numa_balance_ioctl(struct tw_numa_balance *arg);

#endif
