// SPDX-License-Identifier: GPL-2.0
/*
 * headroom.c - how much the memory tiers have free, and waking the background
 *
 * Owns the work item of the demotion in the background, and whether it may run.
 * background.c gives it the function to run and the rule for how much is to be kept
 * free, so that callers that take or free memory, in any room, need to know neither.
 *
 * Locks: none. Work is queued under RCU, so that nothing queues it any more when
 * tw_demote_stop() has waited for a grace period. tw_demote_pause() waits for the work,
 * but not for a caller that is just about to queue it: the queue freezes with the tasks.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "tiers/headroom.h"
#include "tiers/tier.h"

/* The background has not begun, or an image for hibernation is being made. */
static bool tw_demote_paused = true;
static struct workqueue_struct *tw_demote_wq;
static struct work_struct tw_demote_work;
static unsigned long (*tw_headroom_of)(unsigned long capacity);

/* All tiers count together: what one holds beyond its capacity, another has not free. */
unsigned long tw_memory_free(unsigned long *capacity)
{
	unsigned long used = 0;
	int tier;

	*capacity = 0;
	tw_for_each_memory_tier(tier) {
		struct tw_tier_desc *t = &tw_tiers[tier];

		if (!tw_tier_bound(tier))
			continue;
		*capacity += READ_ONCE(t->capacity);
		used += tw_tier_used(t);
	}
	return *capacity > used ? *capacity - used : 0;
}

void tw_demote_queue(void)
{
	rcu_read_lock();	/* pairs with synchronize_rcu() in tw_demote_stop() */
	if (!READ_ONCE(tw_demote_paused) && !work_pending(&tw_demote_work))
		queue_work(tw_demote_wq, &tw_demote_work);
	rcu_read_unlock();
}

static bool tw_memory_low(void)
{
	unsigned long capacity, free = tw_memory_free(&capacity);
	unsigned long (*headroom)(unsigned long capacity) = READ_ONCE(tw_headroom_of);

	return headroom && free < headroom(capacity);
}

void tw_demote_check(void)
{
	if (tw_memory_low())
		tw_demote_queue();
}

bool tw_demote_is_paused(void)
{
	return READ_ONCE(tw_demote_paused);
}

/**
 * tw_demote_start - say what the background does
 * @fn: the work
 * @headroom: tells how many pages of a capacity are to be kept free
 *
 * It is paused until tw_demote_resume().
 *
 * Return: 0 or -ENOMEM.
 */
int tw_demote_start(work_func_t fn, unsigned long (*headroom)(unsigned long capacity))
{
	INIT_WORK(&tw_demote_work, fn);
	tw_demote_wq = alloc_workqueue("tw_demote", WQ_UNBOUND | WQ_FREEZABLE |
				       WQ_MEM_RECLAIM, 1);
	if (!tw_demote_wq)
		return -ENOMEM;
	WRITE_ONCE(tw_headroom_of, headroom);
	return 0;
}

void tw_demote_pause(void)
{
	WRITE_ONCE(tw_demote_paused, true);
	flush_work(&tw_demote_work);
}

void tw_demote_resume(void)
{
	WRITE_ONCE(tw_demote_paused, false);
}

/* The work runs no more when this returns. */
void tw_demote_stop(void)
{
	WRITE_ONCE(tw_demote_paused, true);
	/* Pairs with tw_demote_queue(): callers that missed it have queued their work. */
	synchronize_rcu();
	flush_work(&tw_demote_work);
	destroy_workqueue(tw_demote_wq);
}
