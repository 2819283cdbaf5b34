/* SPDX-License-Identifier: GPL-2.0 */
/* The swap device is made and becomes swap. */
#ifndef _TW_SWAP_TURN_ON_H
#define _TW_SWAP_TURN_ON_H

#include <stdbool.h>

#include "tw.h"

/* What the kernel takes. */
#define SWAP_PRIORITY_MAX	32767
/* Above all others that there are. */
#define SWAP_PRIORITY_ABOVE	-1

/**
 * struct swap_wish - how it is to be
 * @pages: its size; 0: half of what the stores have free, or that of the device that
 *	is there
 * @priority: 0 to SWAP_PRIORITY_MAX, or SWAP_PRIORITY_ABOVE
 */
struct swap_wish {
	__u64 pages;
	int priority;
};

/* Can a swap device have so many pages? */
static inline bool swap_pages_ok(__u64 pages)
{
	return pages >= TW_SWAP_PAGES_MIN && pages <= TW_SWAP_PAGES_MAX;
}

/*
 * Turns it on; what is on already stays as it is, and has to be as @wish says. Warns of
 * what makes it slow. Returns 0, or the exit code: then it has said why, and nothing
 * that it has begun is left. Whether it was on goes into @already.
 */
int swap_turn_on(struct tw *tw, const struct swap_wish *wish, bool *already);

#endif /* _TW_SWAP_TURN_ON_H */
