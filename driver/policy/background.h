/* SPDX-License-Identifier: GPL-2.0 */
/*
 * background.h - cold pages out of memory in the background
 *
 * Faults, the shrinker and policy.c call it. It takes no lock.
 */
#ifndef _TW_BACKGROUND_H
#define _TW_BACKGROUND_H

#include <linux/types.h>

struct mem_cgroup;

int tw_demote_init(void);
void tw_demote_exit(void);
/*
 * Has the background demote what is asked of spaces of @memcg, and waits for it up to
 * @patience jiffies, unless that is known to be vain. Returns how many pages were
 * demoted, up to @nr, each of them counted for one caller only.
 */
unsigned long tw_demote_wait(struct mem_cgroup *memcg, unsigned long nr,
			     long patience);

/* Has more memory kept free from now on, since a fault has found no room. */
void tw_demote_stalled(void);
/* Sets how much memory is kept free back to the most that the knobs allow. */
void tw_demote_begin(void);

#endif
