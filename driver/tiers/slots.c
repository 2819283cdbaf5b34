// SPDX-License-Identifier: GPL-2.0
/*
 * slots.c - the slots of a store
 *
 * Owns the bitmap of slots, and makes the table of their checksums (slots_crc.c).
 * tw_store.lock, a spinlock of process context and the innermost lock of the driver,
 * guards the bitmap; a tier's ->store is found under RCU, or by the slot that the
 * caller holds. Higher rooms may call the functions of a tier's slots, below.
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
	u32 **crc;

	memset(s, 0, sizeof(*s));
	s->map = kvzalloc(tw_map_bytes(nr), GFP_KERNEL);
	if (!s->map)
		return -ENOMEM;
	crc = kvcalloc(tw_crc_pages(nr), sizeof(*crc), GFP_KERNEL);
	if (!crc)
		goto free_map;
	RCU_INIT_POINTER(s->crc, crc);
	s->tables = nr;
	s->nr = nr;
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
	if (!s->map)
		return;
	tw_crcs_free(s, 0);
	kvfree(rcu_dereference_protected(s->crc, lockdep_is_held(&tw_tier_mutex)));
	kvfree(s->map);
	s->map = NULL;
	tw_global_add(store_bytes, -(s64)tw_slots_bytes(s->tables));
}

/* How many slots below the end are free. Locked. */
static unsigned long tw_slots_left(const struct tw_slots *s)
{
	return s->nr - (s->used - s->beyond);
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

	if (!nr || !tw_slots_left(s))
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
	if (slot >= s->tables || !__test_and_clear_bit(slot, s->map))
		return false;
	s->used--;
	if (slot >= s->nr)
		s->beyond--;
	return true;
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

/*
 * What the store adds to tw_slots_spare: claimed slots elsewhere must replace its. For
 * those that are owed they have to already.
 */
static s64 tw_slots_worth(const struct tw_slots *s)
{
	return (s64)tw_slots_left(s) + s->claimed - s->owed;
}

/* What was worth @before has changed. Locked. Returns how many are spare now. */
static s64 tw_slots_recount(struct tw_slots *s, s64 before)
{
	s64 more = s->counted ? tw_slots_worth(s) - before : 0;

	return more ? atomic64_add_return(more, &tw_slots_spare) :
		      atomic64_read(&tw_slots_spare);
}

/* @nr slots from @slot on, which were claimed, are taken no more. Locked. */
static void tw_slots_unclaimed(struct tw_slots *s, u32 slot, unsigned int nr)
{
	u32 below = slot < s->nr ? s->nr - slot : 0;

	s->claimed -= nr;
	if (nr > below)
		s->owed -= min(s->owed, nr - below);
}

static void tw_slots_free_in(struct tw_tier_desc *t, u32 slot, unsigned int nr,
			     bool claimed)
{
	unsigned int put = 0;
	struct tw_store *s;
	s64 before;

	/* Once the last slot is free, only RCU keeps the store until the unlock. */
	rcu_read_lock();
	s = rcu_dereference(t->store);
	spin_lock(&s->lock);
	before = tw_slots_worth(&s->slots);
	while (put < nr && tw_slots_put(&s->slots, slot + put))
		put++;
	if (claimed)
		tw_slots_unclaimed(&s->slots, slot, put);
	s->slots.owed = min(s->slots.owed, s->slots.beyond);
	tw_slots_recount(&s->slots, before);
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

/* Of the tier's store: slots that are free, taken, and taken beyond the end. */
struct tw_slots_seen {
	unsigned long left;
	unsigned long used;
	unsigned long beyond;
};

static struct tw_slots_seen tw_slots_look(struct tw_tier_desc *t)
{
	struct tw_slots_seen seen = { 0 };
	struct tw_store *s;

	rcu_read_lock();
	s = rcu_dereference(t->store);
	if (s) {
		spin_lock(&s->lock);
		seen.left = tw_slots_left(&s->slots);
		seen.used = s->slots.used;
		seen.beyond = s->slots.beyond;
		spin_unlock(&s->lock);
	}
	rcu_read_unlock();
	return seen;
}

/**
 * tw_slots_used - slots of a tier that are taken
 * @t: tier
 *
 * Return: slots of pages, kept copies and writes in flight; 0 if it is no store.
 */
unsigned long tw_slots_used(struct tw_tier_desc *t)
{
	return tw_slots_look(t).used;
}

/**
 * tw_slots_used_about - the same, without waiting for the store's lock
 * @t: tier
 *
 * Return: as many as there were a moment ago.
 */
unsigned long tw_slots_used_about(struct tw_tier_desc *t)
{
	struct tw_store *s;
	unsigned long used;

	rcu_read_lock();
	s = rcu_dereference(t->store);
	/* It changes meanwhile, by a few. */
	used = s ? data_race(s->slots.used) : 0;
	rcu_read_unlock();
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
	return tw_tier_bound(t->id) ? tw_slots_look(t).left : 0;
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

/* -- another size ------------------------------------------------------------- */

int tw_slots_extend(struct tw_store *store, u32 nr)
{
	struct tw_slots *s = &store->slots;
	unsigned long *map = s->map;
	u32 **old, **crc;

	lockdep_assert_held(&tw_tier_mutex);

	if (nr <= s->tables)
		return 0;
	map = kvzalloc(tw_map_bytes(nr), GFP_KERNEL);
	crc = kvcalloc(tw_crc_pages(nr), sizeof(*crc), GFP_KERNEL);
	if (!map || !crc) {
		kvfree(map);
		kvfree(crc);
		return -ENOMEM;
	}
	spin_lock(&store->lock);
	old = rcu_dereference_protected(s->crc, lockdep_is_held(&store->lock));
	memcpy(map, s->map, tw_map_bytes(s->tables));
	memcpy(crc, old, tw_crc_pages(s->tables) * sizeof(*crc));
	swap(s->map, map);
	rcu_assign_pointer(s->crc, crc);
	tw_global_add(store_bytes, (s64)tw_slots_bytes(nr) - tw_slots_bytes(s->tables));
	s->tables = nr;
	spin_unlock(&store->lock);
	synchronize_rcu();	/* tw_crc_page() */
	kvfree(old);
	kvfree(map);
	return 0;
}

/* How many slots from @first on are taken. Locked. */
static u32 tw_slots_used_from(const struct tw_slots *s, u32 first)
{
	const unsigned long *map = s->map + BIT_WORD(first);
	unsigned int bits = s->tables - round_down(first, BITS_PER_LONG);

	return bitmap_weight(map, bits) - bitmap_weight(map, first % BITS_PER_LONG);
}

/* Makes @nr the end; returns how many slots are spare then. Locked. */
static s64 tw_slots_set_end(struct tw_slots *s, u32 nr)
{
	s64 before = tw_slots_worth(s);

	s->nr = nr;
	s->beyond = nr < s->tables ? tw_slots_used_from(s, nr) : 0;
	/* Which slots were claimed is not known, so this supposes that all were. */
	s->owed = min(s->beyond, s->claimed);
	if (s->next >= nr)
		s->next = 0;
	return tw_slots_recount(s, before);
}

void tw_slots_grow(struct tw_store *store, u32 nr)
{
	lockdep_assert_held(&tw_tier_mutex);

	spin_lock(&store->lock);
	tw_slots_set_end(&store->slots, nr);
	spin_unlock(&store->lock);
}

int tw_slots_shrink(struct tw_store *store, u32 nr)
{
	u32 old = store->slots.nr;
	int ret = 0;

	lockdep_assert_held(&tw_tier_mutex);

	spin_lock(&store->lock);
	/* As in tw_slots_uncount(). */
	if (tw_slots_set_end(&store->slots, nr) < 0 && atomic64_read(&tw_slots_claims)) {
		tw_slots_set_end(&store->slots, old);
		ret = -ENOSPC;
	}
	spin_unlock(&store->lock);
	return ret;
}

void tw_slots_settle(struct tw_store *store)
{
	struct tw_slots *s = &store->slots;
	s64 before;

	lockdep_assert_held(&tw_tier_mutex);

	spin_lock(&store->lock);
	before = tw_slots_worth(s);
	s->owed = 0;
	tw_slots_recount(s, before);
	spin_unlock(&store->lock);
}

unsigned long tw_slots_beyond(struct tw_tier_desc *t)
{
	return tw_slots_look(t).beyond;
}

void tw_slots_trim(struct tw_store *s)
{
	lockdep_assert_held(&tw_tier_mutex);

	tw_crcs_free(&s->slots, tw_crc_pages(s->slots.nr));
}
