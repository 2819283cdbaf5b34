/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reserve.h - the room of all tiers together, and what has been taken of it
 *
 * Room is a count of pages, not a place. A page of a region takes one from its
 * first touch until it is freed or lost, wherever it moves meanwhile. A region
 * of TW_REGION_RESERVE takes its whole size from creation to teardown, and its
 * pages take nothing more. Kept copies and slots of writes in flight take
 * none: kept copies give way, and writes end.
 *
 * space.c and space.h take room; bind.c, backend_numa.c and offline.c change how much
 * there is. The locks are explained in reserve.c.
 */
#ifndef _TW_RESERVE_H
#define _TW_RESERVE_H

#include <linux/atomic.h>
#include <linux/types.h>

struct tw_user;

/* Sets room aside: 0, -ENOSPC, or -EDQUOT if @u may not reserve so much. Sleeps. */
int tw_reserve(struct tw_user *u, unsigned long nr);
void tw_unreserve(struct tw_user *u, unsigned long nr);

/*
 * Takes room for @n more pages of a region that reserves nothing. False, and nothing
 * is taken, if all that is left is reserved. Always true while nothing at all is
 * reserved. Any context.
 */
bool tw_unreserved_take(unsigned long n);
void tw_unreserved_give(unsigned long n);

/*
 * Adds the @nr pages of a tier that is bound, or stays so. Any context but irq, as for
 * the next three.
 */
void tw_room_add(unsigned long nr);
/* The capacity of a bound tier has changed, which cannot be refused. */
void tw_room_change(unsigned long from, unsigned long to);
/* Takes away the @nr pages of a tier that is to go: 0, or -ENOSPC unless @force. */
int tw_room_remove(unsigned long nr, bool force);
/* Could @nr pages of a tier go? The answer may be outdated at once. */
bool tw_room_spare(unsigned long nr);

/*
 * How many pages of regions the kernel's MemAvailable counts as available. reclaim.c
 * sets it, and may be about to tell the kernel of more.
 */
extern atomic_long_t tw_room_told;

#endif
