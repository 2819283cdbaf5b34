/* SPDX-License-Identifier: GPL-2.0 */
/*
 * limits.h - moving away what is beyond limits
 *
 * Faults that need room call the first function, background.c the others. The caller
 * holds no record lock.
 */
#ifndef _TW_LIMITS_H
#define _TW_LIMITS_H

/*
 * Moves pages that are beyond limits from memory to stores, up to @nr of each space.
 * Sleeps. Returns how many moved.
 */
unsigned long tw_demote_limits(unsigned long nr);
/* Does so for all tiers until no page moves or the background is paused. */
void tw_limits_work(void);
void tw_limits_exit(void);	/* when that work runs no more */

#endif
