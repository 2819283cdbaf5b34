// SPDX-License-Identifier: GPL-2.0
/*
 * pressure.c - how full the tiers are, and telling about it
 *
 * Owns the level in a tier's block of the stats page and the two thresholds
 * that tw_tier_used_add() compares with. All of it changes under pressure_lock,
 * a spinlock of process context: changes of ->used, which happen anywhere, only
 * schedule the work. pressure_lock is taken inside all other locks but tw_room_lock
 * (reserve.c). The doors, bind.c and the work item of a tier call this file.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "base/stats.h"
#include "base/tw.h"
#include "events/hooks.h"
#include "tiers/headroom.h"
#include "tiers/pressure.h"
#include "tiers/pressure_calc.h"
#include "tiers/tier.h"

/* The thresholds of each tier, whatever it is bound to. Under its pressure_lock. */
static struct tw_pressure_levels tw_levels[TW_NR_TIERS] = {
	[0 ... TW_NR_TIERS - 1] = TW_PRESSURE_DEFAULTS,
};

#define TW_STALL_TIME	HZ	/* how long a stall raises the level */

/* Jiffies until a stall is forgotten, 0 when none is remembered. */
static unsigned long tw_stall_left(struct tw_tier_desc *t)
{
	unsigned long now = jiffies;
	unsigned long until = READ_ONCE(t->stalled_until);

	return time_before(now, until) ? until - now : 0;
}

/* Shows a level that has changed, and publishes the event. */
static void tw_pressure_show(struct tw_tier_desc *t, unsigned int level,
			     unsigned long used)
{
	lockdep_assert_held(&t->pressure_lock);

	tw_tier_sh_begin(t);
	WRITE_ONCE(t->sh->level, level);
	WRITE_ONCE(t->sh->level_changes, t->sh->level_changes + 1);
	tw_tier_sh_end(t);
	tw_tier_event(t, TW_EVENT_PRESSURE, used, level);
	tw_dbg("%s: pressure level %u, %lu of %lu pages used\n",
	       tw_tier_names[t->id], level, used, t->capacity);
}

/* Returns whether room is short; without @again, only if the level has risen. */
static bool tw_pressure_eval(struct tw_tier_desc *t, bool again,
			     unsigned long *left)
{
	struct tw_pressure_state s = { .base = t->pressure_base };
	unsigned long used = tw_tier_used(t);
	unsigned int old = t->sh->level;

	lockdep_assert_held(&t->pressure_lock);

	*left = tw_stall_left(t);
	tw_pressure_calc(&tw_levels[t->id], used, t->capacity, *left, &s);
	t->pressure_base = s.base;
	WRITE_ONCE(t->pressure_up, s.up);
	WRITE_ONCE(t->pressure_down, s.down);
	if (s.level != old)
		tw_pressure_show(t, s.level, used);
	/* ->used may have passed a threshold before it was set. */
	smp_mb();	/* pairs with the atomic in tw_tier_used_add() */
	used = tw_tier_used(t);
	if (used >= s.up || used < s.down)
		tw_pressure_kick(t);
	return s.level > old || (again && s.level && s.level == old);
}

static void tw_pressure_look(struct tw_tier_desc *t, bool again)
{
	unsigned long left = 0;
	bool shortage = false;
	unsigned int old, level;

	spin_lock(&t->pressure_lock);
	old = t->sh->level;
	if (t->state != TW_TIER_UNBOUND)
		shortage = tw_pressure_eval(t, again, &left);
	if (t->state != TW_TIER_BOUND)
		shortage = false;
	level = t->sh->level;
	spin_unlock(&t->pressure_lock);

	if (level != old)
		tw_hook_call(TW_HOOK_PRESSURE, 0, INVALID_UID, t->id, level);

	if (shortage && tw_tier_is_memory(t->id))
		tw_demote_check();
	/* If the work is queued already, it runs sooner than this and gets here again. */
	if (left)
		queue_delayed_work(system_unbound_wq, &t->pressure_work, left);
}

/**
 * tw_pressure_update - look at the level now
 * @t: tier
 *
 * Process context.
 */
void tw_pressure_update(struct tw_tier_desc *t)
{
	tw_pressure_look(t, false);
}

/**
 * tw_pressure_work - body of pressure_work
 * @work: pressure_work of a tier
 */
void tw_pressure_work(struct work_struct *work)
{
	struct tw_tier_desc *t = container_of(to_delayed_work(work),
					      struct tw_tier_desc,
					      pressure_work);

	/* A full barrier, which pairs with the load in tw_pressure_kick(). */
	atomic_xchg(&t->pressure_kicked, 0);
	tw_pressure_look(t, true);
}

/**
 * tw_pressure_reset - start again from LOW
 * @t: tier that becomes bound or unbound
 * @bound: which of these
 *
 * In a tier that has become bound, each change of ->used kicks the work until the
 * level has been looked at once. The caller holds pressure_lock and is between
 * tw_tier_sh_begin() and tw_tier_sh_end().
 */
void tw_pressure_reset(struct tw_tier_desc *t, bool bound)
{
	lockdep_assert_held(&t->pressure_lock);

	t->pressure_base = TW_PRESSURE_LOW;
	WRITE_ONCE(t->stalled_until, jiffies);
	WRITE_ONCE(t->pressure_up, bound ? 0 : ULONG_MAX);
	WRITE_ONCE(t->pressure_down, 0);
	WRITE_ONCE(t->sh->level, TW_PRESSURE_LOW);
}

/**
 * tw_tier_stall - a fault had to wait for a demotion
 * @t: tier that had no room
 *
 * Counts the stall, and raises the level by one for a second. Process context.
 */
void tw_tier_stall(struct tw_tier_desc *t)
{
	bool fresh = !tw_stall_left(t);

	tw_count(t->id, stalls, 1);
	WRITE_ONCE(t->stalled_until, jiffies + TW_STALL_TIME);
	if (fresh)
		tw_pressure_kick(t);
}

static int tw_thresholds_set(struct tw_tier_desc *t,
			     const struct tw_thresholds *arg)
{
	struct tw_pressure_levels levels;

	BUILD_BUG_ON(sizeof(levels.enter) != sizeof(arg->enter) ||
		     sizeof(levels.leave) != sizeof(arg->leave));
	memcpy(levels.enter, arg->enter, sizeof(levels.enter));
	memcpy(levels.leave, arg->leave, sizeof(levels.leave));
	if (!tw_pressure_valid(&levels))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	spin_lock(&t->pressure_lock);
	tw_levels[t->id] = levels;
	spin_unlock(&t->pressure_lock);
	tw_pressure_update(t);
	return 0;
}

int tw_thresholds_ioctl(struct tw_thresholds *arg)
{
	struct tw_tier_desc *t;

	if ((arg->flags & ~TW_THRESHOLDS_FLAGS) || arg->reserved ||
	    arg->reserved2[0] || arg->reserved2[1] || arg->tier >= TW_NR_TIERS)
		return -EINVAL;
	t = &tw_tiers[arg->tier];
	if (arg->flags & TW_THRESHOLDS_SET)
		return tw_thresholds_set(t, arg);
	spin_lock(&t->pressure_lock);
	memcpy(arg->enter, tw_levels[t->id].enter, sizeof(arg->enter));
	memcpy(arg->leave, tw_levels[t->id].leave, sizeof(arg->leave));
	spin_unlock(&t->pressure_lock);
	return 0;
}
