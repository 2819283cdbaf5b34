/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slots.h - which slots of a store are taken, and their checksums
 *
 * tw_store.lock guards the bitmap. A slot's checksum belongs to the caller that holds
 * the slot; the pages that checksums live in are added without a lock and stay
 * until the store is unbound. Higher rooms take and free slots of a tier; the other
 * functions are for stores themselves.
 */
#ifndef _TW_SLOTS_H
#define _TW_SLOTS_H

#include <linux/mm_types.h>
#include <linux/types.h>

struct tw_store;
struct tw_tier_desc;

#define TW_SLOTS_MAX	(U32_MAX - 1)	/* ~0 is never a slot */

#define TW_CRCS_PER_PAGE	(PAGE_SIZE / sizeof(u32))

/**
 * struct tw_slots - the slots of a store
 * @map: a bit for each slot, set while it is taken
 * @nr: how many there are
 * @used: how many are taken
 * @claimed: the part of @used that was taken by claim
 * @counted: the free ones count as room for claims and for all others
 * @next: where to begin to look for the next run
 * @crc: pages of checksums, in slot order; NULL where no slot was ever written
 */
struct tw_slots {
	unsigned long *map;
	u32 nr;
	u32 used;
	u32 claimed;
	bool counted;
	u32 next;
	u32 **crc;
};

int tw_slots_init(struct tw_slots *s, u32 nr);
void tw_slots_exit(struct tw_slots *s);

unsigned int tw_slots_take(struct tw_slots *s, unsigned int nr, u32 *slot);
bool tw_slots_put(struct tw_slots *s, u32 slot);

int tw_slots_set_crc(struct tw_slots *s, u32 slot, u32 crc);
bool tw_slots_check_crc(struct tw_slots *s, u32 slot, u32 crc);

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

#endif
