/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slots.h - which slots of a store are taken, and their checksums
 *
 * tw_store.lock guards all but the checksums. A slot's checksum belongs to the caller
 * that holds the slot. The page that it lives in is added under the lock, and stays as
 * long as slots of it may be taken; the table of these pages is found under RCU, since a
 * store that grows gets a larger one. Higher rooms take and free slots of a tier; the
 * other functions are for stores themselves.
 *
 * The store's size is its end: slots from there on are not given out. A store shrinks
 * in that its end is lowered first. What lies beyond it is moved away then, and once
 * nothing does the store is smaller.
 */
#ifndef _TW_SLOTS_H
#define _TW_SLOTS_H

#include <linux/math.h>
#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct tw_store;
struct tw_tier_desc;

#define TW_SLOTS_MAX	(U32_MAX - 1)	/* ~0 is never a slot */

#define TW_CRCS_PER_PAGE	(PAGE_SIZE / sizeof(u32))

/**
 * struct tw_slots - the slots of a store
 * @map: a bit for each slot, set while it is taken
 * @tables: how many slots @map and @crc are for; no less than @nr
 * @nr: how many there are, the end: none from there on is given out
 * @used: how many are taken
 * @beyond: the part of @used that is not below the end, while the store shrinks
 * @claimed: the part of @used that was taken by claim
 * @owed: as many of @beyond, or more, as are of @claimed: they will need others
 * @counted: the free ones count as room for claims and for all others
 * @next: where to begin to look for the next run
 * @crc: pages of checksums, in slot order; NULL where no slot was ever written
 */
struct tw_slots {
	unsigned long *map;
	u32 tables;
	u32 nr;
	u32 used;
	u32 beyond;
	u32 claimed;
	u32 owed;
	bool counted;
	u32 next;
	u32 * __rcu *crc;
};

int tw_slots_init(struct tw_slots *s, u32 nr);
void tw_slots_exit(struct tw_slots *s);

unsigned int tw_slots_take(struct tw_slots *s, unsigned int nr, u32 *slot);
bool tw_slots_put(struct tw_slots *s, u32 slot);

int tw_slots_set_crc(struct tw_slots *s, u32 slot, u32 crc);
bool tw_slots_check_crc(struct tw_slots *s, u32 slot, u32 crc);
/* Frees pages of checksums from page @first on, whose slots nobody holds; at the end. */
void tw_crcs_free(struct tw_slots *s, unsigned long first);

static inline unsigned long tw_crc_pages(u32 nr)
{
	return DIV_ROUND_UP((unsigned long)nr, TW_CRCS_PER_PAGE);
}

/* -- of a tier -------------------------------------------------------------- */

/*
 * Takes up to @nr slots in one run, next fit. Returns how many it got (from *@slot
 * on), 0 if the tier is full, no store, not bound, leaving or standing still, or
 * if all that is free is claimed. Any context but irq.
 */
unsigned int tw_slots_alloc(struct tw_tier_desc *t, unsigned int nr, u32 *slot);
void tw_slots_free(struct tw_tier_desc *t, u32 slot);
/* How many slots are in use, by pages, kept copies and writes in flight. */
unsigned long tw_slots_used(struct tw_tier_desc *t);
/* The same as a hint, without a lock. */
unsigned long tw_slots_used_about(struct tw_tier_desc *t);
/* How many slots tw_slots_alloc() could take now, which is a hint. */
unsigned long tw_slots_room(struct tw_tier_desc *t);
unsigned long tw_slots_room_all(void);

/* -- slots that are set aside ------------------------------------------------ */

/*
 * A claim is a count of slots, in whichever stores, that tw_slots_alloc() leaves free.
 * The caller that has claimed them takes and frees them by the functions below, at most
 * as many as it has claimed, also while the stores stand still: it knows when not to.
 * Process context. tw_slots_claim(): 0, or -ENOSPC when fewer are free and unclaimed.
 */
int tw_slots_claim(unsigned long nr);
void tw_slots_unclaim(unsigned long nr);
unsigned int tw_slots_alloc_claimed(struct tw_tier_desc *t, unsigned int nr, u32 *slot);
void tw_slots_free_claimed(struct tw_tier_desc *t, u32 slot, unsigned int nr);
unsigned long tw_slots_room_claimed(struct tw_tier_desc *t);

/*
 * The free slots of a store begin to count, or cease to: it is bound, or to go. The
 * latter is -ENOSPC, and nothing changes, unless @force, when the other stores have
 * too few for what is claimed. Under tw_tier_mutex, any context but irq.
 */
void tw_slots_count(struct tw_store *s);
int tw_slots_uncount(struct tw_store *s, bool force);

/* -- another size, under tw_tier_mutex ----------------------------------------- */

/* Tables for @nr slots, if they are for fewer. 0 or -ENOMEM. Sleeps. */
int tw_slots_extend(struct tw_store *s, u32 nr);
/*
 * Raises the end to @nr, which the tables are for, or lowers it. From then on no slot
 * beyond is given out. -ENOSPC, and nothing changes: too few are left for what is claimed.
 */
void tw_slots_grow(struct tw_store *s, u32 nr);
int tw_slots_shrink(struct tw_store *s, u32 nr);
/* None of the slots that are taken beyond the end is claimed any more. */
void tw_slots_settle(struct tw_store *s);
/* How many slots are taken still that lie beyond the end of the tier's store. */
unsigned long tw_slots_beyond(struct tw_tier_desc *t);
/* Gives back the checksums beyond the end, where no slot is taken. Sleeps. */
void tw_slots_trim(struct tw_store *s);

#endif
