/* SPDX-License-Identifier: GPL-2.0 */
/*
 * background.h - cold pages out of memory in the background
 */
#ifndef _TW_BACKGROUND_H
#define _TW_BACKGROUND_H

#include <linux/types.h>

struct mem_cgroup;

int tw_demote_init(void);
void tw_demote_exit(void);
/*
 * Have the background do what is asked of spaces of @memcg, and wait for it up
 * to @patience jiffies, if that is not known to be vain. Returns how many of up
 * to @nr pages were demoted, each counted for one caller only.
 */
unsigned long tw_demote_wait(struct mem_cgroup *memcg, unsigned long nr,
			     long patience);

/* A fault has found no room: more is kept free from now on. */
void tw_demote_stalled(void);
/* From now on as much memory is kept free as the knobs say, to begin with. */
void tw_demote_begin(void);

#endif
