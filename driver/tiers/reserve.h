/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reserve.h - the room of all tiers together, and who has it
 *
 * Room is a count, not a place: a page of a region takes one of it from its
 * first touch until it is freed or lost, wherever it moves meanwhile; a region
 * of TW_REGION_RESERVE takes its whole size from creation to teardown, and its
 * pages nothing more. Copies that are kept and slots of writes in flight take
 * none: they give way, or end.
 */
#ifndef _TW_RESERVE_H
#define _TW_RESERVE_H

#include <linux/atomic.h>
#include <linux/types.h>

struct tw_user;

/* 0, -ENOSPC, or -EDQUOT: beyond what @u may reserve. Sleeps. */
int tw_reserve(struct tw_user *u, unsigned long nr);
void tw_unreserve(struct tw_user *u, unsigned long nr);

/*
 * One page more of a region that reserves nothing. False, and nothing is taken:
 * what is left is reserved. Always true while nobody reserves. Any context.
 */
bool tw_unreserved_take(void);
void tw_unreserved_give(void);

/* A tier is bound, or stays so, with @nr pages. Any context but irq, as below. */
void tw_room_add(unsigned long nr);
/* A bound tier has another capacity, like it or not. */
void tw_room_change(unsigned long from, unsigned long to);
/* A tier of @nr pages is to go: 0, or -ENOSPC unless @force. */
int tw_room_remove(unsigned long nr, bool force);
/* Could @nr pages of a tier go? A look: nothing holds it true. */
bool tw_room_spare(unsigned long nr);

/*
 * Pages of regions that MemAvailable is told of; it may be about to learn of others.
 * reclaim.c tells it.
 */
extern atomic_long_t tw_room_told;

#endif
