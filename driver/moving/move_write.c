// SPDX-License-Identifier: GPL-2.0
/*
 * move_write.c - a batch's pages are written to a store
 *
 * Owns nothing; called by move.c with the pages of a batch frozen, or read into
 * bounce pages, and their records locked. Only frozen pages are looked at for
 * whether they are dirty: nobody can change them any more.
 *
 * The records are unlocked while the I/O runs (WRITING), so that a page touched
 * meanwhile is taken back at once (CANCELLED), unless the device needs stable
 * pages.
 *
 * Locks: the batch's records; after the I/O each by itself, see tw_move_write_done().
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/wait_bit.h>

#include "base/stats.h"
#include "moving/departed.h"
#include "moving/move.h"
#include "moving/move_wait.h"
#include "moving/move_write.h"
#include "pages/frame.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/hibernate.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

/* A clean page whose copy in the target store is still valid: nothing to write. */
static bool tw_move_clean(struct tw_move *m, unsigned int i)
{
	struct tw_rec *rec = m->rec[i];
	unsigned long w = tw_rec_w(rec);

	if (!(w & TW_W_SLOT) || tw_w_slot_tier(w) != m->to ||
	    tw_page_dirty(m->page[i]) || !tw_tier_bound(m->to))
		return false;
	tw_page_leave_clean(m->space, tw_chunk_find(m->space, m->idx[i]), rec);
	tw_move_end(m, i, 0);
	return true;
}

/*
 * Which pages are to be written: frozen ones that are not clean, and bounce
 * pages that have been read. Fills io and io_at, returns how many.
 */
static unsigned int tw_move_collect(struct tw_move *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->nr; i++) {
		struct page *page = m->page[i];

		if (m->status[i] != TW_PENDING)
			continue;
		if (page && tw_page_bad(page)) {
			tw_page_unfreeze(page);
			tw_move_end(m, i, -EHWPOISON);
			continue;
		}
		if (page && tw_move_clean(m, i))
			continue;
		m->ios->io[n].page = page ?: m->target[i];
		m->io_at[n++] = i;
	}
	return n;
}

/* Slots for the first of @n writes, in runs; the rest is refused. */
static unsigned int tw_move_slots(struct tw_move *m, unsigned int n)
{
	unsigned int have = 0, got, i;
	u32 slot;

	while (have < n) {
		got = tw_slots_alloc(&tw_tiers[m->to], n - have, &slot);
		if (!got)
			break;
		while (got--)
			m->ios->io[have++].slot = slot++;
	}
	for (i = have; i < n; i++) {
		unsigned int at = m->io_at[i];

		if (m->page[at])
			tw_page_unfreeze(m->page[at]);
		tw_move_end(m, at, tw_stores_still() ? -EBUSY : -ENOSPC);
	}
	return have;
}

/* The page leaves: MEM to WRITING with slot @slot; unlocked unless @stable. */
static void tw_move_start_write(struct tw_move *m, unsigned int i, u32 slot,
				bool stable)
{
	struct tw_rec *rec = m->rec[i];
	struct page *page = m->page[i];

	tw_page_set_clean(page);
	tw_slot_drop(rec);
	WRITE_ONCE(rec->slot, slot);
	tw_rec_set(rec, (tw_rec_w(rec) & ~TW_W_STATE_MASK) | tw_w_slot(m->to) |
		   (unsigned long)TW_WRITING << TW_W_STATE_SHIFT);
	/* Drivers may take references of a page under I/O. */
	tw_page_unfreeze(page);
	if (!stable)
		tw_rec_unlock_nested(rec);
}

/* The write of page @i has ended with @err; its record is locked. */
static int tw_move_written(struct tw_move *m, unsigned int i, int err)
{
	struct tw_rec *rec = m->rec[i];
	int from = m->from_tier[i];
	struct page *page = m->page[i];

	if (tw_w_state(tw_rec_w(rec)) == TW_CANCELLED) {
		tw_count(m->to, taken_back, 1);
		err = -EBUSY;
	}
	if (err) {
		tw_slot_drop(rec);
		tw_rec_set_state(rec, TW_MEM);
		return err;
	}
	tw_page_leave(m->space, tw_chunk_find(m->space, m->idx[i]), rec, m->to);
	tw_page_drop(page);
	tw_tier_uncharge(&tw_tiers[from], 1);
	return 0;
}

/* The write of a bounce page has ended; its record (STORE) is locked. */
static int tw_move_restored(struct tw_move *m, unsigned int i, u32 slot, int err)
{
	struct tw_rec *rec = m->rec[i];
	int from = m->from_tier[i];

	if (err) {
		tw_slots_free(&tw_tiers[m->to], slot);
		return err;
	}
	tw_slot_drop(rec);
	WRITE_ONCE(rec->slot, slot);
	tw_rec_set(rec, tw_w_make(TW_STORE, m->to) | tw_w_slot(m->to) |
		   tw_w_stamp(tw_rec_w(rec)));
	tw_tier_used_add(&tw_tiers[from], -1);
	tw_tier_used_add(&tw_tiers[m->to], 1);
	tw_pages_add(m->space, from, -1);
	tw_pages_add(m->space, m->to, 1);
	return 0;
}

/* Write @k has landed; false: the record is busy, and @wait says not to wait. */
static bool tw_move_land(struct tw_move *m, unsigned int k, bool wait)
{
	unsigned int i = m->io_at[k];
	struct tw_rec *rec = m->rec[i];
	int err = m->ios->io[k].error;

	if (!m->page[i]) {
		err = tw_move_restored(m, i, m->ios->io[k].slot, err);
		tw_move_end(m, i, err);
		return true;
	}
	if (!m->ios->stable && !tw_rec_trylock_nested(rec)) {
		if (!wait)
			return false;
		wait_on_bit_lock(&rec->w, TW_W_LOCK_BIT, TASK_UNINTERRUPTIBLE);
	}
	err = tw_move_written(m, i, err);
	tw_move_end(m, i, err);
	tw_rec_settled(rec);
	return true;
}

/*
 * What was written has landed. A fault that holds a record may be waiting for
 * memory, perhaps for what this batch frees: first all that nobody holds. Then no
 * record is held here that others could wait for.
 */
static void tw_move_write_done(struct tw_move *m)
{
	unsigned int k;
	u64 busy = 0;

	BUILD_BUG_ON(TW_BATCH > 64);
	tw_xfer_end(&m->ios->f);
	for (k = 0; k < m->nr_io; k++)
		if (!tw_move_land(m, k, false))
			busy |= BIT_ULL(k);
	for (k = 0; busy; k++, busy >>= 1)
		if (busy & 1)
			tw_move_land(m, k, true);
}

/* The same, in a worker, for a batch that was left. */
static void tw_move_write_landed(struct tw_xfer *f)
{
	struct tw_move *m = tw_move_left_begin(f);

	tw_move_write_done(m);
	tw_move_left_end(m);
}

void tw_move_write(struct tw_move *m)
{
	struct tw_tier_desc *t = &tw_tiers[m->to];
	struct tw_moving *ios = m->ios;
	unsigned int n, k;

	n = tw_move_collect(m);
	n = tw_move_slots(m, n);
	if (!n)
		return;
	ios->stable = tw_store_stable(t);
	for (k = 0; k < n; k++)
		if (m->page[m->io_at[k]])
			tw_move_start_write(m, m->io_at[k], ios->io[k].slot,
					    ios->stable);
	m->nr_io = n;
	tw_xfer_write(&ios->f, t, ios->io, n);
	if (!tw_move_wait(m, tw_move_write_landed))
		tw_move_write_done(m);
}
