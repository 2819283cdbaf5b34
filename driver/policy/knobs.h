/* SPDX-License-Identifier: GPL-2.0 */
/*
 * knobs.h - how automatic migration is to work
 */
#ifndef _TW_KNOBS_H
#define _TW_KNOBS_H

#include <linux/compiler.h>
#include <linux/tierwatch.h>
#include <linux/types.h>

/* The knobs: read members with READ_ONCE(). */
extern struct tw_policy tw_knobs;

extern bool tw_auto_migration;	/* parameter enable_auto_migration */

/* Heat and age are kept by the scanner, not by sweeps. */
extern bool tw_scanning;

/* Pages of each memory tier to be kept free. */
static inline unsigned long tw_policy_headroom(unsigned long capacity)
{
	return capacity / 1000 * READ_ONCE(tw_knobs.free_permille) +
	       capacity % 1000 * READ_ONCE(tw_knobs.free_permille) / 1000;
}

#endif
