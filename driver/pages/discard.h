/* SPDX-License-Identifier: GPL-2.0 */
/*
 * discard.h - pages of a space are freed, some or all at its end
 *
 * For the kinds of spaces (region_file.c, seal.c). The caller holds no record lock.
 */
#ifndef _TW_DISCARD_H
#define _TW_DISCARD_H

struct tw_space;

/*
 * Frees pages [@idx, @idx + @nr), waiting for each that is busy. Returns how many there
 * were, or -EINTR if the calling task is being killed. Sleeps.
 */
long tw_space_discard(struct tw_space *sp, unsigned long idx, unsigned long nr);
/*
 * Frees all pages of @sp, which is dead and hidden, and then drops the reference of its
 * kind, which may be the last one. Sleeps.
 */
void tw_space_end(struct tw_space *sp);

#endif
