// SPDX-License-Identifier: GPL-2.0
/*
 * move_huge.c - a folio of 2 MiB moves to another memory tier as a whole
 *
 * Owns nothing; for the engine (move.c) and for callers that name all of a chunk. It
 * takes no batch: there is one target, one freeze and one charge for the 512 pages.
 *
 * Locks: all records of the chunk; see pages/huge.h.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/timekeeping.h>

#include "base/compat.h"
#include "moving/move_huge.h"
#include "pages/frame.h"
#include "pages/group.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/tier.h"

#define TW_GFP_HUGE_TARGET	(GFP_HIGHUSER | __GFP_COMP | __GFP_NORETRY | __GFP_NOWARN)

/* A folio charged to tier @to; the other one brings its memcg charge along. Or NULL. */
static struct page *tw_huge_target(struct tw_space *sp, int to, bool limited)
{
	struct tw_tier_desc *t = &tw_tiers[to];
	struct page *page;

	if (!tw_space_allows(sp, to) ||
	    (limited && tw_space_room(sp, to) < TW_CHUNK_PAGES) ||
	    !tw_tier_charge(t, TW_CHUNK_PAGES, 0))
		return NULL;
	page = tw_tier_alloc(t, TW_GFP_HUGE_TARGET, TW_CHUNK_SHIFT, NUMA_NO_NODE);
	if (!page)
		tw_tier_uncharge(t, TW_CHUNK_PAGES);
	return page;
}

/* Copies all of a frozen folio. Returns 0, or -EHWPOISON if a part of it is bad memory. */
static int tw_huge_copy(struct page *to, struct page *from)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < TW_CHUNK_PAGES && !err; i++) {
		err = tw_page_copy(to + i, from + i);
		if (i % 64 == 63)
			cond_resched();
	}
	return err;
}

/* Puts folio @to, of tier @tier, in the place of the chunk's. *@was is where that was. */
static int tw_huge_replace(struct tw_space *sp, struct tw_chunk *c, struct page *to,
			   int from, int tier, int *was)
{
	struct page *page = c->huge;
	int err;

	if (!c->whole)
		return -EAGAIN;
	*was = tw_w_tier(tw_rec_w(&c->rec[0]));
	if (*was == tier || (from != TW_TIER_NONE && *was != from))
		return -EAGAIN;
	if (!tw_huge_freeze(sp, c))
		return -EBUSY;
	err = tw_huge_copy(to, page);
	if (err) {
		tw_page_unfreeze(page);
		return err;
	}
	tw_page_move_charge(to, page);
	tw_page_untie(page);
	tw_huge_tie(sp, c, to, tier);
	tw_pages_add(sp, *was, -(long)TW_CHUNK_PAGES);
	tw_pages_add(sp, tier, TW_CHUNK_PAGES);
	tw_page_unfreeze(page);
	tw_huge_free(page, *was);
	return 0;
}

int tw_huge_move(struct tw_space *sp, struct tw_chunk *c, int from, int to,
		 int reason, bool limited)
{
	u64 t0 = ktime_get_mono_fast_ns();
	struct page *page;
	int err = -EBUSY, was, frames;

	if (!tw_chunk_whole(c) || !tw_tier_is_memory(to))
		return -EAGAIN;
	frames = tw_frames_enter();
	page = tw_huge_target(sp, to, limited);
	if (!page) {
		tw_frames_leave(frames);
		return -ENOSPC;
	}
	if (tw_chunk_trylock(c)) {
		err = tw_huge_replace(sp, c, page, from, to, &was);
		tw_chunk_unlock(c);
	}
	if (err) {
		put_page(page);
		tw_tier_uncharge(&tw_tiers[to], TW_CHUNK_PAGES);
	}
	tw_frames_leave(frames);
	if (err)
		return err;
	tw_chunk_changed(c);
	tw_chunk_moved(sp, c, was, to, reason,
		       (ktime_get_mono_fast_ns() - t0) / TW_CHUNK_PAGES);
	return 0;
}
