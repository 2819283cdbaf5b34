// SPDX-License-Identifier: GPL-2.0
/*
 * slots.c - the slots of a store
 *
 * Owns the bitmap of slots and the table of their checksums. tw_store.lock, a
 * spinlock of process context and the innermost lock of the driver, guards the
 * bitmap; a tier's ->store is found under RCU, or by the slot that the caller
 * holds. The table of checksums needs no lock (see slots.h). Higher rooms may call
 * the functions of a tier's slots, below.
 *
 * Owns tw_slots_spare, too: the slots that are free in all stores that count, less
 * those that are claimed and have not been taken. It changes by atomics, and for each
 * store under its lock together with what it is the sum of. It is taken from before
 * a slot is, so that of several callers none gets what another has been promised. It
 * is negative only when a store with room for claims has been unbound by force.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "base/stats.h"
#include "tiers/hibernate.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/tier.h"

/* -- bitmap ---------------------------------------------------------------- */

static unsigned long tw_map_bytes(u32 nr)
{
	return BITS_TO_LONGS((unsigned long)nr) * sizeof(long);
}

static unsigned long tw_crc_pages(u32 nr)
{
	return DIV_ROUND_UP((unsigned long)nr, TW_CRCS_PER_PAGE);
}

static unsigned long tw_slots_bytes(u32 nr)
{
	return tw_map_bytes(nr) + tw_crc_pages(nr) * sizeof(u32 *);
}

/**
 * tw_slots_init - all slots free
 * @s: to set up
 * @nr: slots, 1..TW_SLOTS_MAX
 *
 * Return: 0 or -ENOMEM.
 */
int tw_slots_init(struct tw_slots *s, u32 nr)
{
	s->nr = nr;
	s->used = 0;
	s->claimed = 0;
	s->counted = false;
	s->next = 0;
	s->map = kvzalloc(tw_map_bytes(nr), GFP_KERNEL);
	if (!s->map)
		return -ENOMEM;
	s->crc = kvcalloc(tw_crc_pages(nr), sizeof(*s->crc), GFP_KERNEL);
	if (!s->crc)
		goto free_map;
	tw_global_add(store_bytes, tw_slots_bytes(nr));
	return 0;

free_map:
	kvfree(s->map);
	s->map = NULL;
	return -ENOMEM;
}

/**
 * tw_slots_exit - free the tables
 * @s: set up, or zero
 */
void tw_slots_exit(struct tw_slots *s)
{
	unsigned long i, freed;

	if (!s->map)
		return;
	freed = tw_slots_bytes(s->nr);
	for (i = 0; i < tw_crc_pages(s->nr); i++) {
		if (!s->crc[i])
			continue;
		free_page((unsigned long)s->crc[i]);
		freed += PAGE_SIZE;
		cond_resched();
	}
	kvfree(s->crc);
	kvfree(s->map);
	s->map = NULL;
	tw_global_add(store_bytes, -(s64)freed);
}

/**
 * tw_slots_take - take a run of slots, next fit
 * @s: slots, locked
 * @nr: how many are wanted
 * @slot: out: the first of them
 *
 * Return: how many were taken, from *@slot on; 0 if none is free.
 */
unsigned int tw_slots_take(struct tw_slots *s, unsigned int nr, u32 *slot)
{
	unsigned long start, end;

	if (!nr || s->used == s->nr)
		return 0;
	start = find_next_zero_bit(s->map, s->nr, s->next);
	if (start >= s->nr)
		start = find_next_zero_bit(s->map, s->nr, 0);
	end = min_t(unsigned long, start + nr, s->nr);
	end = find_next_bit(s->map, end, start);
	bitmap_set(s->map, start, end - start);
	s->used += end - start;
	s->next = end < s->nr ? end : 0;
	*slot = start;
	return end - start;
}

/**
 * tw_slots_put - give a slot back
 * @s: slots, locked
 * @slot: its number
 *
 * Return: false if it was not taken.
 */
bool tw_slots_put(struct tw_slots *s, u32 slot)
{
	if (slot >= s->nr || !__test_and_clear_bit(slot, s->map))
		return false;
	s->used--;
	return true;
}

/* -- checksums ------------------------------------------------------------- */

/**
 * tw_slots_set_crc - remember what is about to be written to a slot
 * @s: slots
 * @slot: held by the caller
 * @crc: of its bytes
 *
 * May sleep; GFP_NOIO.
 *
 * Return: 0 or -ENOMEM.
 */
int tw_slots_set_crc(struct tw_slots *s, u32 slot, u32 crc)
{
	u32 **where = &s->crc[slot / TW_CRCS_PER_PAGE];
	u32 *page = READ_ONCE(*where);
	u32 *old;

	if (!page) {
		page = (u32 *)get_zeroed_page(GFP_NOIO | __GFP_NOWARN);
		if (!page)
			return -ENOMEM;
		/*
		 * Fully ordered, so the page is zeroed before it is seen. Pairs with
		 * the address dependency on READ_ONCE() in tw_slots_check_crc().
		 */
		old = cmpxchg(where, NULL, page);
		if (old) {
			free_page((unsigned long)page);
			page = old;
		} else {
			tw_global_add(store_bytes, PAGE_SIZE);
		}
	}
	page[slot % TW_CRCS_PER_PAGE] = crc;
	return 0;
}

/**
 * tw_slots_check_crc - is it what was written to the slot?
 * @s: slots
 * @slot: held by the caller
 * @crc: of the bytes that were read
 *
 * Return: whether it is.
 */
bool tw_slots_check_crc(struct tw_slots *s, u32 slot, u32 crc)
{
	u32 *page = READ_ONCE(s->crc[slot / TW_CRCS_PER_PAGE]);

	return page && page[slot % TW_CRCS_PER_PAGE] == crc;
}

/* -- slots of a tier ------------------------------------------------------- */

static atomic64_t tw_slots_spare = ATOMIC64_INIT(0);
static atomic64_t tw_slots_claims = ATOMIC64_INIT(0);	/* all of them */

/* Up to @nr slots that are promised to nobody; returns how many. */
static unsigned int tw_spare_take(unsigned int nr)
{
	s64 spare = atomic64_read(&tw_slots_spare), got;

	do {
		got = clamp_t(s64, spare, 0, nr);
		if (!got)
			return 0;
	} while (!atomic64_try_cmpxchg(&tw_slots_spare, &spare, spare - got));
	return got;
}

static unsigned int tw_slots_alloc_in(struct tw_tier_desc *t, unsigned int nr,
				      u32 *slot, bool claimed)
{
	struct tw_store *s;
	unsigned int got = 0;

	rcu_read_lock();
	s = rcu_dereference(t->store);
	if (!s)
		goto out;
	spin_lock(&s->lock);
	/*
	 * An unbind calls tw_slots_used(), which takes the lock, after it has
	 * set LEAVING: either that is seen here, or it sees the slots.
	 */
	if (tw_tier_bound(t->id) && s->slots.counted &&
	    (claimed || !tw_stores_still()))
		got = tw_slots_take(&s->slots, nr, slot);
	if (claimed)
		s->slots.claimed += got;
	spin_unlock(&s->lock);
out:
	rcu_read_unlock();
	return got;
}

/**
 * tw_slots_alloc - take a run of slots of a tier
 * @t: tier
 * @nr: how many are wanted
 * @slot: out: the first of them
 *
 * Any context but irq. A slot pins the tier's binding.
 *
 * Return: how many it got; 0 if the tier is full, no store, not bound, leaving or
 * standing still, or if all that is free is claimed.
 */
unsigned int tw_slots_alloc(struct tw_tier_desc *t, unsigned int nr, u32 *slot)
{
	unsigned int may = tw_spare_take(nr), got = 0;

	if (may)
		got = tw_slots_alloc_in(t, may, slot, false);
	if (got < may)
		atomic64_add(may - got, &tw_slots_spare);
	return got;
}

static void tw_slots_free_in(struct tw_tier_desc *t, u32 slot, unsigned int nr,
			     bool claimed)
{
	unsigned int put = 0;
	struct tw_store *s;

	/* Once the last slot is free, only RCU keeps the store until the unlock. */
	rcu_read_lock();
	s = rcu_dereference(t->store);
	spin_lock(&s->lock);
	while (put < nr && tw_slots_put(&s->slots, slot + put))
		put++;
	if (claimed)
		s->slots.claimed -= put;
	else if (s->slots.counted)
		atomic64_add(put, &tw_slots_spare);
	spin_unlock(&s->lock);
	rcu_read_unlock();
	WARN_ON_ONCE(put < nr);
}

/**
 * tw_slots_free - give a slot of a tier back
 * @t: tier
 * @slot: held by the caller; it may be given to another caller at once
 *
 * Any context but irq.
 */
void tw_slots_free(struct tw_tier_desc *t, u32 slot)
{
	tw_slots_free_in(t, slot, 1, false);
}

/* How many slots the store of the tier has, and how many of them are taken. */
static void tw_slots_look(struct tw_tier_desc *t, unsigned long *nr, unsigned long *used)
{
	struct tw_store *s;

	*nr = 0;
	*used = 0;
	rcu_read_lock();
	s = rcu_dereference(t->store);
	if (s) {
		spin_lock(&s->lock);
		*nr = s->slots.nr;
		*used = s->slots.used;
		spin_unlock(&s->lock);
	}
	rcu_read_unlock();
}

/**
 * tw_slots_used - slots of a tier that are taken
 * @t: tier
 *
 * Return: slots of pages, kept copies and writes in flight; 0 if it is no store.
 */
unsigned long tw_slots_used(struct tw_tier_desc *t)
{
	unsigned long nr, used;

	tw_slots_look(t, &nr, &used);
	return used;
}

/**
 * tw_slots_room_all - slots that tw_slots_alloc() could take now from all tiers
 *
 * Return: how many; 0 while the stores stand still.
 */
unsigned long tw_slots_room_all(void)
{
	s64 spare = atomic64_read(&tw_slots_spare);

	return tw_stores_still() ? 0 : max_t(s64, spare, 0);
}

/**
 * tw_slots_room - slots that tw_slots_alloc() could take from a tier now
 * @t: tier
 *
 * Return: how many; 0 if the tier is no store, is leaving or stands still.
 */
unsigned long tw_slots_room(struct tw_tier_desc *t)
{
	return min(tw_slots_room_claimed(t), tw_slots_room_all());
}

/* -- slots that are set aside ---------------------------------------------- */

/**
 * tw_slots_claim - set slots aside, in whichever stores
 * @nr: how many
 *
 * Return: 0, or -ENOSPC: fewer are free and unclaimed.
 */
int tw_slots_claim(unsigned long nr)
{
	s64 spare = atomic64_read(&tw_slots_spare);

	do {
		if (spare < 0 || spare < nr)
			return -ENOSPC;
	} while (!atomic64_try_cmpxchg(&tw_slots_spare, &spare, spare - nr));
	atomic64_add(nr, &tw_slots_claims);
	return 0;
}

/**
 * tw_slots_unclaim - give a claim up
 * @nr: as it was claimed; none of it is taken any more
 */
void tw_slots_unclaim(unsigned long nr)
{
	atomic64_sub(nr, &tw_slots_claims);
	atomic64_add(nr, &tw_slots_spare);
}

/**
 * tw_slots_alloc_claimed - take a run of claimed slots from a tier
 * @t: tier
 * @nr: how many are wanted
 * @slot: out: the first of them
 *
 * As tw_slots_alloc(), but also while the stores stand still.
 *
 * Return: how many it got; 0 if the tier is full, no store, not bound or leaving.
 */
unsigned int tw_slots_alloc_claimed(struct tw_tier_desc *t, unsigned int nr, u32 *slot)
{
	return tw_slots_alloc_in(t, nr, slot, true);
}

/**
 * tw_slots_room_claimed - slots that tw_slots_alloc_claimed() could take from a tier now
 * @t: tier
 *
 * Return: how many; 0 if the tier is no store or is leaving.
 */
unsigned long tw_slots_room_claimed(struct tw_tier_desc *t)
{
	unsigned long nr, used;

	if (!tw_tier_bound(t->id))
		return 0;
	tw_slots_look(t, &nr, &used);
	return nr - used;
}

/**
 * tw_slots_free_claimed - give a run of claimed slots back; they stay claimed
 * @t: tier
 * @slot: the first
 * @nr: how many
 *
 * Any context but irq.
 */
void tw_slots_free_claimed(struct tw_tier_desc *t, u32 slot, unsigned int nr)
{
	tw_slots_free_in(t, slot, nr, true);
}

/* What the store adds to tw_slots_spare: claimed slots elsewhere must replace its. */
static s64 tw_slots_worth(const struct tw_slots *s)
{
	return (s64)s->nr - s->used + s->claimed;
}

void tw_slots_count(struct tw_store *s)
{
	spin_lock(&s->lock);
	s->slots.counted = true;
	atomic64_add(tw_slots_worth(&s->slots), &tw_slots_spare);
	spin_unlock(&s->lock);
}

int tw_slots_uncount(struct tw_store *s, bool force)
{
	s64 worth;
	int ret = 0;

	spin_lock(&s->lock);
	worth = tw_slots_worth(&s->slots);
	/* Without claims it is below 0 only for as long as a caller has yet to take. */
	if (atomic64_sub_return(worth, &tw_slots_spare) < 0 && !force &&
	    atomic64_read(&tw_slots_claims)) {
		atomic64_add(worth, &tw_slots_spare);
		ret = -ENOSPC;
	} else {
		s->slots.counted = false;
	}
	spin_unlock(&s->lock);
	return ret;
}
