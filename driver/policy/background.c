// SPDX-License-Identifier: GPL-2.0
/*
 * background.c - cold pages out of memory in the background
 *
 * Owns how much memory is kept free. It keeps headroom within the tiers' capacity, so
 * that faults seldom wait; sweep.c chooses the pages that go. It also demotes what
 * memcgs at their limits ask for, and what agents have beyond theirs (limits.c).
 * One work item does all of it, with a batch made at load, so that it needs no memory
 * to free some. The work item is in headroom.c, where any room can wake it. Faults,
 * the shrinker and policy.c call the functions here.
 *
 * Locks: none of its own. What is known of the headroom is a hint, read and written
 * without one.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "moving/move.h"
#include "moving/store_choice.h"
#include "pages/space.h"
#include "policy/askers.h"
#include "policy/background.h"
#include "policy/knobs.h"
#include "policy/limits.h"
#include "policy/policy_calc.h"
#include "policy/sweep.h"
#include "tiers/headroom.h"

static struct tw_move *tw_demote_move;	/* the batch of the work item */
static struct tw_headroom_hint tw_headroom_hint;	/* see tw_headroom_get() */

/*
 * Reclaimers that wait for pages of memcgs, by a hash of the memcg. They are apart
 * because a reclaimer that takes the pages of other memcgs for its own progress would
 * go on for ever.
 */
#define TW_ASKED_BITS	6
static struct tw_askers tw_memcg_askers[1 << TW_ASKED_BITS];

/* -- in the background ----------------------------------------------------- */

/* The hint as it is now. A race may mix two versions of it, which does little harm. */
static struct tw_headroom_hint tw_headroom_get(void)
{
	return (struct tw_headroom_hint){
		.pages = READ_ONCE(tw_headroom_hint.pages),
		.done = READ_ONCE(tw_headroom_hint.done),
	};
}

static void tw_headroom_put(struct tw_headroom_hint keep)
{
	WRITE_ONCE(tw_headroom_hint.pages, keep.pages);
	WRITE_ONCE(tw_headroom_hint.done, keep.done);
}

static unsigned long tw_headroom_most(unsigned long capacity)
{
	return max(tw_policy_headroom(capacity), 32UL);
}

static unsigned long tw_headroom(unsigned long capacity)
{
	struct tw_headroom_hint keep = tw_headroom_get();

	if (tw_auto_migration())
		return tw_headroom_now(&keep, tw_headroom_most(capacity));
	return clamp(capacity / 64, 32UL, 8192UL);
}

void tw_demote_begin(void)
{
	tw_headroom_put((struct tw_headroom_hint){ .pages = ~0ULL });
}

void tw_demote_stalled(void)
{
	struct tw_headroom_hint keep = tw_headroom_get();
	unsigned long capacity;

	tw_memory_free(&capacity);
	tw_headroom_stalled(&keep, tw_headroom_most(capacity));
	tw_headroom_put(keep);
}

static struct tw_askers *tw_askers_of(struct mem_cgroup *memcg)
{
	return &tw_memcg_askers[hash_ptr(memcg, TW_ASKED_BITS)];
}

/* Demotes what the shrinker has asked for of each space. */
static void tw_demote_reclaim(void)
{
	struct tw_space *sp;
	u64 id = 0;

	while ((sp = tw_managed_after(id))) {
		struct tw_askers *askers = tw_askers_of(sp->memcg);
		unsigned long n = atomic_long_xchg(&sp->reclaim, 0);

		id = tw_space_number(sp);
		for (n = min(n, 1024UL); n; n -= min_t(unsigned long, n, TW_BATCH)) {
			unsigned long done = tw_demote_with(tw_demote_move, sp,
					TW_TIER_NONE,
					min_t(unsigned long, n, TW_BATCH));

			if (!done) {
				tw_askers_nothing(askers);
				break;
			}
			tw_askers_freed(askers, done);
		}
		tw_space_put(sp);
		cond_resched();
	}
}

/*
 * Reclaim in a memcg gives up after a few rounds without progress and kills, and
 * the I/O of the background takes longer than such rounds, so the caller waits here. It
 * may hold record locks, since the background only trylocks records and this wait ends
 * by itself.
 */
unsigned long tw_demote_wait(struct mem_cgroup *memcg, unsigned long nr,
			     long patience)
{
	struct tw_askers *askers = tw_askers_of(memcg);
	long since;

	if (tw_demote_is_paused() || !tw_store_possible())
		return 0;
	since = tw_askers_begin(askers);
	tw_demote_queue();
	return tw_askers_wait(askers, since, min_t(long, nr, TW_BATCH), nr,
			      patience);
}

static void tw_demote_work_fn(struct work_struct *work)
{
	unsigned long capacity, free, want, done;
	struct tw_headroom_hint keep;

	tw_demote_reclaim();
	tw_limits_work();
	while (!tw_demote_is_paused()) {
		free = tw_memory_free(&capacity);
		want = 2 * tw_headroom(capacity);
		if (free >= want)
			break;
		done = tw_demote_with(tw_demote_move, NULL, TW_TIER_NONE,
				      min_t(unsigned long, want - free,
					    TW_BATCH));
		if (!done)
			break;
		keep = tw_headroom_get();
		tw_headroom_demoted(&keep, done, tw_headroom_most(capacity));
		tw_headroom_put(keep);
		cond_resched();
	}
}

/* Once a hibernation image has been taken, no page that is in it may go to a store. */
static int tw_demote_pm(struct notifier_block *nb, unsigned long action, void *p)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
		tw_demote_pause();
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
		tw_demote_resume();
		tw_demote_queue();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block tw_demote_nb = { .notifier_call = tw_demote_pm };

int tw_demote_init(void)
{
	int err, i;

	for (i = 0; i < ARRAY_SIZE(tw_memcg_askers); i++)
		tw_askers_init(&tw_memcg_askers[i]);
	tw_demote_move = tw_move_alloc(GFP_KERNEL);
	if (!tw_demote_move)
		return -ENOMEM;
	err = tw_demote_start(tw_demote_work_fn, tw_headroom);
	if (err)
		goto move;
	err = register_pm_notifier(&tw_demote_nb);
	if (err)
		goto stop;
	tw_demote_begin();
	tw_demote_resume();
	return 0;

stop:
	tw_demote_stop();
move:
	tw_move_free(tw_demote_move);
	return err;
}

void tw_demote_exit(void)
{
	unregister_pm_notifier(&tw_demote_nb);
	tw_demote_stop();
	tw_limits_exit();	/* only the work arms its timer */
	tw_move_free(tw_demote_move);
}
