// SPDX-License-Identifier: GPL-2.0
/*
 * move_write.c - a batch's pages are written to a store
 *
 * Owns nothing. move.c calls it with the pages of a batch frozen, or read into
 * bounce pages, and their records locked. It asks only of frozen pages whether they
 * are dirty, since nothing can change those any more.
 *
 * The records are unlocked while the I/O runs (WRITING), so that a page touched
 * meanwhile is taken back at once (CANCELLED), unless the device needs stable
 * pages.
 *
 * Locks: those of the batch's records. After the I/O it takes them one by one, see
 * tw_move_write_done().
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
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/hibernate.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

/*
 * Lets a clean page leave whose copy in the target store is still valid, so that there
 * is nothing to write. False if it is not such a page.
 */
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
 * Collects the pages that are to be written in io and io_at: frozen ones that have no
 * valid copy, and bounce pages that have been read. Returns how many there are.
 */
static unsigned int tw_move_collect(struct tw_move *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->nr; i++) {
		struct page *page = m->page[i];

		if (m->status[i] != TW_PENDING)
			continue;
		if (page && tw_page_bad(page)) {
			tw_move_unfreeze(m, i);
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

/* Takes slots, in runs, for @n writes or the first of them, and refuses the others. */
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
			tw_move_unfreeze(m, at);
		tw_move_end(m, at, tw_stores_still() ? -EBUSY : -ENOSPC);
	}
	return have;
}

/* Turns page @i from MEM to WRITING with slot @slot, and unlocks it unless @stable. */
static void tw_move_start_write(struct tw_move *m, unsigned int i, u32 slot,
				bool stable)
{
	struct tw_rec *rec = m->rec[i];
	struct page *page = m->page[i];

	if (!tw_move_huge(m, i))
		tw_page_set_clean(page);
	tw_slot_drop(rec);
	WRITE_ONCE(rec->slot, slot);
	tw_rec_set(rec, (tw_rec_w(rec) & ~TW_W_STATE_MASK) | tw_w_slot(m->to) |
		   (unsigned long)TW_WRITING << TW_W_STATE_SHIFT);
	/* It cannot stay frozen: drivers may take references to a page under I/O. */
	tw_move_unfreeze(m, i);
	if (!stable)
		tw_rec_unlock_nested(rec);
}

/* Ends the write of page @i, which has returned @err. The record is locked. */
static int tw_move_written(struct tw_move *m, unsigned int i, int err)
{
	struct tw_chunk *c = tw_chunk_find(m->space, m->idx[i]);
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
		/* A touch has given the page another frame: its place in the folio ends. */
		if (tw_move_huge(m, i) && !tw_w_huge(tw_rec_w(rec)))
			tw_huge_leave(c, from);
		return err;
	}
	tw_page_leave(m->space, c, rec, m->to);
	if (tw_move_huge(m, i)) {
		tw_huge_leave(c, from);
		return 0;
	}
	tw_page_drop(page);
	tw_tier_uncharge(&tw_tiers[from], 1);
	return 0;
}

/* Ends the write of a bounce page to @slot. Its record (STORE) is locked. */
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

/* Ends write @k, which has landed. False if its record is busy and @wait is not set. */
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
		tw_rec_sleep(rec, TASK_UNINTERRUPTIBLE);
	}
	err = tw_move_written(m, i, err);
	tw_move_end(m, i, err);
	tw_rec_settled(rec);
	return true;
}

/*
 * Ends a write that has landed. A fault that holds a record may be waiting for memory,
 * perhaps for what this batch frees. So first it ends the pages whose records are free,
 * and only then waits for the others, while it holds no record itself.
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
