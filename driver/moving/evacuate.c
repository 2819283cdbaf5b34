// SPDX-License-Identifier: GPL-2.0
/*
 * evacuate.c - everything off a tier, off the end of a store, or off a range of frames
 *
 * Owns nothing. unbind.c calls it for a tier that is to be unbound (it is LEAVING, so
 * nothing new comes in), resize.c for slots that are given out no more, and offline.c
 * for memory that goes offline. It walks all spaces until nothing is left, and tries
 * busy pages again for a while.
 *
 * Locks: none of its own; it takes those of movers.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "moving/evacuate.h"
#include "moving/move.h"
#include "pages/frame.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/slots.h"
#include "tiers/tier.h"

/* How often busy pages are tried again, and how long it waits in between. */
#define TW_EVAC_ROUNDS	100
#define TW_EVAC_WAIT_MS	20

/**
 * struct tw_evac - one evacuation
 * @t: tier to empty, or NULL
 * @part: only slots of @t from @first on; then pages may stay in the tier
 * @first: the first of these
 * @pfn: first frame of the range, when @t is NULL
 * @nr_pfns: how many frames there are in it
 * @force: give unreadable pages up
 * @m: the batch
 * @moved: pages moved
 * @busy: pages refused as busy in this round
 * @err: first hard failure of this round
 */
struct tw_evac {
	struct tw_tier_desc *t;
	bool part;
	u32 first;
	unsigned long pfn;
	unsigned long nr_pfns;
	bool force;
	struct tw_move *m;
	u64 moved;
	unsigned long busy;
	int err;
};

/* Is its slot, if it has one, to be left? To be asked again with the record locked. */
static bool tw_evac_wants_slot(struct tw_evac *e, struct tw_rec *rec, unsigned long w)
{
	return e->t && (w & TW_W_SLOT) && tw_w_slot_tier(w) == e->t->id &&
	       (!e->part || READ_ONCE(rec->slot) >= e->first);
}

static bool tw_evac_wants(struct tw_evac *e, struct tw_rec *rec, unsigned long w)
{
	enum tw_state s = tw_w_state(w);

	if (s == TW_NONE || s == TW_POISON)
		return false;
	if (e->part)	/* copies that are kept of pages in memory are dropped */
		return s != TW_MEM && tw_evac_wants_slot(e, rec, w);
	if (e->t) {
		/* A write that is in flight to the tier would end there. */
		return tw_w_tier(w) == e->t->id ||
		       ((s == TW_WRITING || s == TW_CANCELLED) &&
			tw_w_slot_tier(w) == e->t->id);
	}
	return tw_w_resident(w) &&
	       (w >> TW_W_PFN_SHIFT) - e->pfn < e->nr_pfns;
}

/*
 * Gives up a page that its device cannot give back. False if it is busy. The record is
 * only trylocked, as everywhere here, since a device that hangs keeps records locked.
 */
static bool tw_evac_give_up(struct tw_evac *e, unsigned long idx)
{
	struct tw_rec *rec = tw_rec_find(e->m->space, idx);
	unsigned long w;

	if (!tw_rec_trylock(rec))
		return false;
	w = tw_rec_w(rec);
	if (tw_w_state(w) == TW_STORE && e->t && tw_w_tier(w) == e->t->id) {
		pr_err("page %lu of region %llu is lost with its tier\n", idx,
		       e->m->space->id);
		tw_rec_poison(e->m->space, rec);
	}
	tw_rec_unlock(rec);
	return true;
}

/* Gives up a page in bad memory, whose bytes are lost, and frees the frame. */
static bool tw_evac_bad_memory(struct tw_evac *e, unsigned long idx)
{
	struct tw_space *sp = e->m->space;
	struct tw_chunk *c = tw_chunk_find(sp, idx);
	struct tw_rec *rec = tw_chunk_rec(c, idx);
	struct page *page = NULL;
	unsigned long w;

	if (tw_huge_dissolve(sp, c) || !tw_rec_trylock(rec))
		return false;
	w = tw_rec_w(rec);
	if (tw_w_state(w) == TW_MEM && tw_page_bad(tw_w_page(w)) &&
	    !(tw_w_huge(w) && tw_chunk_whole(c))) {
		page = tw_w_page(w);
		pr_err("page %lu of region %llu is lost in bad memory\n", idx,
		       sp->id);
		if (!tw_w_huge(w))
			tw_page_unmap(sp, idx, page);
		tw_rec_poison(sp, rec);
		tw_chunk_mem_add(c, -1);
		if (tw_w_huge(w))
			tw_huge_leave(c, tw_w_tier(w));
	}
	tw_rec_unlock(rec);
	if (page && !tw_w_huge(w))
		tw_page_drop(page);
	return page;
}

static void tw_evac_outcome(struct tw_evac *e, unsigned int i)
{
	int status = e->m->status[i];

	switch (status) {
	case 0:
		e->moved++;
		break;
	case TW_MOVE_ALREADY:
	case -ENOENT:
		break;
	case -EINVAL:	/* it has left the tier in the meantime */
		if (e->part)
			break;
		goto failed;
	case -EBUSY:
		e->busy++;
		break;
	case -EHWPOISON:
		if (!tw_evac_bad_memory(e, e->m->idx[i]))
			e->busy++;
		break;
	case -EIO:
		if (e->force) {
			if (!tw_evac_give_up(e, e->m->idx[i]))
				e->busy++;
			break;
		}
		fallthrough;
	default:
failed:
		if (!e->err)
			e->err = status;
	}
}

/* Moves the batch to @to. What does not fit there is the batch then. */
static void tw_evac_try(struct tw_evac *e, int to)
{
	struct tw_move *m = e->m;
	unsigned int i, n = 0;

	if (!tw_tier_bound(to) || !tw_space_allows(m->space, to))
		return;
	m->to = to;
	m->from = e->part ? e->t->id : TW_TIER_NONE;
	m->reason = TW_REASON_EVACUATE;
	m->flags = TW_MOVE_CHOICE | TW_MOVE_NO_LIMIT | TW_MOVE_INTR |
		   (!e->t || to == e->t->id ? TW_MOVE_SAME : 0);
	tw_move_run(m);
	for (i = 0; i < m->nr; i++) {
		/* When a store cannot be written, the next one is tried. */
		if (m->status[i] == -ENOSPC ||
		    (m->status[i] == -EIO && tw_tier_is_memory(m->from_tier[i])))
			m->idx[n++] = m->idx[i];
		else
			tw_evac_outcome(e, i);
	}
	m->nr = n;
}

/* Moves the batch to the best tier with room, and what does not fit there to the next. */
static void tw_evac_flush(struct tw_evac *e, int tier)
{
	struct tw_move *m = e->m;
	unsigned int choice, choices;
	u8 away[TW_NR_TIERS];

	choices = tw_order_away(READ_ONCE(tw_memory_tiers),
				READ_ONCE(tw_store_tiers),
				tw_tier_is_store(tier), away);
	if (e->part)
		tw_evac_try(e, e->t->id);
	for (choice = 0; m->nr && choice < choices; choice++)
		if (!e->t || away[choice] != e->t->id)
			tw_evac_try(e, away[choice]);
	if (m->nr && !e->err)
		e->err = -ENOSPC;
	m->nr = 0;
}

static void tw_evac_drop_kept(struct tw_evac *e, struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);

	if (tw_w_state(w) != TW_MEM || !tw_evac_wants_slot(e, rec, w))
		return;
	if (!tw_rec_trylock(rec)) {
		e->busy++;
		return;
	}
	w = tw_rec_w(rec);
	if (tw_w_state(w) == TW_MEM && tw_evac_wants_slot(e, rec, w))
		tw_slot_drop(rec);
	tw_rec_unlock(rec);
}

static void tw_evac_chunk(struct tw_evac *e, struct tw_chunk *c)
{
	struct tw_move *m = e->m;
	unsigned int i;
	int tier = TW_TIER_NONE;

	for (i = 0; i < TW_CHUNK_PAGES; i++) {
		struct tw_rec *rec = &c->rec[i];
		unsigned long w = tw_rec_w(rec);

		tw_evac_drop_kept(e, rec);
		if (!tw_evac_wants(e, rec, w))
			continue;
		if (m->nr == TW_BATCH || (m->nr && tw_w_tier(w) != tier))
			tw_evac_flush(e, tier);
		tier = tw_w_tier(w);
		m->idx[m->nr++] = c->base + i;
	}
	if (m->nr)
		tw_evac_flush(e, tier);
}

/* Walks all spaces once. Returns 0, or the error that ends the evacuation. */
static int tw_evac_round(struct tw_evac *e)
{
	struct tw_space *sp;
	struct tw_chunk *c;
	unsigned long i;
	u64 id = 0;

	e->busy = 0;
	e->err = 0;
	while ((sp = tw_managed_after(id))) {
		id = tw_space_number(sp);
		e->m->space = sp;
		tw_for_each_chunk(sp, i, c) {
			tw_evac_chunk(e, c);
			if (e->err || signal_pending(current))
				break;
			cond_resched();
		}
		tw_space_put(sp);
		if (e->err)
			return e->err;
		if (signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static bool tw_evac_empty(const struct tw_evac *e)
{
	struct tw_tier_desc *t = e->t;

	return !tw_tier_used(t) && !atomic64_read(tw_tier_kept_ctr(t)) &&
	       !tw_slots_used(t);
}

static int tw_evacuate(struct tw_evac *e, u64 *moved)
{
	int err = -EBUSY, round;

	e->m = tw_move_alloc(GFP_KERNEL);
	if (!e->m)
		return -ENOMEM;
	for (round = 0; round < TW_EVAC_ROUNDS; round++) {
		if (round)
			msleep_interruptible(TW_EVAC_WAIT_MS);
		err = tw_evac_round(e);
		/* Of a part the caller sees what is left, and how long to wait for it. */
		if (err || e->part || tw_evac_empty(e))
			break;
		err = -EBUSY;
	}
	*moved = e->moved;
	tw_move_free(e->m);
	return err;
}

int tw_evacuate_tier(struct tw_tier_desc *t, bool force, u64 *moved)
{
	struct tw_evac e = { .t = t, .force = force };

	return tw_evacuate(&e, moved);
}

int tw_evacuate_slots(struct tw_tier_desc *t, u32 first, u64 *moved)
{
	struct tw_evac e = { .t = t, .part = true, .first = first };

	return tw_evacuate(&e, moved);
}

int tw_evacuate_pfns(unsigned long pfn, unsigned long nr)
{
	struct tw_evac e = { .pfn = pfn, .nr_pfns = nr };
	int err = -EBUSY, round;

	e.m = tw_move_alloc(GFP_KERNEL);
	if (!e.m)
		return -ENOMEM;
	/*
	 * The range is isolated, so no task gets a frame of it any more. After this
	 * call, all tasks that have got one before have tied it to a record. If one
	 * frame were missed, the offlining would try to move it for ever.
	 */
	tw_frames_wait();
	for (round = 0; round < TW_EVAC_ROUNDS; round++) {
		if (round)
			msleep_interruptible(TW_EVAC_WAIT_MS);
		err = tw_evac_round(&e);
		if (err || !e.busy)
			break;
		err = -EBUSY;
	}
	tw_move_free(e.m);
	return err;
}
