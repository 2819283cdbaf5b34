// SPDX-License-Identifier: GPL-2.0
/*
 * limits.c - moving away what agents, cgroups and users have beyond their limits
 *
 * From memory a sweep (sweep.c) takes the coldest pages; from a store pages go to the
 * next slower one with room. The work of background.c calls it and, for memory, faults
 * that need room. Pages that could not move, since they were pinned or the stores were
 * full, are tried again, each time later. Owns the timer of that, which only the work
 * arms.
 *
 * Locks: none of its own; it takes those of movers.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "moving/move.h"
#include "moving/store_choice.h"
#include "pages/group.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/limits.h"
#include "policy/sweep.h"
#include "tiers/headroom.h"
#include "tiers/tier.h"

/* How long until the next try; doubled as long as no page can move. */
#define TW_AGAIN_FIRST	(HZ / 4)
#define TW_AGAIN_LAST	(8 * HZ)

static void tw_again_fn(struct work_struct *work)
{
	tw_demote_queue();
}

static DECLARE_DELAYED_WORK(tw_again, tw_again_fn);
static unsigned long tw_again_in = TW_AGAIN_FIRST;	/* used by the work only */

unsigned long tw_demote_limits(unsigned long nr)
{
	unsigned long done = 0;
	struct tw_space *sp;
	u64 id = 0;
	int tier;

	while (!fatal_signal_pending(current) && (sp = tw_managed_after(id))) {
		id = tw_space_number(sp);
		tw_for_each_memory_tier(tier) {
			unsigned long excess = tw_space_excess(sp, tier);

			if (excess && atomic_long_read(&sp->pages[tier]) > 0)
				done += tw_demote(sp, tier, min(excess, nr));
		}
		tw_space_put(sp);
		cond_resched();
	}
	return done;
}

/* -- stores ---------------------------------------------------------------- */

/* Moves the batch. False if it is no use to go on. */
static bool tw_excess_flush(struct tw_move *m, unsigned long *done)
{
	if (!m->nr)
		return true;
	m->to = tw_store_below(m->space, m->from);
	if (m->to == TW_TIER_NONE)
		return false;
	tw_move_run(m);
	m->nr = 0;
	*done += m->moved;
	return m->moved;
}

/* Moves up to @want pages of @sp out of store @tier. Returns how many moved. */
static unsigned long tw_excess_space(struct tw_space *sp, int tier,
				     unsigned long want, struct tw_move *m)
{
	unsigned long done = 0, n;
	struct tw_chunk *c;
	unsigned int i;

	m->space = sp;
	m->from = tier;
	m->nr = 0;
	tw_for_each_chunk(sp, n, c) {
		for (i = 0; i < TW_CHUNK_PAGES; i++) {
			unsigned long w = tw_rec_w(&c->rec[i]);

			if (tw_w_state(w) != TW_STORE || tw_w_tier(w) != tier)
				continue;
			m->idx[m->nr++] = c->base + i;
			if (m->nr < min_t(unsigned long, TW_BATCH, want - done))
				continue;
			if (!tw_excess_flush(m, &done) || done >= want)
				return done;
		}
		cond_resched();
	}
	tw_excess_flush(m, &done);
	return done;
}

/* Does that once for all stores and spaces. Returns how many pages moved. */
static unsigned long tw_excess_all(void)
{
	unsigned long done = 0, excess;
	struct tw_move *m;
	struct tw_space *sp;
	u64 id = 0;
	int tier;

	m = tw_move_alloc(GFP_NOIO | __GFP_NOWARN);
	if (!m)
		return 0;
	m->flags = TW_MOVE_CHOICE;
	m->reason = TW_REASON_PRESSURE;
	while ((sp = tw_managed_after(id))) {
		id = tw_space_number(sp);
		tw_for_each_store_tier(tier) {
			excess = tw_space_excess(sp, tier);
			if (excess && atomic_long_read(&sp->pages[tier]) > 0 &&
			    tw_store_below(sp, tier) != TW_TIER_NONE)
				done += tw_excess_space(sp, tier, excess, m);
		}
		tw_space_put(sp);
		cond_resched();
	}
	tw_move_free(m);
	return done;
}

/* -- in the background ------------------------------------------------------- */

/* Is there a space over a limit whose pages could go elsewhere? */
static bool tw_limits_exceeded(void)
{
	bool found = false;
	struct tw_space *sp;
	u64 id = 0;
	int tier;

	while (!found && (sp = tw_managed_after(id))) {
		id = tw_space_number(sp);
		for (tier = 0; tier < TW_NR_TIERS; tier++)
			found |= tw_space_excess(sp, tier) &&
				 atomic_long_read(&sp->pages[tier]) > 0 &&
				 tw_store_below(sp, tier) != TW_TIER_NONE;
		tw_space_put(sp);
	}
	return found;
}

void tw_limits_work(void)
{
	unsigned long all = 0, done;

	do {
		done = tw_demote_limits(TW_BATCH);
		if (!tw_demote_is_paused())
			done += tw_excess_all();
		all += done;
		cond_resched();
	} while (done && !tw_demote_is_paused());
	if (tw_demote_is_paused() || !tw_limits_exceeded()) {
		tw_again_in = TW_AGAIN_FIRST;
		return;
	}
	tw_again_in = all ? TW_AGAIN_FIRST : min(2 * tw_again_in, TW_AGAIN_LAST);
	schedule_delayed_work(&tw_again, tw_again_in);
}

void tw_limits_exit(void)
{
	cancel_delayed_work_sync(&tw_again);
}
