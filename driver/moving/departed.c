// SPDX-License-Identifier: GPL-2.0
/*
 * departed.c - pages that have left memory for a store, and when
 *
 * Owns the clock of pages that leave: how many have left since load. A page's record
 * notes the time when it left memory, so that its next fault tells how many others
 * have left meanwhile, and with that whether it has come back early. A caller that
 * looks for pages to demote and finds all of them on their way waits here.
 *
 * Locks: none of its own; a record's note is in its word, under its lock. Movers, and
 * the rooms of policy and doors call it.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "base/stats.h"
#include "moving/departed.h"
#include "pages/frame.h"
#include "pages/record.h"
#include "tiers/pressure.h"
#include "tiers/tier.h"

/* Batches on their way to stores, and pages that have left memory with one. */
static atomic_t tw_out_batches;
static atomic_long_t tw_out_pages;
static DECLARE_WAIT_QUEUE_HEAD(tw_out_wq);
/* How long faults have waited for stores, all together. */
static atomic64_t tw_refault_ns;

unsigned long tw_moves_out_seen(void)
{
	return atomic_long_read(&tw_out_pages);
}

bool tw_moves_out_wait(unsigned long seen)
{
	/* Batches end by themselves; the block layer has to end I/O that hangs. */
	return !wait_event_killable(tw_out_wq,
				    tw_moves_out_seen() != seen ||
				    !atomic_read(&tw_out_batches)) &&
	       tw_moves_out_seen() != seen;
}

void tw_move_out_begin(void)
{
	atomic_inc(&tw_out_batches);
}

void tw_move_out_end(unsigned int n, bool over)
{
	atomic_long_add(n, &tw_out_pages);
	/* Pairs with tw_moves_out_wait(), which counts pages again after the end. */
	smp_mb__before_atomic();
	atomic_sub(over, &tw_out_batches);
	smp_mb__after_atomic();	/* pairs with prepare_to_wait_event() */
	if (wq_has_sleeper(&tw_out_wq))
		wake_up_all(&tw_out_wq);
}

/* -- refaults ---------------------------------------------------------------- */

/* The word of a page that leaves memory now for store @tier, with the slot of @w. */
static unsigned long tw_w_left(unsigned long w, int tier)
{
	return tw_w_make(TW_STORE, tier) | tw_w_slot_bits(w) |
	       tw_moves_out_seen() << TW_W_PFN_SHIFT;
}

void tw_page_leave(struct tw_space *sp, struct tw_chunk *c, struct tw_rec *rec,
		   int to)
{
	unsigned long w = tw_rec_w(rec);

	tw_tier_used_add(&tw_tiers[to], 1);
	tw_rec_set(rec, tw_w_left(w, to));
	tw_chunk_mem_add(c, -1);
	tw_pages_add(sp, tw_w_tier(w), -1);
	tw_pages_add(sp, to, 1);
}

void tw_page_leave_clean(struct tw_space *sp, struct tw_chunk *c,
			 struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);
	int to = tw_w_slot_tier(w);

	atomic64_dec(tw_tier_kept_ctr(&tw_tiers[to]));
	tw_page_leave(sp, c, rec, to);
	tw_page_free_frozen(tw_w_page(w), tw_w_tier(w));
}

/* How many pages the tier can hold: none if it is leaving or not bound. */
static unsigned long tw_capacity(int tier)
{
	return tw_tier_bound(tier) ? READ_ONCE(tw_tiers[tier].capacity) : 0;
}

static unsigned long tw_memory_capacity(void)
{
	unsigned long pages = 0;
	int tier;

	tw_for_each_memory_tier(tier)
		pages += tw_capacity(tier);
	return pages;
}

/* The capacity of the stores that are faster than store @than. */
static unsigned long tw_faster_capacity(int than)
{
	unsigned long pages = 0;
	int tier;

	for (tier = tw_store_next(-1); tier < than; tier = tw_store_next(tier))
		pages += tw_capacity(tier);
	return pages;
}

/* How many others have left since the page did whose word is @w. */
static unsigned long tw_left_since(unsigned long w)
{
	/* The note has only the lower bits of the count. */
	return (tw_moves_out_seen() - (w >> TW_W_PFN_SHIFT)) &
	       (~0UL >> TW_W_PFN_SHIFT);
}

void tw_refault_late(unsigned long was, int to, u64 ns)
{
	if (tw_left_since(was) < tw_memory_capacity())
		tw_tier_waited(&tw_tiers[to], ns);
	atomic64_add(ns, &tw_refault_ns);
}

void tw_refaulted(struct tw_rec *rec, unsigned long was, int to, u64 ns)
{
	unsigned long memory = tw_memory_capacity(), others = tw_left_since(was);
	unsigned int bounces = tw_aux_bounces(rec);
	int tier = tw_w_tier(was);

	tw_rec_assert_locked(rec);
	tw_count(tier, refaults, 1);
	if (others < memory) {
		tw_count(tier, refaults_early, 1);
		if (ns)
			tw_tier_waited(&tw_tiers[to], ns);
	}
	/*
	 * Where all pages are touched alike, most of them come back before twice as many
	 * others have left.
	 */
	if (others < memory + tw_faster_capacity(tier) / 2)
		bounces += bounces < TW_AUX_BOUNCES_MAX;
	else
		bounces -= bounces > 0;
	tw_aux_set_bounces(rec, bounces);
	atomic64_add(ns, &tw_refault_ns);
}

u64 tw_refault_waited(void)
{
	return atomic64_read(&tw_refault_ns);
}
