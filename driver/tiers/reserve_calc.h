/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reserve_calc.h - whether a reservation fits
 *
 * Plain arithmetic without kernel calls and locks, so that it is tested in userspace.
 * reserve.c calls it. Counts are pages; none of them overflows when added to another.
 */
#ifndef _TW_RESERVE_CALC_H
#define _TW_RESERVE_CALC_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif

/**
 * struct tw_room_state - the room of all bound tiers, in pages
 * @room: pages that the tiers can hold together
 * @taken: pages in use or reserved; may be more than @room
 * @slots: the part of @room that is slots of stores
 * @in_memory: pages of regions that are in memory
 * @available: further pages of memory that could be allocated
 */
struct tw_room_state {
	unsigned long long room;
	unsigned long long taken;
	unsigned long long slots;
	unsigned long long in_memory;
	unsigned long long available;
};

/* Whether more is taken than @room holds. */
static inline bool tw_room_over(unsigned long long room,
				unsigned long long taken)
{
	return taken > room;
}

/* Whether @nr more pages can be reserved; see TW_REGION_RESERVE in uapi. */
static inline bool tw_room_fits(const struct tw_room_state *s,
				unsigned long long nr)
{
	unsigned long long all = s->taken + nr;

	if (all > s->room)
		return false;
	/* Pages beyond the slots of the stores must fit into memory now. */
	return all <= s->slots || all - s->slots <= s->in_memory + s->available;
}

#endif
