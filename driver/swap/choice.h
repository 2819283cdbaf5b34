/* SPDX-License-Identifier: GPL-2.0 */
/*
 * choice.h - which store a page of the swap device goes to
 *
 * Arithmetic alone, without kernel calls: tests/unit/test_swap.c runs it.
 */
#ifndef _TW_SWAP_CHOICE_H
#define _TW_SWAP_CHOICE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif

/**
 * struct tw_swap_store - a store, as the swap device sees it
 * @tier: its number
 * @capacity: slots
 * @room: of these free
 * @avoid: it has failed lately
 */
struct tw_swap_store {
	int tier;
	unsigned long capacity;
	unsigned long room;
	bool avoid;
};

/*
 * Slots of a store that the oldest pages are moved away to keep free, so that
 * evictions find room in it.
 */
static inline unsigned long tw_swap_headroom(unsigned long capacity)
{
	unsigned long part = capacity / 32, least = 128;

	if (least > capacity / 4)
		least = capacity / 4;
	return part > least ? part : least;
}

/*
 * What of the headroom new pages leave: with less than that a store is taken for full
 * until older pages have been moved on, lest every page be written twice.
 */
static inline unsigned long tw_swap_last_room(unsigned long capacity)
{
	return tw_swap_headroom(capacity) / 4;
}

/* Is a store so full that a second copy of a page in memory is one too many? */
static inline bool tw_swap_wants_slots(unsigned long capacity, unsigned long room)
{
	return room < capacity / 2;
}

/*
 * The place in @stores, the fastest of which is first, that new pages go to: the first
 * that has room and has not failed lately; else any with a free slot. -1: none.
 */
static inline int tw_swap_choose(const struct tw_swap_store *stores, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!stores[i].avoid &&
		    stores[i].room > tw_swap_last_room(stores[i].capacity))
			return i;
	for (i = 0; i < nr; i++)
		if (!stores[i].avoid && stores[i].room)
			return i;
	for (i = 0; i < nr; i++)
		if (stores[i].room)
			return i;
	return -1;
}

/*
 * The place in @stores, after @from, that the oldest pages of @from sink to: the next
 * with more than its headroom free, else the one with most room beyond its last. -1:
 * none has room for @nr_pages.
 */
static inline int tw_swap_sink_to(const struct tw_swap_store *stores, int nr, int from,
				  unsigned long nr_pages)
{
	unsigned long most = 0;
	int i, best = -1;

	for (i = from + 1; i < nr; i++) {
		unsigned long last = tw_swap_last_room(stores[i].capacity);

		if (stores[i].avoid || stores[i].room < nr_pages + last)
			continue;
		if (stores[i].room > tw_swap_headroom(stores[i].capacity))
			return i;
		if (stores[i].room - last > most) {
			most = stores[i].room - last;
			best = i;
		}
	}
	return best;
}

#endif
