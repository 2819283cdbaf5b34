// SPDX-License-Identifier: GPL-2.0
/*
 * pressure.c - how short the tiers are of room, and telling about it
 *
 * Owns the level in a tier's block of the stats page, the averages of how long faults
 * wait, and the two thresholds that tw_tier_used_add() compares with. All of it changes
 * under tw_pressure_look_lock and within it pressure_lock, spinlocks of process context:
 * changes of ->used, which happen anywhere, only schedule the work. pressure_lock is
 * taken inside all other locks but tw_room_lock (reserve.c) and a tier's io_lock, which
 * guards the time that transfers of a store take. The doors, bind.c, store_io.c and the
 * work item of a tier call this file; pressure_calc.h says what the levels mean.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/percpu.h>
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

/*
 * Orders looks at the levels. A level of memory depends on the use of other tiers, so a
 * look is at all of them. Outside each pressure_lock.
 */
static DEFINE_SPINLOCK(tw_pressure_look_lock);

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

/* What all tiers that pages of memory may go to have, and use. */
static void tw_pool_sum(struct tw_pressure_pool *pool)
{
	int i;

	*pool = (struct tw_pressure_pool){ .up = ULONG_MAX };
	for (i = 0; i < TW_NR_TIERS; i++) {
		struct tw_tier_desc *t = &tw_tiers[i];
		int state = READ_ONCE(t->state);

		if (state == TW_TIER_UNBOUND)
			continue;
		pool->nr++;
		/* What is in a tier that is leaving has to find room in the others. */
		pool->seen[i] = tw_tier_used(t);
		pool->used += pool->seen[i];
		if (state == TW_TIER_BOUND)
			pool->capacity += READ_ONCE(t->capacity);
	}
}

/**
 * tw_pressure_pool - what pages of memory can have
 * @used: out: pages used in the tiers that they may go to
 * @capacity: out: pages that these hold
 */
void tw_pressure_pool(u64 *used, u64 *capacity)
{
	struct tw_pressure_pool pool;

	tw_pool_sum(&pool);
	*used = pool.used;
	*capacity = pool.capacity;
}

static u64 tw_waited_ns(int tier)
{
	u64 ns = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		ns += READ_ONCE(per_cpu(tw_stats_cpu_ptr, cpu)->tier[tier].waited_ns);
	return ns;
}

static struct tw_io_time tw_io_now(struct tw_tier_desc *t)
{
	struct tw_io_time io;
	unsigned long flags;

	spin_lock_irqsave(&t->io_lock, flags);
	io = t->io;
	spin_unlock_irqrestore(&t->io_lock, flags);
	return io;
}

static void tw_stall_show(struct tw_tier_desc *t)
{
	WRITE_ONCE(t->sh->stalled10, tw_stall_permille(t->stall.avg10));
	WRITE_ONCE(t->sh->stalled60, tw_stall_permille(t->stall.avg60));
}

/* Takes in what faults have waited. Whether it is to be looked at again after a while. */
static bool tw_stall_eval(struct tw_tier_desc *t)
{
	lockdep_assert_held(&t->pressure_lock);

	tw_stall_look(&t->stall, tw_waited_ns(t->id), ktime_get_mono_fast_ns());
	WRITE_ONCE(t->stall_on, t->stall.on);
	tw_stall_show(t);
	if (t->stall.on)
		return true;
	/*
	 * Waiting that was counted before ->stall_on was cleared has kicked nothing.
	 * Pairs with the barrier in tw_stall_kick().
	 */
	smp_mb();
	if (tw_waited_ns(t->id) == t->stall.total)
		return false;
	WRITE_ONCE(t->stall_kicked, true);
	return true;
}

/* The same of a store: what its transfers take. */
static bool tw_slow_eval(struct tw_tier_desc *t)
{
	struct tw_io_time io = tw_io_now(t);
	u64 now = ktime_get_mono_fast_ns();

	lockdep_assert_held(&t->pressure_lock);

	tw_slow_look(&t->slow, &io, READ_ONCE(t->latency_ns), now);
	tw_stall_look(&t->stall, t->slow.total, now);
	WRITE_ONCE(t->stall_on, t->slow.on || t->stall.on);
	tw_stall_show(t);
	if (t->slow.on || t->stall.on)
		return true;
	/* As above, of a transfer that began. Pairs with the barrier in tw_stall_kick(). */
	smp_mb();
	io = tw_io_now(t);
	if (!io.nr && io.ended == t->slow.ended)
		return false;
	WRITE_ONCE(t->stall_kicked, true);
	return true;
}

/* Works out the level of a tier that is bound. Under its pressure_lock. */
static void tw_pressure_eval(struct tw_tier_desc *t, struct tw_pressure_pool *pool)
{
	bool memory = READ_ONCE(t->kind) == TW_KIND_NUMA;
	unsigned long used = tw_tier_used(t);
	struct tw_pressure_state s = { .level = t->pressure_base };
	unsigned int level;

	lockdep_assert_held(&t->pressure_lock);

	tw_pressure_calc(&tw_levels[t->id], memory ? pool->used : used,
			 memory ? pool->capacity : t->capacity, &s);
	t->pressure_base = s.level;
	t->pressure_own = s;
	if (memory) {
		tw_pressure_pool_take(pool, &s);
		t->pressure_own.up = ULONG_MAX;
		t->pressure_own.down = 0;
	}
	level = max(s.level, t->stall.level);
	if (level != t->sh->level)
		tw_pressure_show(t, level, used);
}

/* Says at which use the tier is to be looked at again. Under its pressure_lock. */
static void tw_pressure_arm(struct tw_tier_desc *t, const struct tw_pressure_pool *pool)
{
	struct tw_pressure_state s = t->pressure_own;
	unsigned long used;

	/* From what was judged: pages that have come since are a change. */
	tw_pressure_pool_narrow(pool, pool->seen[t->id], &s);
	WRITE_ONCE(t->pressure_up, s.up);
	WRITE_ONCE(t->pressure_down, s.down);
	/* ->used may have passed a threshold before it was set. */
	smp_mb();	/* pairs with the atomic in tw_tier_used_add() */
	used = tw_tier_used(t);
	if (used >= s.up || used < s.down)
		tw_pressure_kick(t);
}

/* Looks at all levels; bits of *@changed and *@again say which tiers have to follow. */
static void tw_pressure_look_all(unsigned int *changed, unsigned int *again)
{
	struct tw_pressure_pool pool;
	unsigned int old;
	int i;

	spin_lock(&tw_pressure_look_lock);
	tw_pool_sum(&pool);
	for (i = 0; i < TW_NR_TIERS; i++) {
		struct tw_tier_desc *t = &tw_tiers[i];

		spin_lock(&t->pressure_lock);
		old = t->sh->level;
		if (t->state != TW_TIER_UNBOUND) {
			if (READ_ONCE(t->stall_on) || READ_ONCE(t->stall_kicked)) {
				WRITE_ONCE(t->stall_kicked, false);
				*again |= (unsigned int)
					  (READ_ONCE(t->kind) == TW_KIND_STORE ?
					   tw_slow_eval(t) : tw_stall_eval(t)) << i;
			}
			tw_pressure_eval(t, &pool);
		}
		*changed |= (unsigned int)(t->sh->level != old) << i;
		spin_unlock(&t->pressure_lock);
	}
	for (i = 0; i < TW_NR_TIERS; i++) {
		struct tw_tier_desc *t = &tw_tiers[i];

		spin_lock(&t->pressure_lock);
		if (t->state != TW_TIER_UNBOUND)
			tw_pressure_arm(t, &pool);
		spin_unlock(&t->pressure_lock);
	}
	spin_unlock(&tw_pressure_look_lock);
}

static void tw_pressure_look(bool work)
{
	unsigned int changed = 0, again = 0;
	int i;

	tw_pressure_look_all(&changed, &again);
	for (i = 0; i < TW_NR_TIERS; i++) {
		struct tw_tier_desc *t = &tw_tiers[i];

		if (changed & BIT(i))
			tw_hook_call(TW_HOOK_PRESSURE, 0, INVALID_UID, i,
				     READ_ONCE(t->sh->level));
		/* If it is queued already it runs sooner than this, and gets here again. */
		if (again & BIT(i))
			queue_delayed_work(system_unbound_wq, &t->pressure_work,
					   nsecs_to_jiffies(TW_STALL_PERIOD_NS) + 1);
	}
	if (work || changed)
		tw_demote_check();
}

/**
 * tw_pressure_update - look at the levels now
 *
 * Process context.
 */
void tw_pressure_update(void)
{
	tw_pressure_look(false);
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
	tw_pressure_look(true);
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
	t->stall = (struct tw_stall){ .total = tw_waited_ns(t->id) };
	t->slow = (struct tw_slow){ .total = t->stall.total };
	WRITE_ONCE(t->stall_on, false);
	WRITE_ONCE(t->sh->stalled10, 0);
	WRITE_ONCE(t->sh->stalled60, 0);
	WRITE_ONCE(t->pressure_up, bound ? 0 : ULONG_MAX);
	WRITE_ONCE(t->pressure_down, 0);
	WRITE_ONCE(t->sh->level, TW_PRESSURE_LOW);
}

/* Has what was counted just now looked at, unless that happens anyway. */
static void tw_stall_kick(struct tw_tier_desc *t)
{
	smp_mb();	/* pairs with those in tw_stall_eval() and tw_slow_eval() */
	if (READ_ONCE(t->stall_on) || READ_ONCE(t->stall_kicked))
		return;
	/* The full barrier that tw_pressure_kick() wants before it. */
	smp_store_mb(t->stall_kicked, true);
	tw_pressure_kick(t);
}

/**
 * tw_tier_waited - a fault has waited, since memory is short
 * @t: tier of memory that it waited for
 * @ns: how long: for room there, or for a page that had to leave it too soon
 *
 * Process context; the record of the page may be locked.
 */
void tw_tier_waited(struct tw_tier_desc *t, u64 ns)
{
	tw_count(t->id, waited_ns, ns);
	tw_stall_kick(t);
}

/**
 * tw_io_began - a transfer of a store begins
 * @t: its tier, which it pins
 *
 * Process context.
 *
 * Return: the time, for tw_io_ended().
 */
u64 tw_io_began(struct tw_tier_desc *t)
{
	u64 now = ktime_get_mono_fast_ns();
	unsigned long flags;

	spin_lock_irqsave(&t->io_lock, flags);
	tw_io_time_begin(&t->io, now);
	spin_unlock_irqrestore(&t->io_lock, flags);
	tw_stall_kick(t);
	return now;
}

/**
 * tw_io_ended - a transfer of a store has ended
 * @t: its tier, which it still pins
 * @began: what tw_io_began() returned
 *
 * Any context.
 */
void tw_io_ended(struct tw_tier_desc *t, u64 began)
{
	u64 now = ktime_get_mono_fast_ns();
	unsigned long flags;

	spin_lock_irqsave(&t->io_lock, flags);
	tw_io_time_end(&t->io, began, now);
	spin_unlock_irqrestore(&t->io_lock, flags);
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
	tw_pressure_update();
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
