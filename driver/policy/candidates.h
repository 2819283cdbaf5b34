/* SPDX-License-Identifier: GPL-2.0 */
/*
 * candidates.h - pages worth moving
 */
#ifndef _TW_CANDIDATES_H
#define _TW_CANDIDATES_H

#include <linux/tierwatch.h>
#include <linux/types.h>

/*
 * Up to @nr candidates, best first: how many, or -errno as in uapi. @admin: of
 * everybody, else the caller's. Sleeps.
 */
int tw_candidates_get(int from, int to, struct tw_candidate *out,
		      unsigned int nr, bool admin);

/* The ioctl; it copies the array itself. */
int tw_candidates_ioctl(struct tw_candidates *arg);

#endif
