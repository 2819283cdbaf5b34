/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store_choice.h - which store takes a page that leaves memory
 */
#ifndef _TW_STORE_CHOICE_H
#define _TW_STORE_CHOICE_H

#include <linux/tierwatch.h>
#include <linux/types.h>

struct tw_rec;
struct tw_space;

/* No wish: the fastest with room. */
#define TW_WISH_PLAIN		TW_TIER_NONE

/*
 * Pages are moved by themselves, and the slowest store's are wanted more than those
 * of the others: decide.c says so.
 */
extern bool tw_sinking_helps;

/* Where the page should go from memory: a store, TW_WISH_PLAIN. A hint. */
int tw_store_wish(const struct tw_rec *rec, unsigned long w, bool dirty);
/* The fastest store with room behind store @behind, -1: of all; or TW_TIER_NONE. */
int tw_store_choose(int behind);
/* All are full: one whose copies of pages in memory have been freed. Sleeps. */
int tw_store_choose_reap(void);
/* Is there a store with room, or with room that copies take up? */
bool tw_store_possible(void);
/* Pages that stores have room for, with those whose copies are there. */
unsigned long tw_store_room_all(void);
/* Slots free above the slowest store; ULONG_MAX when there is but one. */
unsigned long tw_store_fast_room(void);
/* The next store below @tier that takes pages of @sp, or TW_TIER_NONE. */
int tw_store_below(struct tw_space *sp, int tier);
/* Frees kept copies in store @tier, up to @nr; returns how many. Sleeps. */
unsigned long tw_reap_kept(int tier, unsigned long nr);

#endif
