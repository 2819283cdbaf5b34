/* SPDX-License-Identifier: GPL-2.0 */
/*
 * share_calc.h - what a memory tier leaves to others
 *
 * Plain arithmetic without kernel calls, so that it is tested in userspace.
 */
#ifndef _TW_SHARE_CALC_H
#define _TW_SHARE_CALC_H

#include "base/percent.h"

/* Percent of a node that may be left at most: the tier has to have something. */
#define TW_LEAVE_MAX	90U

/*
 * And at least this many times what the kernel keeps free on the node; that is
 * much where transparent huge pages have raised it.
 */
#define TW_LEAVE_WATERMARKS	2

/*
 * Pages of a node that has @pages which the tier doesn't take, @percent (up to
 * TW_LEAVE_MAX; 0: none) or more. @high: the sum of its zones' high watermarks.
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
