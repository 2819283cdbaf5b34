// SPDX-License-Identifier: GPL-2.0
/*
 * resize.c - a store that is bound gets larger or smaller
 *
 * Owns nothing. The table of ioctls calls it.
 *
 * A store shrinks in two steps. First its end is lowered, so that no slot beyond it is
 * given out any more; then what lies there goes to other slots of the store, or else to
 * other tiers. Should that fail, the end is where it was before.
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
#include "moving/resize.h"
#include "swap/device.h"
#include "tiers/bind.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/tier.h"

/* How long it waits for slots of operations that are under way. */
#define TW_CLEAR_TIME	(10 * HZ)
#define TW_CLEAR_POLL	(HZ / 50 ?: 1)

/*
 * Moves away what is beyond the end, @nr. A slot that was taken just before the end was
 * lowered may become a page's only after the evacuation has looked, so this is repeated
 * until none is taken.
 */
static int tw_store_clear(struct tw_tier_desc *t, u32 nr, u64 *moved)
{
	unsigned long deadline = jiffies + TW_CLEAR_TIME;

	while (tw_slots_beyond(t)) {
		u64 n = 0;
		int ret;

		ret = tw_swap_leave_slots(t, nr, moved);
		if (ret)
			return ret;
		tw_slots_settle(tw_tier_store(t));
		ret = tw_evacuate_slots(t, nr, &n);
		*moved += n;
		if (ret)
			return ret;
		if (!tw_slots_beyond(t))
			break;
		if (time_after(jiffies, deadline))
			return -EBUSY;
		if (signal_pending(current))
			return -EINTR;
		schedule_timeout_interruptible(TW_CLEAR_POLL);
	}
	return 0;
}

static int tw_store_shrink(struct tw_tier_desc *t, u32 nr, u64 *moved)
{
	u32 old = t->capacity;
	int ret;

	ret = tw_tier_shrink(t, nr);
	if (ret)
		return ret;
	ret = tw_store_clear(t, nr, moved);
	if (ret)
		tw_tier_grow(t, old);
	else
		tw_slots_trim(tw_tier_store(t));
	return ret;
}

static int tw_store_enlarge(struct tw_tier_desc *t, u32 nr)
{
	int ret = tw_slots_extend(tw_tier_store(t), nr);

	if (!ret)
		tw_tier_grow(t, nr);
	return ret;
}

static int tw_resize_locked(struct tw_tier_desc *t, struct tw_tier_resize *arg)
{
	struct tw_store *s = tw_tier_store(t);
	u64 nr = arg->capacity, moved = 0;
	int ret = 0;

	lockdep_assert_held(&tw_tier_mutex);

	if (!s)
		return -EOPNOTSUPP;
	if (!nr)
		nr = s->ops->slots(s);
	if (nr < TW_STORE_PAGES_MIN || (nr > t->capacity && nr > s->ops->slots(s)))
		return -EINVAL;
	if (nr < t->capacity)
		ret = tw_store_shrink(t, nr, &moved);
	else if (nr > t->capacity)
		ret = tw_store_enlarge(t, nr);
	if (ret)
		return ret;
	pr_info("%s: %llu pages, %llu moved for that\n", tw_tier_names[t->id], nr, moved);
	arg->capacity = nr;
	arg->moved = moved;
	return 0;
}

/**
 * tw_tier_resize - TW_IOC_TIER_RESIZE
 * @arg: see uapi; filled in only on success
 *
 * Return: 0 or a negative errno as in uapi.
 */
int tw_tier_resize(struct tw_tier_resize *arg)
{
	int ret;

	if (arg->tier >= TW_NR_TIERS || arg->flags || arg->reserved)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (mutex_lock_interruptible(&tw_tier_mutex))
		return -EINTR;
	ret = tw_resize_locked(&tw_tiers[arg->tier], arg);
	mutex_unlock(&tw_tier_mutex);
	return ret;
}
