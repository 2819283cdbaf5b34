/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lists.h - the pages of a swap device by store (private to map.c)
 *
 * Two lists for each store, whose heads follow the links of the pages: what is there, in
 * the order in which it came, and what is there and not needed.
 *
 * Locks: tw_swap.lock.
 */
#ifndef _TW_SWAP_LISTS_H
#define _TW_SWAP_LISTS_H

#include <linux/lockdep.h>
#include <linux/types.h>

#include "swap/entry.h"
#include "swap/map.h"

#define TW_SWAP_HEADS	(2 * TW_NR_TIERS)

/* Head of the list of what is in store @tier, the longest there first. */
static inline u32 tw_swap_aged(const struct tw_swap *d, int tier)
{
	return d->nr + tier;
}

/* Head of the list of what is there and not needed. */
static inline u32 tw_swap_spare(const struct tw_swap *d, int tier)
{
	return d->nr + TW_NR_TIERS + tier;
}

static inline void tw_swap_unlink(struct tw_swap *d, u32 at)
{
	struct tw_swap_link *l = &d->link[at];

	lockdep_assert_held(&d->lock);
	d->link[l->prev].next = l->next;
	d->link[l->next].prev = l->prev;
	l->prev = at;
	l->next = at;
}

/* As the last one of the list of @head; it may be in another one. */
static inline void tw_swap_relink(struct tw_swap *d, u32 at, u32 head)
{
	struct tw_swap_link *l = &d->link[at];

	tw_swap_unlink(d, at);
	l->prev = d->link[head].prev;
	l->next = head;
	d->link[l->prev].next = at;
	d->link[head].prev = at;
}

/* The list of a page that is not being moved, by its entry. */
static inline u32 tw_swap_home(const struct tw_swap *d, u64 e)
{
	return e & TW_SWE_SPARE ? tw_swap_spare(d, tw_swe_tier(e)) :
				  tw_swap_aged(d, tw_swe_tier(e));
}

#endif
