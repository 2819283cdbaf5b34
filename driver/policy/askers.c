// SPDX-License-Identifier: GPL-2.0
/*
 * askers.c - reclaimers that wait for pages which another thread frees
 *
 * Owns struct tw_askers; askers.h describes the rules and the lock. background.c and
 * reclaim.c call it, for tasks that reclaim and for the threads that free pages.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/sched.h>

#include "policy/askers.h"
#include "policy/reclaim_calc.h"

void tw_askers_init(struct tw_askers *a)
{
	spin_lock_init(&a->lock);
	init_waitqueue_head(&a->wait);
	a->idle_until = jiffies;
	a->vain_from = jiffies;
	a->vain_to = jiffies;
}

void tw_askers_freed(struct tw_askers *a, unsigned long nr)
{
	spin_lock(&a->lock);
	WRITE_ONCE(a->claims.done, a->claims.done + nr);
	a->vain_from = jiffies;
	WRITE_ONCE(a->idle_until, jiffies);
	spin_unlock(&a->lock);
	wake_up_all(&a->wait);
}

void tw_askers_nothing(struct tw_askers *a)
{
	WRITE_ONCE(a->idle_until, jiffies + TW_ASKERS_PAUSE);
	wake_up_all(&a->wait);
}

long tw_askers_begin(struct tw_askers *a)
{
	long since;

	spin_lock(&a->lock);
	since = tw_claims_begin(&a->claims);
	/* If no reclaimer has waited lately, the time without a page begins now. */
	if (a->claims.waiting == 1 && time_after(jiffies, a->vain_to + HZ))
		a->vain_from = jiffies;
	spin_unlock(&a->lock);
	return since;
}

static bool tw_askers_over(struct tw_askers *a, long since, long want)
{
	bool over;

	spin_lock(&a->lock);
	over = tw_claims_open(&a->claims, since) >= want;
	spin_unlock(&a->lock);
	return over || tw_askers_idle(a);
}

unsigned long tw_askers_wait(struct tw_askers *a, long since, long want,
			     long most, long patience)
{
	long got;

	if (patience)
		wait_event_killable_timeout(a->wait,
					    tw_askers_over(a, since, want),
					    patience);
	spin_lock(&a->lock);
	got = tw_claims_take(&a->claims, since, most);
	tw_claims_end(&a->claims);
	a->vain_to = jiffies;
	if (time_after(jiffies, a->vain_from + TW_ASKERS_VAIN)) {
		a->vain_from = jiffies;
		WRITE_ONCE(a->idle_until, jiffies + HZ);
	}
	spin_unlock(&a->lock);
	return got;
}
