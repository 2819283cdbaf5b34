/* SPDX-License-Identifier: GPL-2.0 */
/*
 * knobs.h - how automatic migration is to work
 *
 * For the room of policy and for doors; readers take no lock, see knobs.c.
 */
#ifndef _TW_KNOBS_H
#define _TW_KNOBS_H

#include <linux/compiler.h>
#include <linux/tierwatch.h>
#include <linux/types.h>

/* The knobs, whose members are read with READ_ONCE(). */
extern struct tw_policy tw_knobs;

extern unsigned int tw_policy_enabled;	/* TW_POLICY_OFF, _ON or _WATCH */

/* Whether the scanner keeps heat and age; if not, sweeps do. */
extern bool tw_scanning;

/* Whether pages are to be scanned. */
static inline bool tw_scan_enabled(void)
{
	return READ_ONCE(tw_policy_enabled) != TW_POLICY_OFF;
}

/* Whether what scans see is to move pages. */
static inline bool tw_auto_migration(void)
{
	return READ_ONCE(tw_policy_enabled) == TW_POLICY_ON;
}

/* How many pages of a memory tier of @capacity are to be kept free. */
static inline unsigned long tw_policy_headroom(unsigned long capacity)
{
	return capacity / 1000 * READ_ONCE(tw_knobs.free_permille) +
	       capacity % 1000 * READ_ONCE(tw_knobs.free_permille) / 1000;
}

#endif
