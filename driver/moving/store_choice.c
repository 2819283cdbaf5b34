// SPDX-License-Identifier: GPL-2.0
/*
 * store_choice.c - which store takes a page that leaves memory
 *
 * The fastest store with room takes it, with one exception: a clean page goes
 * where its copy is, which costs nothing. The exception does not hold for a page
 * that keeps coming back from a slow store (departed.c) while the policy moves pages
 * by itself: when it has come back twice in a row, so soon that it belongs in a
 * faster store, it goes there, as long as the slowest store's pages are wanted more
 * than those of the others. No room is kept free for such pages, since each idle slot
 * of a fast store would mean one more page in a slow one.
 *
 * Owns that choice. Movers and the policy call it.
 *
 * Locks: none of its own. A page's early refaults are counted in its record, under the
 * record's lock, and read here as a hint.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/sched.h>

#include "moving/move.h"
#include "moving/store_choice.h"
#include "pages/frame.h"
#include "pages/group.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/hibernate.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/tier.h"

/* Refaults in a row after which a page is to leave its slow store. */
#define TW_BOUNCES	2

bool tw_sinking_helps;

/* The next store with room behind @tier (-1: the first of all), or TW_TIER_NONE. */
static int tw_store_behind(int tier, bool failing_too)
{
	while ((tier = tw_store_next(tier)) < TW_NR_TIERS)
		if (tw_slots_room(&tw_tiers[tier]) &&
		    (failing_too || !tw_store_failing(&tw_tiers[tier])))
			return tier;
	return TW_TIER_NONE;
}

int tw_store_choose(int behind)
{
	int tier = tw_store_behind(behind, false);

	return tier == TW_TIER_NONE ? tw_store_behind(behind, true) : tier;
}

unsigned long tw_store_fast_room(void)
{
	unsigned long room = 0, above = ULONG_MAX;
	bool first = true;
	int tier;

	tw_for_each_store_tier(tier) {
		if (!tw_tier_bound(tier))
			continue;
		if (!first)
			above = room;
		first = false;
		if (!tw_store_failing(&tw_tiers[tier]))
			room += tw_slots_room(&tw_tiers[tier]);
	}
	return above;
}

unsigned long tw_store_room_all(void)
{
	unsigned long room = tw_slots_room_all();
	int tier;

	tw_for_each_store_tier(tier)
		if (tw_tier_bound(tier))
			room += atomic64_read(tw_tier_kept_ctr(&tw_tiers[tier]));
	return room;
}

int tw_store_wish(const struct tw_rec *rec, unsigned long w, bool dirty)
{
	int tier = tw_w_slot_tier(w);

	/* Only a hint, since the page can be written to until it is unmapped. */
	if (!(w & TW_W_SLOT) || dirty || tw_page_dirty(tw_w_page(w)) ||
	    tw_store_failing(&tw_tiers[tier]))
		return TW_WISH_PLAIN;
	if (READ_ONCE(tw_sinking_helps) &&
	    tw_aux_bounces(rec) >= TW_BOUNCES &&
	    tw_store_behind(-1, false) < tier)	/* there is a faster one */
		return TW_WISH_PLAIN;
	return tier;
}

int tw_store_below(struct tw_space *sp, int tier)
{
	if (!tw_tier_is_store(tier))
		tier = -1;	/* all stores are below memory */
	while ((tier = tw_store_next(tier)) < TW_NR_TIERS)
		if (tw_space_allows(sp, tier) && tw_slots_room(&tw_tiers[tier]) &&
		    tw_space_room(sp, tier) &&
		    !tw_store_failing(&tw_tiers[tier]))
			return tier;
	return TW_TIER_NONE;
}

bool tw_store_possible(void)
{
	int tier;

	if (tw_store_behind(-1, true) != TW_TIER_NONE)
		return true;
	if (tw_stores_still())
		return false;
	tw_for_each_store_tier(tier)
		if (tw_tier_bound(tier) &&
		    atomic64_read(tw_tier_kept_ctr(&tw_tiers[tier])))
			return true;
	return false;
}

/* -- room that kept copies take ----------------------------------------------- */

/* Frees kept copies of a chunk's pages in store @tier. */
static unsigned long tw_reap_chunk(struct tw_chunk *c, int tier)
{
	unsigned long n = 0;
	unsigned int i;

	for (i = 0; i < TW_CHUNK_PAGES; i++) {
		struct tw_rec *rec = &c->rec[i];
		unsigned long w = tw_rec_w(rec);

		if (tw_w_state(w) != TW_MEM || !(w & TW_W_SLOT) ||
		    tw_w_slot_tier(w) != tier || !tw_rec_trylock(rec))
			continue;
		w = tw_rec_w(rec);
		if (tw_w_state(w) == TW_MEM && (w & TW_W_SLOT) &&
		    tw_w_slot_tier(w) == tier) {
			tw_slot_drop(rec);
			n++;
		}
		tw_rec_unlock(rec);
	}
	return n;
}

unsigned long tw_reap_kept(int tier, unsigned long want)
{
	struct tw_space *sp;
	struct tw_chunk *c;
	unsigned long n = 0, i;
	u64 id = 0;

	if (!atomic64_read(tw_tier_kept_ctr(&tw_tiers[tier])))
		return 0;
	while (n < want && (sp = tw_managed_after(id))) {
		id = tw_space_number(sp);
		tw_for_each_chunk(sp, i, c) {
			n += tw_reap_chunk(c, tier);
			cond_resched();
			if (n >= want)
				break;
		}
		tw_space_put(sp);
	}
	return n;
}

int tw_store_choose_reap(void)
{
	int tier;

	tw_for_each_store_tier(tier)
		if (tw_tier_bound(tier) && tw_reap_kept(tier, TW_BATCH))
			return tier;
	return TW_TIER_NONE;
}
