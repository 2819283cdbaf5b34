// SPDX-License-Identifier: GPL-2.0
/*
 * move.c - pages of the swap device go from store to store
 *
 * Owns the mover and the work that keeps room in the faster stores: what will be
 * written again before it is needed is dropped there, and then the pages that have
 * been there longest sink to slower stores, in batches, to slots that follow each
 * other. An eviction, which cannot wait for any of this, finds the room.
 *
 * Locks: tw_swap_mover.lock around a batch; the worker and an unbind that evacuates
 * take turns. Entries change by map.c. Slots that a batch is to be written to are the
 * batch's until an entry takes them.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "base/stats.h"
#include "swap/choice.h"
#include "swap/map.h"
#include "swap/move.h"
#include "tiers/hibernate.h"
#include "tiers/slots.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

/* Looks at pages that have been read lately before any of them has to go. */
#define TW_SWAP_TURNS	8
/* So long pages of a store that is to go may all be under I/O. */
#define TW_SWAP_BUSY_TIME	(10 * HZ)

/* -- a batch ------------------------------------------------------------------- */

/* Waits, however long it takes; a device that takes too long is avoided. */
static void tw_swap_land(struct tw_xfer *f)
{
	while (tw_xfer_wait(f, TASK_IDLE, TW_XFER_HUNG))
		tw_xfer_hung(f);
	tw_xfer_end(f);
}

/* Entry @i of the mover becomes entry @to. */
static void tw_swap_mover_keep(struct tw_swap_mover *m, unsigned int to, unsigned int i)
{
	if (to == i)
		return;
	m->at[to] = m->at[i];
	m->was[to] = m->was[i];
	swap(m->io[to].page, m->io[i].page);
	m->page[to] = m->io[to].page;
	m->page[i] = m->io[i].page;
}

/*
 * Reads the @n pages that have been taken. Those that cannot be read stay, or are lost
 * with @lose. Returns how many have been read; they are the first ones now.
 */
static unsigned int tw_swap_fetch(struct tw_swap *d, int from, unsigned int n, bool lose)
{
	struct tw_swap_mover *m = &d->mover;
	unsigned int i, good = 0;

	tw_xfer_read_sums(&m->xfer, &tw_tiers[from], m->io, n);
	tw_swap_land(&m->xfer);
	for (i = 0; i < n; i++) {
		if (m->io[i].error)
			tw_swap_stays(d, i, lose);
		else
			tw_swap_mover_keep(m, good++, i);
	}
	return good;
}

/* Slots of @to for the first of @n pages; the others stay. Returns how many have one. */
static unsigned int tw_swap_place(struct tw_swap *d, int to, unsigned int n)
{
	struct tw_swap_mover *m = &d->mover;
	unsigned int have = 0, got, i;
	u32 slot;

	while (have < n) {
		got = tw_slots_alloc_claimed(&tw_tiers[to], n - have, &slot);
		if (!got)
			break;
		while (got--)
			m->io[have++].slot = slot++;
	}
	for (i = have; i < n; i++)
		tw_swap_stays(d, i, false);
	return have;
}

/* Writes the @n pages to their slots of @to; returns how many are there now. */
static unsigned int tw_swap_store(struct tw_swap *d, int from, int to, unsigned int n)
{
	struct tw_swap_mover *m = &d->mover;
	unsigned int i, moved = 0;

	if (!n)
		return 0;
	tw_xfer_write_sums(&m->xfer, &tw_tiers[to], m->io, n);
	tw_swap_land(&m->xfer);
	for (i = 0; i < n; i++) {
		if (!m->io[i].error && tw_swap_moved(d, i, to, m->io[i].slot)) {
			moved++;
			continue;
		}
		tw_swap_stays(d, i, false);
		tw_slots_free_claimed(&tw_tiers[to], m->io[i].slot, 1);
	}
	tw_count(from, swap_sunk, moved);
	return moved;
}

/* The @n pages that have been taken from @from go to @to; returns how many got there. */
static unsigned int tw_swap_sink(struct tw_swap *d, int from, int to, unsigned int n)
{
	lockdep_assert_held(&d->mover.lock);

	n = tw_swap_fetch(d, from, n, false);
	n = tw_swap_place(d, to, n);
	return tw_swap_store(d, from, to, n);
}

/* -- room for evictions ---------------------------------------------------------- */

static bool tw_swap_short(const struct tw_swap_store *s)
{
	return s->room < tw_swap_headroom(s->capacity);
}

/* Makes some room in @stores[@at] of @nr; false: there is nothing more to be done. */
static bool tw_swap_make_room(struct tw_swap *d, const struct tw_swap_store *stores,
			      int nr, int at)
{
	int from = stores[at].tier, to, turn;
	unsigned int n = 0;

	if (tw_swap_drop_spare(d, from, TW_IO_BATCH))
		return true;
	to = tw_swap_sink_to(stores, nr, at, TW_IO_BATCH);
	if (to < 0)
		return false;
	for (turn = 0; !n && turn < TW_SWAP_TURNS; turn++)
		n = tw_swap_take(d, from, TW_IO_BATCH, false);
	return n && tw_swap_sink(d, from, stores[to].tier, n);
}

/* From the slowest on, so that what sinks finds room. */
static void tw_swap_work(struct work_struct *work)
{
	struct tw_swap *d = container_of(work, struct tw_swap, work);
	struct tw_swap_store stores[TW_NR_TIERS];
	unsigned int noio = memalloc_noio_save();
	int nr, at;

	tw_swap_reap(d);
	for (at = TW_NR_TIERS - 1; at >= 0; at--) {
		bool more = true;

		while (more && !tw_stores_still()) {
			mutex_lock(&d->mover.lock);
			nr = tw_swap_stores(stores);
			more = at < nr && tw_swap_short(&stores[at]) &&
			       tw_swap_make_room(d, stores, nr, at);
			mutex_unlock(&d->mover.lock);
			cond_resched();
		}
	}
	at = tw_swap_choose(stores, tw_swap_stores(stores));
	WRITE_ONCE(d->target, at < 0 ? TW_TIER_NONE : stores[at].tier);
	memalloc_noio_restore(noio);
}

void tw_swap_room_check(struct tw_swap *d)
{
	struct tw_swap_store s;
	int target = READ_ONCE(d->target);

	if (target == TW_TIER_NONE)
		return;
	tw_swap_look(&s, target);
	if (tw_swap_short(&s))
		queue_work(d->wq, &d->work);
}

/* -- a store is unbound ---------------------------------------------------------- */

/* Where pages of a store that is leaving go: a negative errno when nothing has room. */
static int tw_swap_refuge(void)
{
	struct tw_swap_store stores[TW_NR_TIERS];
	int at = tw_swap_choose(stores, tw_swap_stores(stores));

	return at < 0 ? -ENOSPC : stores[at].tier;
}

/*
 * The @n pages that have been taken from @t go elsewhere, and *@moved counts those that
 * do. How many went, with @force all, or a negative errno.
 */
static int tw_swap_move_away(struct tw_swap *d, struct tw_tier_desc *t, unsigned int n,
			     bool force, u64 *moved)
{
	int to = tw_swap_refuge();
	unsigned int good, i;

	lockdep_assert_held(&d->mover.lock);

	if (to < 0) {
		for (i = 0; i < n; i++)
			tw_swap_stays(d, i, false);
		return to;
	}
	good = tw_swap_fetch(d, t->id, n, force);
	i = tw_swap_store(d, t->id, to, tw_swap_place(d, to, good));
	*moved += i;
	if (good < n)
		return force ? (int)n : -EIO;
	return i;
}

/*
 * One batch off @t; *@moved counts pages that went. How many it had taken, 0: there
 * are none left that are not under I/O; or a negative errno.
 */
static int tw_swap_evacuate_some(struct tw_swap *d, struct tw_tier_desc *t, bool force,
				 u64 *moved)
{
	unsigned int n = tw_swap_drop_spare(d, t->id, TW_IO_BATCH);

	if (n)
		return n;
	n = tw_swap_take(d, t->id, TW_IO_BATCH, true);
	return n ? tw_swap_move_away(d, t, n, force, moved) : 0;
}

int tw_swap_evacuate(struct tw_swap *d, struct tw_tier_desc *t, bool force, u64 *moved)
{
	unsigned long deadline = jiffies + TW_SWAP_BUSY_TIME;
	int n;

	while (atomic64_read((atomic64_t *)&t->sh->swap_used)) {
		if (signal_pending(current))
			return -EINTR;
		mutex_lock(&d->mover.lock);
		n = tw_swap_evacuate_some(d, t, force, moved);
		mutex_unlock(&d->mover.lock);
		if (n < 0)
			return n;
		if (n) {
			deadline = jiffies + TW_SWAP_BUSY_TIME;
			continue;
		}
		if (time_after(jiffies, deadline))
			return -EBUSY;
		schedule_timeout_interruptible(HZ / 50 ?: 1);
	}
	return 0;
}

/* -- the end of a store is given up -------------------------------------------- */

/*
 * One walk over all pages, which moves those in slots of @t from @first on. How many of
 * them are there still, or a negative errno.
 */
static int tw_swap_clear_slots(struct tw_swap *d, struct tw_tier_desc *t, u32 first,
			       u64 *moved)
{
	unsigned int busy = 0, n;
	int went = 0;
	u32 at = 0;

	while (at < d->nr && went >= 0) {
		if (signal_pending(current))
			return -EINTR;
		mutex_lock(&d->mover.lock);
		n = tw_swap_take_slots(d, t->id, first, &at, &busy);
		went = n ? tw_swap_move_away(d, t, n, false, moved) : 0;
		mutex_unlock(&d->mover.lock);
		if (went >= 0)
			busy += n - went;
		cond_resched();
	}
	return went < 0 ? went : min_t(unsigned int, busy, INT_MAX);
}

int tw_swap_evacuate_slots(struct tw_swap *d, struct tw_tier_desc *t, u32 first, u64 *moved)
{
	unsigned long deadline = jiffies + TW_SWAP_BUSY_TIME;
	u64 before = *moved;
	int left;

	for (;;) {
		left = tw_swap_clear_slots(d, t, first, moved);
		if (left <= 0)
			return left;
		if (*moved != before)
			deadline = jiffies + TW_SWAP_BUSY_TIME;
		if (time_after(jiffies, deadline))
			return -EBUSY;
		before = *moved;
		schedule_timeout_interruptible(HZ / 50 ?: 1);
	}
}

/* -- making and ending --------------------------------------------------------- */

static void tw_swap_tell(struct work_struct *work)
{
	struct tw_swap *d = container_of(work, struct tw_swap, tell);
	int tier, wrong, n;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		for (wrong = 0; wrong < 2; wrong++) {
			n = atomic_xchg(&d->errors[tier][wrong], 0);
			if (n)
				tw_store_failed(&tw_tiers[tier], n,
						wrong ? -EILSEQ : -EIO);
		}
	}
}

static void tw_swap_free_pages(struct tw_swap_mover *m)
{
	unsigned int i;

	for (i = 0; i < TW_IO_BATCH; i++)
		if (m->page[i])
			__free_page(m->page[i]);
}

int tw_swap_mover_init(struct tw_swap *d)
{
	struct tw_swap_mover *m = &d->mover;
	unsigned int i;

	mutex_init(&m->lock);
	INIT_WORK(&d->work, tw_swap_work);
	INIT_WORK(&d->tell, tw_swap_tell);
	for (i = 0; i < TW_IO_BATCH; i++) {
		m->page[i] = alloc_page(GFP_KERNEL);
		if (!m->page[i])
			goto fail;
	}
	d->wq = alloc_workqueue("tw_swap", WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_FREEZABLE, 0);
	if (!d->wq)
		goto fail;
	return 0;

fail:
	tw_swap_free_pages(m);
	return -ENOMEM;
}

void tw_swap_mover_exit(struct tw_swap *d)
{
	destroy_workqueue(d->wq);
	tw_swap_free_pages(&d->mover);
}
