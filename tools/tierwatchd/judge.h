/* SPDX-License-Identifier: GPL-2.0 */
/*
 * judge.h - have pages that were sent away come back?
 *
 * Owns no state. tick.c calls it.
 */
#ifndef _TD_JUDGE_H
#define _TD_JUDGE_H

#include "programs.h"
#include "recent.h"

/*
 * Looks at some of the pages that were sent away TD_JUDGE_TICKS ago: *@checked pages,
 * of which *@back are in memory again or have become warm. Of a page whose heat is above
 * @warm it is said that it has.
 */
void td_judge(const struct td_recent *recent, struct td_programs *programs,
	      struct tw *tw, __u32 warm, __u64 *checked, __u64 *back);

#endif
