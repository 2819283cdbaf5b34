/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store_choice.h - which store takes a page that leaves memory
 *
 * For movers and the policy. Only what frees copies takes locks, those of records.
 */
#ifndef _TW_STORE_CHOICE_H
#define _TW_STORE_CHOICE_H

#include <linux/tierwatch.h>
#include <linux/types.h>

struct tw_rec;
struct tw_space;

/* No wish: the page goes to the fastest store with room. */
#define TW_WISH_PLAIN		TW_TIER_NONE

/*
 * Whether the policy moves pages by itself, and pages of the slowest store are wanted
 * more than those of the others. decide.c sets it.
 */
extern bool tw_sinking_helps;

/* The store where the page should go from memory, or TW_WISH_PLAIN. A hint. */
int tw_store_wish(const struct tw_rec *rec, unsigned long w, bool dirty);
/* The fastest store with room behind @behind (-1: of all stores), or TW_TIER_NONE. */
int tw_store_choose(int behind);
/* When all are full: frees kept copies in a store and returns it. Sleeps. */
int tw_store_choose_reap(void);
/* Is there a store with room, or with room that kept copies take up? */
bool tw_store_possible(void);
/* How many more pages stores could hold, if kept copies gave way. */
unsigned long tw_store_room_all(void);
/* Free slots of all stores but the slowest one; ULONG_MAX if there is only one store. */
unsigned long tw_store_fast_room(void);
/* The next store below @tier that takes pages of @sp, or TW_TIER_NONE. */
int tw_store_below(struct tw_space *sp, int tier);
/* Frees kept copies in store @tier, up to @nr; returns how many. Sleeps. */
unsigned long tw_reap_kept(int tier, unsigned long nr);

#endif
