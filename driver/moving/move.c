// SPDX-License-Identifier: GPL-2.0
/*
 * move.c - the engine: a batch of pages of one space to one tier
 *
 * Owns a batch (struct tw_move) while it runs, which any room above may ask for
 * from where it may sleep. tw_move_run() in order: targets are allocated with
 * nothing locked; records are trylocked (busy ones refused); what is mapped is
 * unmapped, a run of neighbours at a time; each page is frozen, which fails while
 * anybody holds a reference (pins, I/O, futexes in the making) and refuses it
 * untouched; only then is PG_dirty looked at and the page copied or written, since
 * nobody can change it any more.
 *
 * Writes to a store: the records are unlocked while the I/O runs (WRITING), so
 * that a page touched meanwhile is taken back at once (CANCELLED), unless the
 * device needs stable pages. Reads hold their records (READING).
 *
 * A caller that stops waiting leaves the I/O under way to its end: a copy of the
 * batch with just those pages ends them when the I/O does. All others end as
 * ever; no I/O is begun for a batch that has been left.
 *
 * Locks: several record locks, all but the first trylocked; see record.h.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

#include "base/compat.h"
#include "base/stats.h"
#include "moving/departed.h"
#include "moving/move.h"
#include "moving/readin.h"
#include "moving/store_choice.h"
#include "pages/frame.h"
#include "pages/group.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/backend_numa.h"
#include "tiers/backend_store.h"
#include "tiers/hibernate.h"
#include "tiers/slots.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

/* tw_move.status while a page has no outcome yet. */
#define TW_PENDING	INT_MAX

/* What the word says about the page: TW_PENDING when it is to be moved. */
static int tw_move_classify(struct tw_move *m, unsigned long w)
{
	enum tw_state s = tw_w_state(w);

	if (s == TW_NONE)
		return -ENOENT;
	if (s == TW_POISON)
		return -EIO;
	if (tw_w_in_flight(w))
		return -EBUSY;
	if (m->from != TW_TIER_NONE && tw_w_tier(w) != m->from)
		return -EINVAL;
	if (tw_w_tier(w) == m->to && !(m->flags & TW_MOVE_SAME))
		return TW_MOVE_ALREADY;
	return TW_PENDING;
}

/* A frame for page @i: charged to the target tier, or a bounce page. */
static struct page *tw_move_target(struct tw_move *m, unsigned long w)
{
	struct tw_tier_s *t = &tw_tiers[m->to];
	gfp_t gfp = GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN;
	struct mem_cgroup *old;
	struct page *page;

	if (!tw_tier_is_memory(m->to))
		return alloc_page(GFP_NOIO | __GFP_NOWARN);
	/* Within a tier that is full, the old frame goes at the batch's end. */
	if (!tw_tier_charge(t, 1, m->flags & TW_MOVE_SAME ? TW_BATCH : 0))
		return NULL;
	/* A page already in memory brings its memcg charge along. */
	if (tw_w_state(w) != TW_MEM)
		gfp |= __GFP_ACCOUNT;
	old = set_active_memcg(m->space->memcg);
	page = tw_numa_alloc(t, gfp, m->nid);
	set_active_memcg(old);
	if (page && m->nid != NUMA_NO_NODE && page_to_nid(page) != m->nid) {
		put_page(page);
		page = NULL;
	}
	if (!page)
		tw_tier_uncharge(t, 1);
	return page;
}

static void tw_move_put_target(struct tw_move *m, unsigned int i)
{
	if (!m->target[i])
		return;
	put_page(m->target[i]);
	if (tw_tier_is_memory(m->to))
		tw_tier_uncharge(&tw_tiers[m->to], 1);
	m->target[i] = NULL;
}

/* Copies of pages in memory give way to pages that are to live in the store. */
static void tw_move_make_slots(struct tw_move *m, unsigned int need)
{
	struct tw_tier_s *t = &tw_tiers[m->to];
	unsigned long used = tw_slots_used(t);
	unsigned long capacity = READ_ONCE(t->capacity);
	unsigned long free = capacity > used ? capacity - used : 0;

	if (need > free)
		tw_reap_kept(m->to, need - free);
}

/*
 * How many pages their owner and the limits let go there. Nothing is lost for a
 * limit: what has to leave its place may go anywhere that is open to its owner.
 */
static u64 tw_move_limit(struct tw_move *m)
{
	if (!tw_space_allows(m->space, m->to))
		return 0;
	if (m->flags & (TW_MOVE_NO_LIMIT | TW_MOVE_SAME))
		return TW_NO_LIMIT;
	return tw_space_room(m->space, m->to);
}

/* With nothing locked: allocation may reclaim and sleep. */
static void tw_move_prepare(struct tw_move *m)
{
	u64 room = tw_move_limit(m);
	unsigned int i, need = 0;

	for (i = 0; i < m->nr; i++) {
		struct tw_rec *rec = tw_rec_find(m->space, m->idx[i]);
		unsigned long w = rec ? tw_rec_w(rec) : 0;

		m->rec[i] = rec;
		m->page[i] = NULL;
		m->target[i] = NULL;
		m->from_tier[i] = TW_TIER_NONE;
		m->status[i] = rec ? tw_move_classify(m, w) : -ENOENT;
		if (m->status[i] == TW_PENDING && !room)
			m->status[i] = -EDQUOT;
		if (m->status[i] != TW_PENDING)
			continue;
		room--;
		need++;
		if (tw_w_state(w) == TW_MEM)
			m->page[i] = tw_w_page(w);
		if (tw_tier_is_memory(m->to) || !m->page[i]) {
			m->target[i] = tw_move_target(m, w);
			if (!m->target[i])
				m->status[i] = -ENOSPC;
		}
	}
	if (need && !tw_tier_is_memory(m->to) && !(m->flags & TW_MOVE_CHOICE))
		tw_move_make_slots(m, need);
}

static void tw_move_lock(struct tw_move *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		struct tw_rec *rec = m->rec[i];
		bool was_mem = m->page[i];
		unsigned long w;

		if (m->status[i] != TW_PENDING)
			continue;
		if (!tw_rec_trylock_nested(rec)) {
			m->status[i] = -EBUSY;
			continue;
		}
		w = tw_rec_w(rec);
		m->status[i] = tw_move_classify(m, w);
		if (m->status[i] == TW_PENDING &&
		    was_mem != (tw_w_state(w) == TW_MEM))
			m->status[i] = -EBUSY;	/* its target does not fit */
		if (m->status[i] != TW_PENDING) {
			tw_rec_unlock_nested(rec);
			continue;
		}
		m->from_tier[i] = tw_w_tier(w);
		if (was_mem)
			m->page[i] = tw_w_page(w);
	}
}

/* Ends page @i, whose record is locked. */
static void tw_move_end(struct tw_move *m, unsigned int i, int status)
{
	m->status[i] = status;
	tw_rec_unlock_nested(m->rec[i]);
}

/* Unmap and freeze what is in memory; refused pages are ended. */
static void tw_move_unmap(struct tw_move *m)
{
	unsigned int i, n;

	for (i = 0; i < m->nr; i++) {
		struct page *page = m->page[i];

		if (m->status[i] != TW_PENDING || !page)
			continue;
		/* First: the handler of bad memory keeps a reference of it. */
		if (tw_page_bad(page))
			tw_move_end(m, i, -EHWPOISON);
		else if (tw_page_pinned(page))
			tw_move_end(m, i, -EBUSY);
	}
	for (i = 0; i < m->nr; i += n) {
		bool mapped = false;

		for (n = 0; i + n < m->nr && m->status[i + n] == TW_PENDING &&
		     m->page[i + n] && m->idx[i + n] == m->idx[i] + n; n++)
			mapped |= tw_page_mapcount(m->page[i + n]) > 0;
		if (mapped)
			tw_space_unmap(m->space, m->idx[i], n);
		n = max(n, 1U);
	}
	for (i = 0; i < m->nr; i++)
		if (m->status[i] == TW_PENDING && m->page[i] &&
		    !tw_page_freeze(m->page[i]))
			tw_move_end(m, i, -EBUSY);
}

/* Memory to memory, page @i: frozen, its record locked. */
static void tw_move_one_mem(struct tw_move *m, unsigned int i)
{
	struct page *page = m->page[i], *target = m->target[i];
	struct tw_rec *rec = m->rec[i];
	int from = m->from_tier[i];
	int err = tw_page_copy(target, page);

	if (err) {
		tw_page_unfreeze(page);
		tw_move_end(m, i, err);
		return;
	}
	tw_page_replace(m->space, m->idx[i], page, target);
	tw_rec_set(rec, tw_w_mem(m->to, target) |
		   tw_w_slot_bits(tw_rec_w(rec)));
	m->target[i] = NULL;
	tw_pages_add(m->space, from, -1);
	tw_pages_add(m->space, m->to, 1);
	tw_move_end(m, i, 0);
	tw_page_free_frozen(page, from);
}

static void tw_move_landed(struct tw_xfer *f);

/* What was read has landed. */
static void tw_move_read_done(struct tw_move *m)
{
	unsigned int n = m->nr_io;

	tw_xfer_end(&m->ios->f);
	while (n--) {
		unsigned int i = m->io_at[n];
		int err = m->ios->io[n].error;

		if (tw_tier_is_memory(m->to)) {
			err = tw_read_done(m->space, m->idx[i], m->rec[i],
					   m->target[i], m->to, err);
			m->target[i] = NULL;
			tw_move_end(m, i, err ? -EIO : 0);
			continue;
		}
		tw_rec_set_state(m->rec[i], TW_STORE);
		if (err == -EILSEQ)
			tw_rec_poison(m->space, m->rec[i]);
		if (err)
			tw_move_end(m, i, -EIO);
	}
}

/* Reads the pending pages that are in @src into their targets. */
static void tw_move_read(struct tw_move *m, int src)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->nr; i++) {
		if (m->status[i] != TW_PENDING || m->page[i] ||
		    m->from_tier[i] != src)
			continue;
		tw_rec_set_state(m->rec[i], TW_READING);
		m->ios->io[n].slot = m->rec[i]->slot;
		m->ios->io[n].page = m->target[i];
		m->io_at[n++] = i;
	}
	if (!n)
		return;
	m->nr_io = n;
	tw_xfer_read(&m->ios->f, &tw_tiers[src], m->ios->io, n);
	if (!tw_move_wait(m, tw_move_landed))
		tw_move_read_done(m);
}

/* It was left: what has not begun does not begin. */
static void tw_move_abort(struct tw_move *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		if (m->status[i] != TW_PENDING)
			continue;
		if (m->page[i])
			tw_page_unfreeze(m->page[i]);
		tw_move_end(m, i, -EBUSY);
	}
}

static void tw_move_read_all(struct tw_move *m)
{
	unsigned int i;
	u32 from = 0;
	int src;

	for (i = 0; i < m->nr; i++)
		if (m->status[i] == TW_PENDING && !m->page[i])
			from |= 1U << m->from_tier[i];
	for (src = TW_TIER_NVME; src < TW_NR_TIERS && !m->left; src++)
		if (from & (1U << src))
			tw_move_read(m, src);
	if (m->left)
		tw_move_abort(m);
}

static void tw_move_to_memory(struct tw_move *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		if (m->status[i] == TW_PENDING && m->page[i])
			tw_move_one_mem(m, i);
	tw_move_read_all(m);
}

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

static void tw_move_to_store(struct tw_move *m)
{
	struct tw_tier_s *t = &tw_tiers[m->to];
	struct tw_moving *ios = m->ios;
	unsigned int n, k;

	tw_move_read_all(m);
	if (m->left)
		return;
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
	if (!tw_move_wait(m, tw_move_landed))
		tw_move_write_done(m);
}

static void tw_move_report(struct tw_move *m, u64 t0)
{
	u64 ns = (ktime_get_mono_fast_ns() - t0) / max(m->nr, 1U);
	unsigned int i;

	m->moved = 0;
	for (i = 0; i < m->nr; i++) {
		int status = m->status[i];

		VM_WARN_ON_ONCE(status == TW_PENDING);
		tw_move_put_target(m, i);
		if (!status)
			m->moved++;
		if (m->from_tier[i] == TW_TIER_NONE ||
		    status == TW_MOVE_ALREADY || status == -EINVAL ||
		    ((status == -ENOSPC || status == -EDQUOT) &&
		     (m->flags & TW_MOVE_CHOICE)))
			continue;
		tw_page_moved(m->space, m->idx[i], m->from_tier[i], m->to,
			      m->reason, status, ns);
	}
}

/* The I/O of a batch that was left has ended: in a worker, for the batch's copy. */
static void tw_move_landed(struct tw_xfer *f)
{
	struct tw_moving *ios = container_of(f, struct tw_moving, f);
	struct tw_move *m = ios->left;
	struct tw_space *sp = m->space;

	tw_rec_dep_try();
	if (f->write) {
		tw_move_write_done(m);
	} else {
		tw_move_read_done(m);
		tw_move_abort(m);
	}
	tw_rec_dep_release();
	tw_move_report(m, ios->t0);
	if (f->write)
		tw_move_out_end(m->moved, false);
	kfree(m);
	kfree(ios);
	tw_left_end(sp);
}

/* No memory for the I/O since the last was left. */
static void tw_move_refuse(struct tw_move *m)
{
	unsigned int i;

	m->moved = 0;
	for (i = 0; i < m->nr; i++) {
		m->status[i] = -EBUSY;
		m->from_tier[i] = TW_TIER_NONE;
	}
}

void tw_move_run(struct tw_move *m)
{
	bool out = !tw_tier_is_memory(m->to);
	u64 t0 = ktime_get_mono_fast_ns();
	int frames;

	if (!tw_move_ready(m, t0)) {
		tw_move_refuse(m);
		return;
	}
	frames = tw_frames_enter();

	if (out)
		tw_move_out_begin();
	tw_move_prepare(m);
	tw_rec_dep_try();
	tw_move_lock(m);
	tw_move_unmap(m);
	if (out)
		tw_move_to_store(m);
	else
		tw_move_to_memory(m);
	tw_rec_dep_release();
	tw_frames_leave(frames);
	tw_move_report(m, t0);
	if (out)
		tw_move_out_end(m->moved, true);
}
