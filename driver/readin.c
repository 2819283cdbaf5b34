// SPDX-License-Identifier: GPL-2.0
/*
 * readin.c - bringing pages back from a store for a fault
 *
 * The record that faulted is locked by the caller; its neighbours are only
 * tried, and all stay locked (READING) until their I/O is done. What follows a
 * page in the store was demoted with it and is likely wanted next, so it comes
 * along while there is room within capacity.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/timekeeping.h>

#include "region.h"
#include "stats.h"
#include "tier.h"
#include "tw.h"

#define TW_READAHEAD		16U
#define TW_READAHEAD_FIRST	4U

struct tw_readin {
	struct tw_io io[TW_READAHEAD];
	struct tw_rec *rec[TW_READAHEAD];
	int tier[TW_READAHEAD];
	unsigned int nr;
};

/* A copy that stays lets the next demotion write nothing; like swap, not
 * when the store is more than half full.
 */
static bool tw_slot_keep(int tier)
{
	struct tw_tier_s *t = &tw_tiers[tier];

	return tw_tier_bound(tier) && tw_slots_used(t) < t->capacity / 2;
}

int tw_read_done(struct tw_region *r, unsigned long idx, struct tw_rec *rec,
		 struct page *page, int tier, int err)
{
	int src = tw_w_tier(rec->w);

	if (err) {
		tw_rec_set_state(rec, TW_STORE);
		if (err == -EILSEQ)
			tw_rec_poison(r, rec);
		tw_page_unget(page, tier);
		return err;
	}
	tw_page_attach(r, idx, page);
	if (tw_slot_keep(src)) {
		atomic64_inc(tw_tier_kept_ctr(&tw_tiers[src]));
		tw_rec_set(rec, tw_w_mem(tier, page) | tw_w_slot_bits(rec->w));
	} else {
		tw_slot_drop(rec);
		tw_rec_set(rec, tw_w_mem(tier, page));
	}
	tw_tier_used_add(&tw_tiers[src], -1);
	tw_chunk_mem_add(tw_chunk_find(r, idx), 1);
	tw_pages_add(r, src, -1);
	tw_pages_add(r, tier, 1);
	return 0;
}

/* Locks the record behind the run when it continues it. */
static bool tw_readin_continues(struct tw_rec *rec, int src, u32 slot)
{
	unsigned long w = tw_rec_w(rec);

	if (tw_w_state(w) != TW_STORE || tw_w_tier(w) != src ||
	    READ_ONCE(rec->slot) != slot || !tw_rec_trylock_nested(rec))
		return false;
	w = rec->w;
	if (tw_w_state(w) == TW_STORE && tw_w_tier(w) == src &&
	    rec->slot == slot)
		return true;
	tw_rec_unlock_nested(rec);
	return false;
}

/*
 * A fault where the last read ended is sequential access, for which what is read
 * doubles; any other gets its page. Hints: a race costs a little read-ahead.
 */
static unsigned long tw_readin_window(struct tw_region *r, unsigned long idx)
{
	if (idx != READ_ONCE(r->ahead_at))
		return 1;
	return clamp(2 * READ_ONCE(r->ahead), TW_READAHEAD_FIRST, TW_READAHEAD);
}

static void tw_readin_ahead(struct tw_region *r, unsigned long idx,
			    struct tw_readin *ri, int src)
{
	unsigned long room = TW_CHUNK_PAGES - (idx & (TW_CHUNK_PAGES - 1));
	unsigned int max = min3(room, r->nr_pages - idx,
				tw_readin_window(r, idx));

	while (ri->nr < max) {
		unsigned int k = ri->nr;
		struct tw_rec *rec = ri->rec[0] + k;
		struct page *page;

		if (!tw_readin_continues(rec, src, ri->io[0].slot + k))
			return;
		page = tw_page_get(r, r->memcg, GFP_HIGHUSER | __GFP_ACCOUNT |
				   __GFP_NORETRY | __GFP_NOWARN, TW_OVER_NONE,
				   &ri->tier[k]);
		if (!page) {
			tw_rec_unlock_nested(rec);
			return;
		}
		ri->rec[k] = rec;
		ri->io[k].slot = rec->slot;
		ri->io[k].page = page;
		ri->nr++;
	}
}

int tw_read_in(struct tw_region *r, unsigned long idx, struct tw_rec *rec,
	       struct page *page, int tier)
{
	u64 t0 = ktime_get_mono_fast_ns(), ns;
	unsigned long was = rec->w;
	int src = tw_w_tier(was);
	struct tw_readin ri = {
		.io[0] = { .slot = rec->slot, .page = page },
		.rec[0] = rec,
		.tier[0] = tier,
		.nr = 1,
	};
	unsigned int i;

	tw_readin_ahead(r, idx, &ri, src);
	WRITE_ONCE(r->ahead_at, idx + ri.nr);
	WRITE_ONCE(r->ahead, ri.nr);
	for (i = 0; i < ri.nr; i++)
		tw_rec_set_state(ri.rec[i], TW_READING);
	tw_store_read(&tw_tiers[src], ri.io, ri.nr);
	ns = (ktime_get_mono_fast_ns() - t0) / ri.nr;
	for (i = 0; i < ri.nr; i++) {
		int err = tw_read_done(r, idx + i, ri.rec[i], ri.io[i].page,
				       ri.tier[i], ri.io[i].error);

		tw_page_moved(r, idx + i, src, ri.tier[i], TW_REASON_FAULT,
			      err, ns);
		if (!i)
			continue;
		/* Not asked for: the first to go if nobody touches it. */
		WRITE_ONCE(ri.rec[i]->age, 1);
		tw_rec_unlock_nested(ri.rec[i]);
	}
	if (!ri.io[0].error)
		tw_refaulted(rec, was, ns * ri.nr);
	return ri.io[0].error;
}
