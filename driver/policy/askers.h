/* SPDX-License-Identifier: GPL-2.0 */
/*
 * askers.h - reclaimers that wait for pages which somebody else frees
 *
 * One struct tw_askers for each place that memory can be short in: a node, a
 * memcg. Reclaimers ask its background for pages and wait here; the background
 * says how many it has freed, or that there are none.
 *
 * A reclaimer may hold any lock that memory is allocated under. So a wait is
 * short, ends on SIGKILL, and is left out where it is known to be vain: for a
 * while after the background found nothing, and when reclaimers have waited
 * through TW_ASKERS_VAIN without one page. The next page ends that.
 *
 * Locks: tw_askers.lock, innermost, process context.
 */
#ifndef _TW_ASKERS_H
#define _TW_ASKERS_H

#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "policy/reclaim_calc.h"

/* Jiffies without a page after which waiting is vain. */
#define TW_ASKERS_VAIN	(2 * HZ)
/* Jiffies after the background found nothing before there is use in asking. */
#define TW_ASKERS_PAUSE	max(HZ / 50, 1)

/**
 * struct tw_askers - reclaimers, what they got
 * @lock: guards @claims, @vain_from and @vain_to
 * @claims: pages freed and reported
 * @vain_from: jiffies since which reclaimers have waited without a page
 * @vain_to: jiffies at which the last of these waits ended
 * @idle_until: jiffies until which there is no use in waiting; a hint
 * @wait: where they wait
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

/* Waiting is vain for now. */
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
/* The background has found nothing: not again for TW_ASKERS_PAUSE. */
void tw_askers_nothing(struct tw_askers *a);
/* Before asking; what to hand to tw_askers_wait(). */
long tw_askers_begin(struct tw_askers *a);
/*
 * After asking: wait up to @patience jiffies for @want pages, not at all while
 * that is vain. Returns how many
 * of up to @most are the caller's progress and nobody else's.
 */
unsigned long tw_askers_wait(struct tw_askers *a, long since, long want,
			     long most, long patience);

#endif
