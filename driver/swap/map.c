// SPDX-License-Identifier: GPL-2.0
/*
 * map.c - where each page of the swap device is
 *
 * Owns the entries, the checksums and the lists, see map.h for what they are and for
 * the locks. A slot is owned by the entry that names it, and by a move from when that
 * has marked the entry MOVING until one of the two lets go.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "base/stats.h"
#include "swap/choice.h"
#include "swap/lists.h"
#include "swap/map.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/tier.h"

/* Entries that are looked at under the lock in one go. */
#define TW_SWAP_LOOKS	2048

/* -- making and ending --------------------------------------------------------- */

u64 tw_swap_map_bytes(u32 nr)
{
	return (u64)nr * (sizeof(atomic64_t) + sizeof(u32)) +
	       ((u64)nr + TW_SWAP_HEADS) * sizeof(struct tw_swap_link);
}

static void tw_swap_map_free(struct tw_swap *d)
{
	vfree(d->entry);
	vfree(d->sum);
	vfree(d->link);
}

int tw_swap_map_init(struct tw_swap *d)
{
	u32 i;

	spin_lock_init(&d->lock);
	d->entry = vzalloc(array_size(d->nr, sizeof(*d->entry)));
	d->sum = vzalloc(array_size(d->nr, sizeof(*d->sum)));
	d->link = vmalloc(array_size((size_t)d->nr + TW_SWAP_HEADS, sizeof(*d->link)));
	if (!d->entry || !d->sum || !d->link) {
		tw_swap_map_free(d);
		return -ENOMEM;
	}
	for (i = 0; i < d->nr + TW_SWAP_HEADS; i++) {
		d->link[i].prev = i;
		d->link[i].next = i;
		if (!(i % 65536))
			cond_resched();
	}
	tw_global_add(store_bytes, tw_swap_map_bytes(d->nr));
	return 0;
}

void tw_swap_map_exit(struct tw_swap *d)
{
	u32 at;

	for (at = 0; at < d->nr; at++) {
		tw_swap_forget(d, at);
		if (!(at % 4096))
			cond_resched();
	}
	tw_global_add(store_bytes, -(s64)tw_swap_map_bytes(d->nr));
	tw_swap_map_free(d);
}

/* -- entries ------------------------------------------------------------------- */

static u64 tw_swap_entry(struct tw_swap *d, u32 at)
{
	return atomic64_read(&d->entry[at]);
}

static bool tw_swap_change(struct tw_swap *d, u32 at, u64 *old, u64 new)
{
	lockdep_assert_held(&d->lock);
	return atomic64_try_cmpxchg(&d->entry[at], (s64 *)old, new);
}

static void tw_swap_count(int tier, long n)
{
	atomic64_add(n, (atomic64_t *)&tw_tiers[tier].sh->swap_used);
	tw_tier_used_add(&tw_tiers[tier], n);
}

/* The entry @old is gone, or another has come in its place. */
static void tw_swap_gone(struct tw_swap *d, u64 old)
{
	int tier = tw_swe_tier(old);

	if (!(old & TW_SWE_VALID))
		return;
	if (old & TW_SWE_SPARE)
		atomic64_dec(&d->spare[tier]);
	tw_swap_count(tier, -1);
	if (tw_swe_gives_slot(old))
		tw_slots_free_claimed(&tw_tiers[tier], tw_swe_slot(old), 1);
}

static void tw_swap_forget_locked(struct tw_swap *d, u32 at)
{
	u64 e = tw_swap_entry(d, at), new;

	do {
		new = tw_swe_freed(e);
	} while (e != new && !tw_swap_change(d, at, &e, new));
	if (!new && e) {
		tw_swap_unlink(d, at);
		tw_swap_gone(d, e);
	}
}

void tw_swap_forget(struct tw_swap *d, u32 at)
{
	spin_lock(&d->lock);
	tw_swap_forget_locked(d, at);
	spin_unlock(&d->lock);
}

static bool tw_swap_is_dead(struct tw_swap *d, u32 at)
{
	u64 e = tw_swap_entry(d, at);

	return (e & TW_SWE_DEAD) && !(e & TW_SWE_BUSY);
}

/* It may have been written anew since it was looked at without the lock. */
static void tw_swap_bury(struct tw_swap *d, u32 at)
{
	spin_lock(&d->lock);
	if (tw_swap_is_dead(d, at))
		tw_swap_forget_locked(d, at);
	spin_unlock(&d->lock);
}

void tw_swap_reap(struct tw_swap *d)
{
	u32 at;

	/* Pairs with the exchange in tw_swap_io_end(): it finds 0, or we its entry. */
	if (!xchg(&d->reap, 0))
		return;
	for (at = 0; at < d->nr; at++) {
		if (tw_swap_is_dead(d, at))
			tw_swap_bury(d, at);
		if (!(at % 4096))
			cond_resched();
	}
}

/* -- reading ------------------------------------------------------------------- */

static bool tw_swap_crowded(int tier)
{
	return tw_swap_wants_slots(READ_ONCE(tw_tiers[tier].capacity),
				   tw_slots_room_claimed(&tw_tiers[tier]));
}

/*
 * Is it worth writing a page of @tier again when it leaves memory, once it has been
 * read? If a faster store would take it then. And if pages had to go to slower stores
 * for want of the slot, which holds a second copy as long as the page is in memory.
 */
static bool tw_swap_wants_again(struct tw_swap *d, int tier)
{
	int target = READ_ONCE(d->target), t;
	bool slower = false;

	tw_for_each_store_tier(t) {
		if (t == tier)
			slower = true;
		else if (!slower && t == target)
			return true;
		else if (slower && READ_ONCE(tw_tiers[t].sh->swap_used))
			return tw_swap_crowded(tier);
	}
	return false;
}

static void tw_swap_read_one(struct tw_swap *d, u32 at, u64 e, bool again)
{
	while (!tw_swap_change(d, at, &e, tw_swe_read(e)))
		;
	if (again)
		tw_swap_relink(d, at, tw_swap_spare(d, tw_swe_tier(e)));
}

/* How many of @nr pages from @at on have no bytes anywhere, as the first one has not. */
static u32 tw_swap_zeroes(struct tw_swap *d, u32 at, u32 nr)
{
	u32 n = 1;

	while (n < nr && !tw_swe_stored(tw_swap_entry(d, at + n)) &&
	       !(tw_swap_entry(d, at + n) & TW_SWE_LOST))
		n++;
	return n;
}

static u32 tw_swap_read_run(struct tw_swap *d, u32 at, u32 nr, u64 first, bool again)
{
	u64 e = first;
	u32 n = 0;

	do {
		tw_swap_read_one(d, at + n, e, again);
		if (++n == nr)
			break;
		e = tw_swap_entry(d, at + n);
	} while (tw_swe_stored(e) && tw_swe_can_begin(e) &&
		 tw_swe_tier(e) == tw_swe_tier(first) &&
		 tw_swe_slot(e) == tw_swe_slot(first) + n);
	return n;
}

int tw_swap_read_begin(struct tw_swap *d, u32 at, u32 nr, bool rewrite,
		       struct tw_swap_part *part)
{
	u64 e;
	int ret = 0;

	nr = min_t(u32, nr, TW_SWAP_RUN);
	spin_lock(&d->lock);
	e = tw_swap_entry(d, at);
	if ((e & TW_SWE_LOST) || !tw_swe_can_begin(e)) {
		ret = -EIO;
	} else if (!tw_swe_stored(e)) {
		*part = (struct tw_swap_part){
			.nr = tw_swap_zeroes(d, at, nr),
			.tier = TW_TIER_NONE,
		};
	} else {
		part->tier = tw_swe_tier(e);
		part->slot = tw_swe_slot(e);
		part->again = rewrite && tw_swap_wants_again(d, part->tier);
		part->nr = tw_swap_read_run(d, at, nr, e, part->again);
	}
	spin_unlock(&d->lock);
	return ret;
}

/* -- writing ------------------------------------------------------------------- */

void tw_swap_look(struct tw_swap_store *s, int tier)
{
	*s = (struct tw_swap_store){
		.tier = tier,
		.capacity = READ_ONCE(tw_tiers[tier].capacity),
		.room = tw_slots_room_claimed(&tw_tiers[tier]),
		.avoid = tw_store_failing(&tw_tiers[tier]),
	};
}

int tw_swap_stores(struct tw_swap_store *stores)
{
	int tier, nr = 0;

	tw_for_each_store_tier(tier)
		if (nr < TW_NR_TIERS && tw_tier_bound(tier))
			tw_swap_look(&stores[nr++], tier);
	return nr;
}

/* Gives the slot of entry @e back, if it is not needed. */
static bool tw_swap_drop_one(struct tw_swap *d, u32 at, u64 e)
{
	/* Should it be read all the same before it is written: no zeroes. */
	if (!tw_swe_can_drop(e) || !tw_swap_change(d, at, &e, TW_SWE_LOST))
		return false;
	tw_swap_unlink(d, at);
	tw_swap_gone(d, e);
	return true;
}

/* Gives up to @nr slots of @tier back that are not needed; returns how many. */
static unsigned int tw_swap_drop_locked(struct tw_swap *d, int tier, unsigned int nr)
{
	unsigned int n = 0, looks = 4 * nr;
	u32 head = tw_swap_spare(d, tier);

	lockdep_assert_held(&d->lock);

	while (n < nr && looks--) {
		u32 at = d->link[head].next;
		u64 e;

		if (at == head)
			break;
		e = tw_swap_entry(d, at);
		if (tw_swap_drop_one(d, at, e)) {
			n++;
		} else if (e & TW_SWE_BUSY) {
			tw_swap_relink(d, at, head);
		} else {	/* reading it has failed, or it was no page of swap's */
			tw_swap_relink(d, at, tw_swap_aged(d, tier));
		}
	}
	return n;
}

/*
 * Evictions come in bursts, which the work that makes room is too late for. Slots of
 * stores faster than @stores[@at], or of all (-1), that can be had without I/O are
 * given up at once, rather than that pages go to a slower store.
 */
static bool tw_swap_make_slots(struct tw_swap *d, struct tw_swap_store *stores, int nr,
			       int at, unsigned int want)
{
	int i;

	for (i = 0; i < (at < 0 ? nr : at); i++) {
		unsigned int n;

		if (stores[i].avoid || !atomic64_read(&d->spare[stores[i].tier]))
			continue;
		n = tw_swap_drop_locked(d, stores[i].tier, want +
					tw_swap_last_room(stores[i].capacity));
		stores[i].room += n;
		if (n)
			return true;
	}
	return false;
}

/* Takes up to @nr slots of the store that new pages go to. */
static unsigned int tw_swap_alloc(struct tw_swap *d, unsigned int nr, int *tier, u32 *slot)
{
	struct tw_swap_store stores[TW_NR_TIERS];
	int found = tw_swap_stores(stores), at;
	unsigned int got;

	at = tw_swap_choose(stores, found);
	if (at && tw_swap_make_slots(d, stores, found, at, nr))
		at = tw_swap_choose(stores, found);
	for (; at >= 0; at = tw_swap_choose(stores, found)) {
		*tier = stores[at].tier;
		got = tw_slots_alloc_claimed(&tw_tiers[*tier], nr, slot);
		if (got)
			return got;
		stores[at].room = 0;	/* others were faster, or it is leaving */
	}
	return 0;
}

/* Nothing is under way in the slot that the entry has, if it has one. */
static bool tw_swap_idle(u64 e)
{
	return !(e & TW_SWE_VALID) || !(e & TW_SWE_BUSY);
}

static void tw_swap_write_one(struct tw_swap *d, u32 at, int tier, u32 slot)
{
	u64 e = tw_swap_entry(d, at);

	while (!tw_swap_change(d, at, &e, tw_swe_written(e, tier, slot)))
		;
	tw_swap_count(tier, 1);
	tw_swap_gone(d, e);
	tw_swap_relink(d, at, tw_swap_aged(d, tier));
}

/* The page stays in the slot that it has, which is overwritten. */
static void tw_swap_overwrite(struct tw_swap *d, u32 at, struct tw_swap_part *part)
{
	u64 e = tw_swap_entry(d, at);

	while (!tw_swap_change(d, at, &e, tw_swe_rewritten(e)))
		;
	part->nr = 1;
	part->tier = tw_swe_tier(e);
	part->slot = tw_swe_slot(e);
	if (e & TW_SWE_SPARE)
		atomic64_dec(&d->spare[part->tier]);
	if (!(e & TW_SWE_MOVING))
		tw_swap_relink(d, at, tw_swap_aged(d, part->tier));
}

int tw_swap_write_begin(struct tw_swap *d, u32 at, u32 nr, struct tw_swap_part *part)
{
	u32 n = 0, i;
	u64 first;
	int ret = 0;

	part->again = false;
	nr = min_t(u32, nr, TW_SWAP_RUN);
	spin_lock(&d->lock);
	first = tw_swap_entry(d, at);
	while (n < nr && tw_swap_idle(tw_swap_entry(d, at + n)))
		n++;
	n = n ? tw_swap_alloc(d, n, &part->tier, &part->slot) : 0;
	for (i = 0; i < n; i++)
		tw_swap_write_one(d, at + i, part->tier, part->slot + i);
	part->nr = n;
	if (!n) {
		if ((first & TW_SWE_VALID) && tw_swe_can_begin(first))
			tw_swap_overwrite(d, at, part);
		else
			ret = -ENOSPC;
	}
	if (!ret)
		WRITE_ONCE(d->target, part->tier);
	spin_unlock(&d->lock);
	return ret;
}

/* -- I/O ends, in any context ---------------------------------------------------- */

void tw_swap_io_end(struct tw_swap *d, u32 at, u32 nr)
{
	while (nr--) {
		u64 e = atomic64_sub_return(TW_SWE_BUSY_ONE, &d->entry[at++]);

		/* Fully ordered as the atomic is, see tw_swap_reap(). */
		if (unlikely((e & TW_SWE_DEAD) && !(e & TW_SWE_BUSY)) &&
		    !xchg(&d->reap, 1))
			queue_work(d->wq, &d->work);
	}
}

void tw_swap_set_spare(struct tw_swap *d, u32 at)
{
	u64 e = atomic64_fetch_or(TW_SWE_SPARE, &d->entry[at]);

	if (!(e & TW_SWE_SPARE))
		atomic64_inc(&d->spare[tw_swe_tier(e)]);
}

/* -- moving ------------------------------------------------------------------- */

/*
 * May it be moved? What has been read a moment ago is likely to be read again, and
 * gets another turn, unless @all have to go.
 */
static bool tw_swap_take_one(struct tw_swap *d, u32 at, bool all)
{
	u64 e = tw_swap_entry(d, at);

	do {
		if (!tw_swe_can_move(e))
			return false;
		if (!all && tw_swe_heat(e) > 1)
			break;
		if (tw_swap_change(d, at, &e, e | TW_SWE_MOVING))
			return true;
	} while (1);
	while (!tw_swap_change(d, at, &e, tw_swe_with_heat(e, tw_swe_heat(e) / 2)))
		;
	return false;
}

/* Page @at, which is MOVING now, becomes page @n of the mover. */
static void tw_swap_to_mover(struct tw_swap *d, u32 at, unsigned int n)
{
	struct tw_swap_mover *m = &d->mover;

	tw_swap_unlink(d, at);
	m->at[n] = at;
	m->was[n] = tw_swap_entry(d, at);
	m->io[n].sum = d->sum[at];
	m->io[n].slot = tw_swe_slot(m->was[n]);
	m->io[n].page = m->page[n];
}

unsigned int tw_swap_take(struct tw_swap *d, int tier, unsigned int nr, bool all)
{
	struct tw_swap_mover *m = &d->mover;
	unsigned int n = 0, looks = 4 * nr;
	u32 head = tw_swap_aged(d, tier);

	lockdep_assert_held(&m->lock);

	spin_lock(&d->lock);
	while (n < nr && looks--) {
		u32 at = d->link[head].next;

		if (at == head)
			break;
		if (!tw_swap_take_one(d, at, all)) {
			tw_swap_relink(d, at, tw_swap_home(d, tw_swap_entry(d, at)));
			continue;
		}
		tw_swap_to_mover(d, at, n++);
	}
	spin_unlock(&d->lock);
	return n;
}

unsigned int tw_swap_take_slots(struct tw_swap *d, int tier, u32 first, u32 *at,
				unsigned int *busy)
{
	unsigned int n = 0, looks = TW_SWAP_LOOKS;

	lockdep_assert_held(&d->mover.lock);

	spin_lock(&d->lock);
	for (; *at < d->nr && n < TW_IO_BATCH && looks; (*at)++, looks--) {
		u64 e = tw_swap_entry(d, *at);

		if (!(e & TW_SWE_VALID) || tw_swe_tier(e) != tier ||
		    tw_swe_slot(e) < first || tw_swap_drop_one(d, *at, e))
			continue;
		if (tw_swap_take_one(d, *at, true))
			tw_swap_to_mover(d, *at, n++);
		else
			(*busy)++;
	}
	spin_unlock(&d->lock);
	return n;
}

unsigned int tw_swap_drop_spare(struct tw_swap *d, int tier, unsigned int nr)
{
	unsigned int n;

	spin_lock(&d->lock);
	n = tw_swap_drop_locked(d, tier, nr);
	spin_unlock(&d->lock);
	return n;
}

bool tw_swap_moved(struct tw_swap *d, unsigned int i, int tier, u32 slot)
{
	struct tw_swap_mover *m = &d->mover;
	u32 at = m->at[i];
	u64 e, new;

	spin_lock(&d->lock);
	e = tw_swap_entry(d, at);
	do {
		new = tw_swe_moved(m->was[i], e, tier, slot);
	} while (new && !tw_swap_change(d, at, &e, new));
	if (new) {
		tw_swap_count(tier, 1);
		tw_swap_count(tw_swe_tier(e), -1);
		tw_slots_free_claimed(&tw_tiers[tw_swe_tier(e)], tw_swe_slot(e), 1);
		tw_swap_relink(d, at, tw_swap_aged(d, tier));
	}
	spin_unlock(&d->lock);
	return new;
}

void tw_swap_stays(struct tw_swap *d, unsigned int i, bool lose)
{
	struct tw_swap_mover *m = &d->mover;
	u64 was = m->was[i], e, new;
	int tier = tw_swe_tier(was);
	u32 at = m->at[i];

	spin_lock(&d->lock);
	e = tw_swap_entry(d, at);
	do {
		if (!tw_swe_same(was, e)) {
			/* It has been freed or written anew: the slot was left to us. */
			tw_slots_free_claimed(&tw_tiers[tier], tw_swe_slot(was), 1);
			goto unlock;
		}
		new = e & ~(TW_SWE_MOVING | TW_SWE_STALE);
		if (lose && !(e & (TW_SWE_STALE | TW_SWE_BUSY)))
			new = TW_SWE_LOST;
	} while (!tw_swap_change(d, at, &e, new));
	if (new == TW_SWE_LOST) {
		tw_swap_gone(d, e & ~TW_SWE_MOVING);
		atomic64_inc(&d->failed);
		tw_global_add(lost, 1);
	} else {
		tw_swap_relink(d, at, tw_swap_home(d, new));
	}
unlock:
	spin_unlock(&d->lock);
}
