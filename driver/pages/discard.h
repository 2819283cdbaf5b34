/* SPDX-License-Identifier: GPL-2.0 */
/*
 * discard.h - pages of a space are freed, some or all at its end
 */
#ifndef _TW_DISCARD_H
#define _TW_DISCARD_H

struct tw_space;

/*
 * Frees pages [@idx, @idx + @nr), waiting for each that is busy: how many there
 * were, or -EINTR when the caller is being killed. Sleeps.
 */
long tw_space_discard(struct tw_space *sp, unsigned long idx, unsigned long nr);
/*
 * All pages of @sp go, which is dead and hidden, and then its kind's reference. May
 * be the end of @sp. Sleeps.
 */
void tw_space_end(struct tw_space *sp);

#endif
