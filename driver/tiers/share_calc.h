/* SPDX-License-Identifier: GPL-2.0 */
/*
 * share_calc.h - how much of a node a memory tier leaves to the rest of the machine
 *
 * Plain arithmetic without kernel calls and locks, so that it is tested in userspace.
 * backend_numa.c calls it.
 */
#ifndef _TW_SHARE_CALC_H
#define _TW_SHARE_CALC_H

#include "base/percent.h"

/* The most that may be left, in percent of the node, so that the tier has some pages. */
#define TW_LEAVE_MAX	90U

/*
 * The least that is left, in high watermarks of the node. Watermarks are high where
 * transparent huge pages have raised them.
 */
#define TW_LEAVE_WATERMARKS	2

/*
 * How many of the node's @pages the tier leaves: @percent (up to TW_LEAVE_MAX), or
 * more if the watermarks ask for it. With 0 percent it leaves none. @high is the sum
 * of the high watermarks of the node's zones.
 */
static inline unsigned long tw_share_left(unsigned long pages,
					  unsigned int percent,
					  unsigned long high)
{
	unsigned long most = tw_percent_of(pages, TW_LEAVE_MAX);
	unsigned long left = tw_percent_of(pages, percent);

	if (!percent)
		return 0;
	if (left < TW_LEAVE_WATERMARKS * high)
		left = TW_LEAVE_WATERMARKS * high;
	return left < most ? left : most;
}

#endif
