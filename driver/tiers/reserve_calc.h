/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reserve_calc.h - does a reservation fit?
 *
 * Plain arithmetic without kernel calls, so that it is tested in userspace.
 * Counts are pages; none of them overflows when added to another.
 */
#ifndef _TW_RESERVE_CALC_H
#define _TW_RESERVE_CALC_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif

/**
 * struct tw_room_state - the room there is
 * @room: pages that all bound tiers hold
 * @taken: of them, in use or set aside; may be more than @room
 * @slots: of @room, slots of stores
 * @in_memory: pages that regions have in memory
 * @available: pages of memory that could be had besides
 */
struct tw_room_state {
	unsigned long long room;
	unsigned long long taken;
	unsigned long long slots;
	unsigned long long in_memory;
	unsigned long long available;
};

/* Is more taken than @room holds? */
static inline bool tw_room_over(unsigned long long room,
				unsigned long long taken)
{
	return taken > room;
}

/* Can @nr pages more be set aside? See TW_REGION_RESERVE in uapi. */
static inline bool tw_room_fits(const struct tw_room_state *s,
				unsigned long long nr)
{
	unsigned long long all = s->taken + nr;

	if (all > s->room)
		return false;
	/* What no store can hold must find memory, now. */
	return all <= s->slots || all - s->slots <= s->in_memory + s->available;
}

#endif
