// SPDX-License-Identifier: GPL-2.0
/*
 * bring_in.c - a touched page is brought to memory, whatever that takes
 *
 * Owns nothing; called by the handler of faults (fault.c). A page that was never
 * touched gets a frame, one in a store is read (readin.c). Where there is no room,
 * room is made with nothing locked but perhaps mmap_lock, and it is tried again.
 *
 * Memory is short, in this order: within capacity and the space's memcg
 * without reclaim's hard end; cold pages demoted and again; a little beyond
 * capacity; with reclaim's full effort; charged to the toucher's memcg; -ENOMEM.
 *
 * Locks: the record's bit, within mmap_lock; see record.h.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "base/clock.h"
#include "base/stats.h"
#include "doors/bring_in.h"
#include "moving/departed.h"
#include "moving/readin.h"
#include "pages/frame.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/background.h"
#include "policy/limits.h"
#include "policy/sweep.h"
#include "tiers/pressure.h"
#include "tiers/tier.h"

/* Pages demoted at a time by a fault that finds no room, and how often. */
#define TW_ROOM_PAGES	32
#define TW_ROOM_TRIES	32

/* Tries of 20 ms in which no page leaves memory before a reserved one gives up. */
#define TW_PROMISE_WAITS	250

#define TW_GFP_TRY	(GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_NORETRY | \
			 __GFP_NOWARN)
#define TW_GFP_HARD	(GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_RETRY_MAYFAIL | \
			 __GFP_NOWARN)

/**
 * struct tw_trying - how far a fault has come that finds no room
 * @try: number of the try
 * @tier: memory tier that it waits for, or TW_TIER_NONE
 * @since: since when
 * @told: until when it has told of that
 * @until: when it had room; 0: not yet
 */
struct tw_trying {
	unsigned int try;
	int tier;
	u64 since;
	u64 told;
	u64 until;
};

/* Tells how long it has waited since it last did so. */
static void tw_trying_tell(struct tw_trying *t, u64 now)
{
	tw_tier_waited(&tw_tiers[t->tier], tw_clock_between(t->told, now));
	t->told = now;
}

/* A locked NONE record gets its first page. */
static void tw_fault_install(struct tw_fault *f, struct tw_rec *rec,
			     struct page *page, int tier)
{
	VM_WARN_ON_ONCE(READ_ONCE(f->sp->dead));
	tw_page_attach(f->sp, f->idx, page);
	tw_rec_set(rec, tw_w_mem(tier, page));
	tw_chunk_mem_add(f->c, 1);
	tw_pages_add(f->sp, tier, 1);
	f->first = true;
	f->tier = tier;
}

bool tw_fault_first(struct tw_fault *f, struct tw_rec *rec)
{
	int frames = tw_frames_enter();
	struct page *page = NULL;
	int tier;

	if (tw_space_take(f->sp, 1))
		goto out;
	page = tw_page_get(f->sp, f->sp->memcg, TW_GFP_TRY | __GFP_ZERO,
			   TW_OVER_LIMIT, &tier);
	if (page)
		tw_fault_install(f, rec, page, tier);
	else
		tw_space_give(f->sp, 1);
out:
	tw_frames_leave(frames);
	return page;
}

/*
 * A page by the means of try number @try, the last of which may go beyond capacities by
 * @over. NULL when that was not enough.
 */
static struct page *tw_fault_page(struct tw_fault *f, unsigned int try,
				  unsigned int over, gfp_t zero, int *tier)
{
	struct mem_cgroup *own;
	struct page *page;

	over |= TW_OVER_LIMIT;
	if (try < TW_ROOM_TRIES)
		return tw_page_get(f->sp, f->sp->memcg, TW_GFP_TRY | zero,
				   TW_OVER_LIMIT, tier);
	page = tw_page_get(f->sp, f->sp->memcg, TW_GFP_HARD | zero, over, tier);
	if (page)
		return page;
	own = get_mem_cgroup_from_mm(current->mm);
	page = tw_page_get(f->sp, own, TW_GFP_HARD | zero, over, tier);
	mem_cgroup_put(own);
	return page;
}

/* Can the page be had, but for the charge to the space's memcg? */
static bool tw_only_memcg_full(struct tw_fault *f)
{
	int tier;
	struct page *page = tw_page_get(f->sp, NULL,
					TW_GFP_TRY & ~__GFP_ACCOUNT,
					TW_OVER_LIMIT, &tier);

	if (page)
		tw_page_unget(page, tier);
	return page;
}

/* A memory tier that is being unbound takes nothing, and may stay for all that. */
static bool tw_memory_leaving(void)
{
	int tier;

	tw_for_each_memory_tier(tier)
		if (READ_ONCE(tw_tiers[tier].state) == TW_TIER_LEAVING)
			return true;
	return false;
}

/*
 * Is it worth while to try again, since the page's room is reserved? What takes
 * it now are copies and moves under way, which end, or faults of others that were
 * quicker. So as long as pages leave memory, and for a while when none do.
 */
static bool tw_wait_promised(struct tw_fault *f)
{
	unsigned long seen = f->seen;

	if (!f->sp->reserves)
		return false;
	tw_demote(NULL, TW_TIER_NONE, TW_ROOM_PAGES);
	f->seen = tw_moves_out_seen();
	f->waits = f->seen == seen ? f->waits + 1 : 0;
	return f->waits < TW_PROMISE_WAITS;
}

/* With nothing locked: demote, so that the next try finds room. */
static int tw_make_room(struct tw_fault *f, struct tw_trying *t)
{
	unsigned long seen = tw_moves_out_seen();
	bool full;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (t->try >= TW_ROOM_TRIES) {
		if (!tw_memory_leaving() && !tw_wait_promised(f))
			return -ENOMEM;
		/* It may stay after all. */
		schedule_timeout_killable(HZ / 50 + 1);
		return 0;
	}
	full = !tw_only_memcg_full(f);
	if (full && t->tier == TW_TIER_NONE) {
		tw_demote_stalled();
		t->tier = tw_memory_short(f->sp->home);
		t->since = ktime_get_mono_fast_ns();
		t->told = t->since;
		tw_count(t->tier, stalls, 1);
	} else if (t->tier != TW_TIER_NONE) {
		tw_trying_tell(t, ktime_get_mono_fast_ns());
	}
	/*
	 * When memory is short: first pages of agents and groups that are
	 * beyond their limits, then the coldest of all. When only the space's
	 * memcg is short: its own pages.
	 */
	if ((full && tw_demote_limits(TW_ROOM_PAGES)) ||
	    (full && tw_demote(NULL, TW_TIER_NONE, TW_ROOM_PAGES)) ||
	    tw_demote(f->sp, TW_TIER_NONE, TW_ROOM_PAGES) ||
	    tw_moves_out_wait(seen))	/* the demotion of another task */
		t->try += 1;
	else
		t->try = TW_ROOM_TRIES;
	return 0;
}

/*
 * The same as the next one, for a page that is left in a folio of 2 MiB. What is touched
 * gets a frame of its own, so that the folio can go.
 */
static int tw_bring_out_locked(struct tw_fault *f, struct tw_trying *t)
{
	struct page *page;
	int tier;

	f->tier = tw_w_tier(tw_rec_w(tw_chunk_rec(f->c, f->idx)));
	page = tw_fault_page(f, t->try, TW_OVER_LEAVES, 0, &tier);
	if (!page)
		return -EAGAIN;
	f->now = tier;
	if (tw_huge_copy_out(f->sp, f->c, f->idx, page, tier)) {
		tw_page_unget(page, tier);
		return -EIO;
	}
	if (tier != f->tier)
		tw_page_moved(f->sp, f->idx, f->tier, tier, TW_REASON_PRESSURE, 0, 0);
	return 0;
}

/*
 * Takes one step with a locked record. Returns 0 if the page is in memory now, -EAGAIN
 * if it needs room, -ENOSPC if all that is left is reserved for others, -EDQUOT if there
 * is none for this user, or -EINTR if the task is being killed: then the caller does not
 * hold the record any more.
 */
static int __tw_bring_in_locked(struct tw_fault *f, struct tw_rec *rec,
				struct tw_trying *t)
{
	unsigned long w = tw_rec_w(rec);
	enum tw_state s = tw_w_state(w);
	struct page *page;
	int tier, err;

	if (tw_w_resident(w) && tw_huge_left_behind(f->c, w))
		return tw_bring_out_locked(f, t);
	if (tw_w_resident(w)) {
		f->now = tw_w_tier(w);
		if (!f->major)
			f->tier = f->now;
		return 0;
	}
	if (s == TW_POISON)
		return -EIO;
	if (s == TW_NONE) {
		err = tw_space_take(f->sp, 1);
		if (err)
			return err;
	}
	page = tw_fault_page(f, t->try, f->sp->reserves ? TW_OVER_RESERVED :
			     s == TW_NONE ? TW_OVER_FIRST : TW_OVER_BACK,
			     s == TW_NONE ? __GFP_ZERO : 0, &tier);
	if (!page) {
		if (s == TW_NONE)
			tw_space_give(f->sp, 1);
		return -EAGAIN;
	}
	/* What a store takes to read it is no waiting for room. */
	if (t->tier != TW_TIER_NONE)
		t->until = ktime_get_mono_fast_ns();
	f->now = tier;
	if (s == TW_NONE) {
		tw_fault_install(f, rec, page, tier);
		return 0;
	}
	f->major = true;
	f->tier = tw_w_tier(w);
	err = tw_read_in(f->sp, f->idx, rec, page, tier);
	return err && err != -EINTR ? -EIO : err;
}

/*
 * Locks the record. A page that another read brings meanwhile was waited for like one
 * that is read here: that of a read ahead is late. Returns 0 or -EINTR.
 */
static int tw_bring_in_lock(struct tw_fault *f, struct tw_rec *rec)
{
	unsigned long was = tw_rec_w(rec), w;
	bool reading = tw_w_state(was) == TW_READING;
	u64 t0 = reading ? ktime_get_mono_fast_ns() : 0;
	int err = tw_rec_lock_killable(rec);

	if (err || !reading)
		return err;
	w = tw_rec_w(rec);
	if (!tw_w_resident(w))
		return 0;
	f->major = true;
	f->tier = tw_w_tier(was);
	tw_refault_late(was, tw_w_tier(w),
			tw_clock_between(t0, ktime_get_mono_fast_ns()));
	return 0;
}

static int tw_bring_in_locked(struct tw_fault *f, struct tw_rec *rec,
			      struct tw_trying *t)
{
	int frames = tw_frames_enter();
	int err = __tw_bring_in_locked(f, rec, t);

	tw_frames_leave(frames);
	return err;
}

static int tw_bring_in_trying(struct tw_fault *f, bool keep_locked,
			      struct tw_trying *t)
{
	struct tw_rec *rec;
	int err;

	for (;;) {
		f->c = tw_chunk_make(f->sp, f->idx, t->try >= TW_ROOM_TRIES ?
				     TW_GFP_CHUNK_HARD : TW_GFP_CHUNK);
		err = PTR_ERR_OR_ZERO(f->c);
		if (err == -ENOMEM)
			goto room;
		if (err)
			return err;
		rec = tw_chunk_rec(f->c, f->idx);
		err = tw_bring_in_lock(f, rec);
		if (err)
			return err;
		err = tw_bring_in_locked(f, rec, t);
		if (err == -EINTR || (!err && keep_locked))
			return err;
		tw_rec_unlock(rec);
		if (unlikely(READ_ONCE(f->c->huge)))
			tw_huge_tidy(f->sp, f->c, TW_HUGE_FEW);
		if (err == -ENOSPC)
			t->try = TW_ROOM_TRIES;	/* demoting makes none */
		else if (err != -EAGAIN)
			return err;
room:
		err = tw_make_room(f, t);
		if (err)
			return err;
	}
}

int tw_bring_in(struct tw_fault *f, bool keep_locked)
{
	struct tw_trying t = { .tier = TW_TIER_NONE };
	int err = tw_bring_in_trying(f, keep_locked, &t);

	if (t.tier != TW_TIER_NONE) {
		if (!t.until)
			t.until = ktime_get_mono_fast_ns();
		tw_latency_count(TW_LATENCY_WAIT(t.tier),
				 tw_clock_between(t.since, t.until));
		tw_trying_tell(&t, t.until);
	}
	return err;
}
