/* SPDX-License-Identifier: GPL-2.0 */
/*
 * candidates.h - pages worth moving
 *
 * The table of ioctls and the API for other modules call it, without any lock.
 */
#ifndef _TW_CANDIDATES_H
#define _TW_CANDIDATES_H

#include <linux/tierwatch.h>
#include <linux/types.h>

/*
 * Finds up to @nr candidates, best first. Returns how many, or -errno as in uapi.
 * Without @admin only pages that the caller may name count. Sleeps.
 */
int tw_candidates_get(int from, int to, struct tw_candidate *out,
		      unsigned int nr, bool admin);

/* TW_IOC_CANDIDATES, which copies the array itself. */
int tw_candidates_ioctl(struct tw_candidates *arg);

#endif
