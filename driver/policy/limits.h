/* SPDX-License-Identifier: GPL-2.0 */
/*
 * limits.h - down with what is beyond limits
 */
#ifndef _TW_LIMITS_H
#define _TW_LIMITS_H

/*
 * Move pages of agents that are beyond their limits in memory to stores, up to
 * @nr of each space. Sleeps. Returns how many moved.
 */
unsigned long tw_demote_limits(unsigned long nr);
/* The same for all tiers until nothing moves or it is paused; in background.c's work. */
void tw_limits_work(void);
void tw_limits_exit(void);	/* that work runs no more */

#endif
