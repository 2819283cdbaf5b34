/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percent.h - a percentage of a count of pages
 *
 * Plain arithmetic without kernel calls, so that it is tested in userspace.
 */
#ifndef _TW_PERCENT_H
#define _TW_PERCENT_H

/* @percent percent of @room, rounded down; does not overflow. */
static inline unsigned long long tw_percent_of(unsigned long long room,
					       unsigned int percent)
{
	if (percent >= 100)
		return room;
	return room / 100 * percent + room % 100 * percent / 100;
}

#endif
