// SPDX-License-Identifier: GPL-2.0
/*
 * move.c - the engine: a batch of pages of one space to one tier
 *
 * Owns a batch (struct tw_move) while it runs. All higher rooms may run one where they
 * may sleep. tw_move_run() first allocates targets, with nothing locked. It trylocks
 * the records, refusing busy pages, and unmaps what is mapped, a run of neighbours at a
 * time. Then it freezes each page, which fails while anything else holds a reference
 * (pins, I/O, futexes in the making); such a page is refused and stays as it was. Only
 * then does it look at PG_dirty, and copy or write the page, since nothing can change
 * the page any more.
 *
 * Reads hold their records (READING). move_write.c writes to stores. move_wait.c has
 * the memory of a batch, the outcome of its pages, and the waiting for its I/O.
 *
 * Locks: several record locks, all but the first trylocked; see record.h.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/timekeeping.h>

#include "base/compat.h"
#include "base/stats.h"
#include "moving/departed.h"
#include "moving/move.h"
#include "moving/move_huge.h"
#include "moving/move_wait.h"
#include "moving/move_write.h"
#include "moving/readin.h"
#include "moving/store_choice.h"
#include "pages/frame.h"
#include "pages/group.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/hibernate.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

/* What the word says about the page: TW_PENDING if it is to be moved, or its status. */
static int tw_move_classify(struct tw_move *m, unsigned long w)
{
	enum tw_state s = tw_w_state(w);

	if (m->space->foreign)
		return -EOPNOTSUPP;
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

/* A frame for the page of word @w: charged to the target tier, or a bounce page. */
static struct page *tw_move_target(struct tw_move *m, unsigned long w)
{
	struct tw_tier_desc *t = &tw_tiers[m->to];
	gfp_t gfp = GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN;
	unsigned long over = 0;
	struct mem_cgroup *old;
	struct page *page;

	if (m->out)
		return alloc_page(GFP_NOIO | __GFP_NOWARN);
	/* In a move within a full tier, old frames and folios are freed only after this. */
	if (m->flags & TW_MOVE_SAME)
		over = TW_BATCH + (m->space->huge ? TW_CHUNK_PAGES : 0);
	if (!tw_tier_charge(t, 1, over))
		return NULL;
	/* A frame of its own brings its memcg charge along. */
	if (tw_w_state(w) != TW_MEM || tw_w_huge(w))
		gfp |= __GFP_ACCOUNT;
	old = set_active_memcg(m->space->memcg);
	page = tw_tier_alloc(t, gfp, 0, m->nid);
	set_active_memcg(old);
	if (page && m->nid != NUMA_NO_NODE && page_to_nid(page) != m->nid) {
		put_page(page);
		page = NULL;
	}
	if (!page)
		tw_tier_uncharge(t, 1);
	return page;
}

/*
 * Makes room in the store: kept copies give way to pages that move there. While the
 * stores stand still none can move there, but pages with a copy can.
 */
static void tw_move_make_slots(struct tw_move *m, unsigned int need)
{
	unsigned long free = tw_slots_room(&tw_tiers[m->to]);

	if (need > free && !tw_stores_still())
		tw_reap_kept(m->to, need - free);
}

/*
 * How many pages their owner and the limits allow to move there. No page is lost for a
 * limit: one that has to leave its place may go wherever its owner allows.
 */
static u64 tw_move_limit(struct tw_move *m)
{
	if (!tw_space_allows(m->space, m->to))
		return 0;
	if (m->flags & (TW_MOVE_NO_LIMIT | TW_MOVE_SAME))
		return TW_NO_LIMIT;
	return tw_space_room(m->space, m->to);
}

/*
 * What to do with page @i of word @w, which is to be moved, in a space that has folios of
 * 2 MiB: TW_PENDING, or its status. A folio that is whole is dissolved first. *@held is a
 * chunk for which that has just failed.
 */
static noinline int tw_move_from_folio(struct tw_move *m, unsigned int i, unsigned long w,
				       struct tw_chunk **held)
{
	struct tw_chunk *c;

	if (m->whole & BIT_ULL(i))
		return 0;
	if (!tw_w_huge(w))
		return TW_PENDING;
	c = tw_chunk_find(m->space, m->idx[i]);
	if (c != *held && !tw_huge_dissolve(m->space, c)) {
		m->huge |= BIT_ULL(i);
		return TW_PENDING;
	}
	*held = c;
	m->from_tier[i] = tw_w_tier(w);
	return -EBUSY;
}

/* Allocates the targets, with nothing locked, since that may reclaim and sleep. */
static void tw_move_prepare(struct tw_move *m)
{
	struct tw_chunk *held = NULL;
	u64 room = tw_move_limit(m);
	unsigned int i, need = 0;

	m->huge = 0;
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
		if (unlikely(m->space->huge) &&
		    (m->status[i] == TW_PENDING || m->whole & BIT_ULL(i)))
			m->status[i] = tw_move_from_folio(m, i, w, &held);
		if (m->status[i] != TW_PENDING)
			continue;
		room--;
		need++;
		if (tw_w_state(w) == TW_MEM)
			m->page[i] = tw_w_page(w);
		if (!m->out || !m->page[i]) {
			m->target[i] = tw_move_target(m, w);
			if (!m->target[i])
				m->status[i] = -ENOSPC;
		}
	}
	if (need && m->out && !(m->flags & TW_MOVE_CHOICE))
		tw_move_make_slots(m, need);
}

/* Has page @i, now locked with word @w, left its folio, or is it in one that is new? */
static noinline bool tw_move_folio_changed(struct tw_move *m, unsigned int i,
					   unsigned long w)
{
	return m->status[i] == TW_PENDING &&
	       (tw_w_huge(w) != tw_move_huge(m, i) ||
		(tw_w_huge(w) && tw_chunk_whole(tw_chunk_find(m->space, m->idx[i]))));
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
		if (unlikely(m->space->huge) && tw_move_folio_changed(m, i, w))
			m->status[i] = -EBUSY;
		if (m->status[i] != TW_PENDING) {
			tw_rec_unlock_nested(rec);
			continue;
		}
		m->from_tier[i] = tw_w_tier(w);
		if (was_mem)
			m->page[i] = tw_w_page(w);
	}
}

/* Unmaps and freezes pages that are in memory, and ends those that are refused. */
static void tw_move_unmap(struct tw_move *m)
{
	unsigned int i, n;

	for (i = 0; i < m->nr; i++) {
		struct page *page = m->page[i];

		if (m->status[i] != TW_PENDING || !page)
			continue;
		/* Asked first, since the handler of bad memory holds a reference. */
		if (tw_page_bad(page))
			tw_move_end(m, i, -EHWPOISON);
		else if (!tw_move_huge(m, i) && tw_page_pinned(page))
			tw_move_end(m, i, -EBUSY);
	}
	for (i = 0; i < m->nr; i += n) {
		bool mapped = false;

		for (n = 0; i + n < m->nr && m->status[i + n] == TW_PENDING &&
		     m->page[i + n] && !tw_move_huge(m, i + n) &&
		     m->idx[i + n] == m->idx[i] + n; n++)
			mapped |= tw_page_mapcount(m->page[i + n]) > 0;
		if (mapped)
			tw_space_unmap(m->space, m->idx[i], n);
		n = max(n, 1U);
	}
	for (i = 0; i < m->nr; i++)
		if (m->status[i] == TW_PENDING && m->page[i] &&
		    !tw_move_huge(m, i) && !tw_page_freeze(m->page[i]))
			tw_move_end(m, i, -EBUSY);
}

/* The same as the next one, for a part of a folio of 2 MiB. */
static void tw_move_one_out(struct tw_move *m, unsigned int i)
{
	struct tw_chunk *c = tw_chunk_find(m->space, m->idx[i]);
	int err = tw_huge_copy_out(m->space, c, m->idx[i], m->target[i], m->to);

	if (!err)
		m->target[i] = NULL;
	tw_move_end(m, i, err);
}

/* Moves page @i, which is frozen and has a locked record, from memory to memory. */
static void tw_move_one_mem(struct tw_move *m, unsigned int i)
{
	struct page *page = m->page[i], *target = m->target[i];
	struct tw_rec *rec = m->rec[i];
	int from = m->from_tier[i];
	int err;

	if (tw_move_huge(m, i)) {
		tw_move_one_out(m, i);
		return;
	}
	err = tw_page_copy(target, page);
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

/* Ends the pages of a read that has landed. */
static void tw_move_read_done(struct tw_move *m)
{
	unsigned int n = m->nr_io;

	tw_xfer_end(&m->ios->f);
	while (n--) {
		unsigned int i = m->io_at[n];
		int err = m->ios->io[n].error;

		if (!m->out) {
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

/* The same, in a worker, for a batch that was left. */
static void tw_move_read_landed(struct tw_xfer *f)
{
	struct tw_move *m = tw_move_left_begin(f);

	tw_move_read_done(m);
	tw_move_abort(m);
	tw_move_left_end(m);
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
	if (!tw_move_wait(m, tw_move_read_landed))
		tw_move_read_done(m);
}

static void tw_move_read_all(struct tw_move *m)
{
	unsigned int i;
	u32 from = 0;
	int src;

	for (i = 0; i < m->nr; i++)
		if (m->status[i] == TW_PENDING && !m->page[i])
			from |= 1U << m->from_tier[i];
	for (src = 0; src < TW_NR_TIERS && !m->left; src++)
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

static void tw_move_to_store(struct tw_move *m)
{
	tw_move_read_all(m);
	if (!m->left)
		tw_move_write(m);
}

/* Refuses a batch for whose I/O there is no memory, since that of the last was left. */
static void tw_move_refuse(struct tw_move *m)
{
	unsigned int i;

	m->moved = 0;
	m->beside = 0;
	for (i = 0; i < m->nr; i++) {
		m->status[i] = -EBUSY;
		m->from_tier[i] = TW_TIER_NONE;
	}
}

/*
 * Folios of 2 MiB that have at least half of the batch move as wholes, unless a caller
 * has asked for just these pages. Pages that are there already stay as they are.
 */
static void tw_move_whole(struct tw_move *m)
{
	unsigned int i, n;

	m->whole = 0;
	m->beside = 0;
	if (likely(!m->space->huge) || m->out || m->reason & TW_BY_CALLER ||
	    m->nid != NUMA_NO_NODE || m->flags & TW_MOVE_SAME)
		return;
	for (i = 0; i < m->nr; i += n) {
		unsigned long at = m->idx[i] >> TW_CHUNK_SHIFT;
		struct tw_chunk *c = tw_chunk_find(m->space, m->idx[i]);

		for (n = 1; i + n < m->nr && m->idx[i + n] >> TW_CHUNK_SHIFT == at; n++)
			;
		if (!c || n < TW_BATCH / 2 ||
		    tw_huge_move(m->space, c, m->from, m->to, m->reason,
				 !(m->flags & TW_MOVE_NO_LIMIT)))
			continue;
		m->whole |= GENMASK_ULL(i + n - 1, i);
		m->beside += TW_CHUNK_PAGES - n;
	}
}

/* A batch takes its pages in order, so only the last folio can be left by half. */
static void tw_move_tidy(struct tw_move *m)
{
	struct tw_chunk *c;

	if (likely(!m->space->huge) || !m->nr)
		return;
	c = tw_chunk_find(m->space, m->idx[m->nr - 1]);
	if (c)
		tw_huge_tidy(m->space, c, TW_HUGE_FEW);
}

void tw_move_run(struct tw_move *m)
{
	u64 t0 = ktime_get_mono_fast_ns();
	int frames;

	/*
	 * Decided once. Until something is charged to it, the tier may be let go and
	 * become one of another kind. Then charging fails.
	 */
	m->out = tw_tier_is_store(m->to);
	if (!tw_move_ready(m, t0)) {
		tw_move_refuse(m);
		return;
	}
	tw_move_whole(m);
	frames = tw_frames_enter();

	if (m->out)
		tw_move_out_begin();
	tw_move_prepare(m);
	tw_rec_dep_try();
	tw_move_lock(m);
	tw_move_unmap(m);
	if (m->out)
		tw_move_to_store(m);
	else
		tw_move_to_memory(m);
	tw_rec_dep_release();
	tw_frames_leave(frames);
	tw_move_report(m, t0);
	if (m->out)
		tw_move_out_end(m->moved, true);
	tw_move_tidy(m);
}
