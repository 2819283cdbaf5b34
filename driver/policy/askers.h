/* SPDX-License-Identifier: GPL-2.0 */
/*
 * askers.h - reclaimers that wait for pages which another thread frees
 *
 * There is a struct tw_askers for each place where memory can be short: a node or a
 * memcg. Reclaimers ask the thread that frees pages there, the background, and wait
 * here. The background says how many pages it has freed, or that there are none.
 *
 * A reclaimer may hold any lock that memory is allocated under. So a wait is
 * short and ends on SIGKILL. It is left out while it is known to be in vain: for a
 * while after the background found nothing, and when reclaimers have waited for
 * TW_ASKERS_VAIN without getting a page, until the next page is freed.
 *
 * Locks: tw_askers.lock, innermost, process context. background.c and reclaim.c call
 * it.
 */
#ifndef _TW_ASKERS_H
#define _TW_ASKERS_H

#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "policy/reclaim_calc.h"

/* How many jiffies without a page make waiting vain. */
#define TW_ASKERS_VAIN	(2 * HZ)
/* For how many jiffies asking is vain after the background has found nothing. */
#define TW_ASKERS_PAUSE	max(HZ / 50, 1)

/**
 * struct tw_askers - reclaimers, and the pages that they were given
 * @lock: guards @claims, @vain_from and @vain_to
 * @claims: pages freed and reported
 * @vain_from: jiffies since which reclaimers have waited without a page
 * @vain_to: jiffies at which the last of these waits ended
 * @idle_until: jiffies until which there is no use in waiting; a hint
 * @wait: wait queue of reclaimers
 */
struct tw_askers {
	spinlock_t lock;
	struct tw_claims claims;
	unsigned long vain_from;
	unsigned long vain_to;
	unsigned long idle_until;
	wait_queue_head_t wait;
};

void tw_askers_init(struct tw_askers *a);

/* Whether waiting is vain for now. */
static inline bool tw_askers_idle(const struct tw_askers *a)
{
	return time_before(jiffies, READ_ONCE(a->idle_until));
}

/* Pages freed since load; a hint. */
static inline long tw_askers_done(const struct tw_askers *a)
{
	return READ_ONCE(a->claims.done);
}

/* The background has freed @nr pages. */
void tw_askers_freed(struct tw_askers *a, unsigned long nr);
/* The background has found nothing, so that asking is vain for TW_ASKERS_PAUSE. */
void tw_askers_nothing(struct tw_askers *a);
/* Called before asking. Returns the @since for tw_askers_wait(), which must follow. */
long tw_askers_begin(struct tw_askers *a);
/*
 * Called after asking. Waits up to @patience jiffies for @want pages, but not while that
 * is vain. Returns how many pages, up to @most, count as the progress of this caller
 * and of no other.
 */
unsigned long tw_askers_wait(struct tw_askers *a, long since, long want,
			     long most, long patience);

#endif
