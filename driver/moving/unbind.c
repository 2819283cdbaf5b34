// SPDX-License-Identifier: GPL-2.0
/*
 * unbind.c - a tier is unbound: everything in it goes elsewhere first
 *
 * Owns nothing. The table of ioctls calls it.
 *
 * Locks: tw_tier_mutex, before everything else, throughout, which may be long. The
 * locks of movers are taken within it.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "moving/evacuate.h"
#include "moving/unbind.h"
#include "pages/space.h"
#include "swap/device.h"
#include "tiers/bind.h"
#include "tiers/tier.h"

/* How long unbinding waits for charges of operations that are under way. */
#define TW_DRAIN_TIME	(10 * HZ)
#define TW_DRAIN_POLL	(HZ / 50 ?: 1)

static bool tw_tier_is_last_memory(struct tw_tier_desc *t)
{
	return t->kind == TW_KIND_NUMA && !tw_memory_bound(t->id);
}

/*
 * Lets the tier take no more charges, and then looks for spaces. A caller that makes a
 * space does it the other way round: it reserves the space's number first, and then
 * looks for a bound memory tier.
 */
static int tw_tier_leave(struct tw_tier_desc *t, bool force)
{
	int ret = tw_tier_set_leaving(t, force);

	if (ret)
		return ret;
	/* Pairs with the atomic add in tw_tier_charge(). */
	smp_mb();
	if (tw_tier_is_last_memory(t) && tw_spaces_exist()) {
		tw_tier_set_staying(t);
		return -EBUSY;
	}
	return 0;
}

/*
 * Moves away what is in the tier. A charge that was taken just before LEAVING was set
 * may become a page, or be given back, only after the evacuation has looked, so this is
 * repeated until nothing is charged.
 */
static int tw_tier_drain(struct tw_tier_desc *t, bool force, u64 *moved)
{
	unsigned long deadline = jiffies + TW_DRAIN_TIME;

	for (;;) {
		u64 n = 0;
		int ret;

		ret = tw_swap_leave_tier(t, force, moved);
		if (ret)
			return ret;
		ret = tw_evacuate_tier(t, force, &n);
		*moved += n;
		if (ret)
			return ret;
		if (!tw_tier_charged(t))
			return 0;
		if (time_after(jiffies, deadline))
			return -EBUSY;
		if (fatal_signal_pending(current))
			return -EINTR;
		schedule_timeout_killable(TW_DRAIN_POLL);
	}
}

static int tw_unbind_locked(struct tw_tier_desc *t, bool force, u64 *moved)
{
	int ret;

	lockdep_assert_held(&tw_tier_mutex);

	if (t->state == TW_TIER_UNBOUND)
		return -EOPNOTSUPP;
	ret = tw_tier_leave(t, force);
	if (ret)
		return ret;
	ret = tw_tier_drain(t, force, moved);
	if (ret) {
		tw_tier_set_staying(t);
		tw_pressure_kick(t);
		return ret;
	}
	tw_tier_release(t);
	return 0;
}

/**
 * tw_tier_unbind - TW_IOC_TIER_UNBIND
 * @arg: see uapi; @arg->moved is filled in even if the call fails
 *
 * Return: 0 or a negative errno as in uapi; -EOPNOTSUPP if it is not bound.
 */
int tw_tier_unbind(struct tw_tier_unbind *arg)
{
	u64 moved = 0;
	int ret;

	arg->moved = 0;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (arg->tier >= TW_NR_TIERS || arg->flags & ~TW_UNBIND_FLAGS ||
	    arg->reserved)
		return -EINVAL;
	if (mutex_lock_killable(&tw_tier_mutex))
		return -EINTR;
	ret = tw_unbind_locked(&tw_tiers[arg->tier],
			       arg->flags & TW_UNBIND_FORCE, &moved);
	mutex_unlock(&tw_tier_mutex);
	arg->moved = moved;
	return ret;
}
