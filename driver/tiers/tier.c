// SPDX-License-Identifier: GPL-2.0
/*
 * tier.c - the table of tiers: binding, unbinding, charging
 *
 * tw_tier_mutex serialises bind and unbind and is taken before everything else
 * in the driver; it may be held for long, while a tier is evacuated, so nothing
 * but bind and unbind takes it. What others read of a tier (state, kind,
 * capacity, nodes, figures) changes under pressure_lock, too, and is read under
 * either lock, or without one by those who hold a charge (see tier.h).
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "base/stats.h"
#include "base/tw.h"
#include "events/stream.h"
#include "tiers/reserve.h"
#include "tiers/share_calc.h"
#include "tiers/tier.h"

/* Unbinding waits so long for charges of operations that are under way. */
#define TW_DRAIN_TIME	(10 * HZ)
#define TW_DRAIN_POLL	(HZ / 50 ?: 1)

struct tw_tier_s tw_tiers[TW_NR_TIERS];
DEFINE_MUTEX(tw_tier_mutex);

const char * const tw_tier_names[TW_NR_TIERS] = {
	[TW_TIER_GPU]	= "gpu",
	[TW_TIER_CPU]	= "cpu",
	[TW_TIER_NVME]	= "nvme",
	[TW_TIER_SSD]	= "ssd",
	[TW_TIER_HDD]	= "hdd",
};

/**
 * tw_tier_event - publish an event of a tier
 * @t: tier
 * @type: enum tw_event_type
 * @addr: as the type says
 * @status: as the type says
 *
 * Process context.
 */
void tw_tier_event(struct tw_tier_s *t, unsigned int type, u64 addr, int status)
{
	struct tw_event ev = {
		.type = type,
		.tier = t->id,
		.to_tier = TW_TIER_NONE,
		.addr = addr,
		.status = status,
		.pid = current->flags & PF_KTHREAD ? 0 : task_pid_nr(current),
	};

	if (tw_event_wanted(type))
		tw_emit(NULL, &ev);
}

/* -- charging -------------------------------------------------------------- */

/**
 * tw_tier_charge - charge pages to a memory tier
 * @t: tier
 * @n: pages
 * @over: how far ->used may exceed the capacity
 *
 * Any context. The charge pins the tier's binding until tw_tier_uncharge().
 *
 * Return: whether the tier is bound and had room.
 */
bool tw_tier_charge(struct tw_tier_s *t, unsigned long n, unsigned long over)
{
	unsigned long limit = READ_ONCE(t->capacity);
	unsigned long used;

	limit = limit + over < limit ? ULONG_MAX : limit + over;
	/* A full tier is asked often: don't disturb its counter for nothing. */
	if (tw_tier_used(t) + n > limit)
		return false;
	/*
	 * Fully ordered, pairs with smp_mb() in tw_tier_leave(): either we see
	 * that the tier is leaving, or the one who unbinds it sees the charge.
	 */
	used = atomic64_add_return(n, tw_tier_used_ctr(t));
	/* Acquire: ->nodes and ->movable, set before BOUND by tw_tier_enter(). */
	if (smp_load_acquire(&t->state) != TW_TIER_BOUND || used > limit) {
		tw_tier_used_add(t, -(long)n);
		return false;
	}
	if (unlikely(used >= READ_ONCE(t->pressure_up)))
		tw_pressure_kick(t);
	return true;
}

/* Does anything pin the binding? */
static bool tw_tier_charged(struct tw_tier_s *t)
{
	return tw_tier_used(t) || atomic64_read(tw_tier_kept_ctr(t)) ||
	       (t->kind == TW_KIND_STORE && tw_slots_used(t));
}

/* -- bind ------------------------------------------------------------------ */

/* Shows a tier that has just become bound or unbound; pressure_lock. */
static void tw_tier_show(struct tw_tier_s *t)
{
	struct tw_stats_tier *sh = t->sh;
	bool bound = t->state != TW_TIER_UNBOUND;

	lockdep_assert_held(&t->pressure_lock);

	tw_tier_sh_begin(t);
	tw_pressure_reset(t, bound);
	WRITE_ONCE(sh->bound, bound);
	WRITE_ONCE(sh->kind, t->kind);
	WRITE_ONCE(sh->capacity, t->capacity);
	WRITE_ONCE(sh->latency_ns, t->latency_ns);
	WRITE_ONCE(sh->bandwidth, t->bandwidth);
	tw_tier_sh_end(t);
}

/* The backend has filled @t: from now on it takes charges. */
static void tw_tier_enter(struct tw_tier_s *t, int kind)
{
	spin_lock(&t->pressure_lock);
	t->kind = kind;
	/* Pairs with the acquire in tw_tier_charge(). */
	smp_store_release(&t->state, TW_TIER_BOUND);
	tw_room_add(t->capacity);
	tw_tier_show(t);
	spin_unlock(&t->pressure_lock);

	if (kind == TW_KIND_NUMA)
		tw_numa_refresh(t);	/* memory came or went meanwhile */
	tw_pressure_update(t);
	tw_tier_event(t, TW_EVENT_TIER_BOUND, t->capacity, 0);
	pr_info("%s: bound, %lu pages, %llu ns, %llu MB/s\n",
		tw_tier_names[t->id], t->capacity, t->latency_ns,
		t->bandwidth / 1000000);
}

/* A share is left of all there is, and how much is said only with the flag. */
static int tw_share_check(const struct tw_tier_bind *arg)
{
	unsigned int percent = (arg->flags & TW_BIND_LEAVE_MASK) >>
			       TW_BIND_LEAVE_SHIFT;

	if (arg->flags & TW_BIND_SHARE)
		return arg->capacity || percent > TW_LEAVE_MAX ? -EINVAL : 0;
	return percent ? -EINVAL : 0;
}

/* Arguments that are wrong whatever the machine looks like. */
static int tw_bind_check(const struct tw_tier_bind *arg)
{
	if (arg->tier >= TW_NR_TIERS || arg->flags & ~TW_BIND_FLAGS)
		return -EINVAL;
	if (tw_tier_is_memory(arg->tier))
		return arg->fd == -1 ? tw_share_check(arg) : -EINVAL;
	if (arg->nodes || arg->flags)
		return -EINVAL;
	return arg->fd < 0 ? -EBADF : 0;
}

static int tw_bind_locked(struct tw_tier_s *t, const struct tw_tier_bind *arg)
{
	bool memory = tw_tier_is_memory(t->id);
	int ret;

	lockdep_assert_held(&tw_tier_mutex);

	if (t->state != TW_TIER_UNBOUND)
		return -EBUSY;
	ret = memory ? tw_numa_bind(t, arg) : tw_store_bind(t, arg);
	if (ret)
		return ret;
	tw_tier_enter(t, memory ? TW_KIND_NUMA : TW_KIND_STORE);
	return 0;
}

/**
 * tw_tier_bind - TW_IOC_TIER_BIND
 * @arg: see uapi
 *
 * Return: 0 or a negative errno as in uapi.
 */
int tw_tier_bind(struct tw_tier_bind *arg)
{
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = tw_bind_check(arg);
	if (ret)
		return ret;
	if (mutex_lock_killable(&tw_tier_mutex))
		return -EINTR;
	ret = tw_bind_locked(&tw_tiers[arg->tier], arg);
	mutex_unlock(&tw_tier_mutex);
	return ret;
}

/* -- unbind ---------------------------------------------------------------- */

/* The room of all tiers is that of those in state BOUND; @force as in uapi. */
static int tw_tier_set_leaving(struct tw_tier_s *t, bool force)
{
	int ret;

	spin_lock(&t->pressure_lock);
	ret = tw_room_remove(t->capacity, force);
	if (!ret)
		WRITE_ONCE(t->state, TW_TIER_LEAVING);
	spin_unlock(&t->pressure_lock);
	return ret;
}

static void tw_tier_set_staying(struct tw_tier_s *t)
{
	spin_lock(&t->pressure_lock);
	WRITE_ONCE(t->state, TW_TIER_BOUND);
	tw_room_add(t->capacity);
	spin_unlock(&t->pressure_lock);
}

static bool tw_tier_is_last_memory(struct tw_tier_s *t)
{
	int other = t->id == TW_TIER_GPU ? TW_TIER_CPU : TW_TIER_GPU;

	return tw_tier_is_memory(t->id) && !tw_tier_bound(other);
}

/*
 * No more charges from here on. Regions are looked for afterwards: whoever
 * makes one adds it first and looks for a bound memory tier then.
 */
static int tw_tier_leave(struct tw_tier_s *t, bool force)
{
	int ret = tw_tier_set_leaving(t, force);

	if (ret)
		return ret;
	/* Pairs with the atomic add in tw_tier_charge(). */
	smp_mb();
	if (tw_tier_is_last_memory(t) && tw_regions_exist()) {
		tw_tier_set_staying(t);
		return -EBUSY;
	}
	return 0;
}

/*
 * Move away what is there. A charge that was taken just before LEAVING may turn
 * into a page, or go, only after the evacuation has looked, so repeat.
 */
static int tw_tier_drain(struct tw_tier_s *t, bool force, u64 *moved)
{
	unsigned long deadline = jiffies + TW_DRAIN_TIME;

	for (;;) {
		u64 n = 0;
		int ret;

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

/* Nothing is charged any more: let go. */
static void tw_tier_release(struct tw_tier_s *t)
{
	bool store = t->kind == TW_KIND_STORE;

	spin_lock(&t->pressure_lock);
	WRITE_ONCE(t->state, TW_TIER_UNBOUND);
	t->kind = TW_KIND_NONE;
	WRITE_ONCE(t->capacity, 0);
	t->asked = 0;
	t->leave = 0;
	WRITE_ONCE(t->latency_ns, 0);
	t->bandwidth = 0;
	t->movable = false;
	nodes_clear(t->nodes);
	tw_tier_show(t);
	spin_unlock(&t->pressure_lock);

	if (store)
		tw_store_unbind(t);
	tw_tier_event(t, TW_EVENT_TIER_UNBOUND, 0, 0);
	pr_info("%s: unbound\n", tw_tier_names[t->id]);
}

static int tw_unbind_locked(struct tw_tier_s *t, bool force, u64 *moved)
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
 * @arg: see uapi; @arg->moved is filled also when the call fails
 *
 * Return: 0 or a negative errno as in uapi, -EOPNOTSUPP: not bound.
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

/* -- looking --------------------------------------------------------------- */

/**
 * tw_tier_get_info - TW_IOC_TIER_INFO
 * @arg: see uapi; @arg->tier is valid
 */
void tw_tier_get_info(struct tw_tier_info *arg)
{
	struct tw_tier_s *t = &tw_tiers[arg->tier];

	spin_lock(&t->pressure_lock);
	arg->kind = t->state == TW_TIER_UNBOUND ? TW_KIND_NONE : t->kind;
	arg->capacity = 0;
	arg->latency_ns = 0;
	arg->bandwidth = 0;
	arg->nodes = 0;
	if (arg->kind != TW_KIND_NONE) {
		arg->capacity = t->capacity;
		arg->latency_ns = t->latency_ns;
		arg->bandwidth = t->bandwidth;
		arg->nodes = nodes_addr(t->nodes)[0];
	}
	spin_unlock(&t->pressure_lock);

	arg->dev = arg->kind == TW_KIND_STORE ? tw_store_dev(t) : 0;
	arg->used = tw_tier_used(t);
	arg->kept = atomic64_read(tw_tier_kept_ctr(t));
	arg->nominal_latency_ns = t->sh->nominal_latency_ns;
	arg->nominal_bandwidth = t->sh->nominal_bandwidth;
}

static u32 tw_permille(u64 used, u64 capacity)
{
	if (!capacity)
		return 1000;
	return min_t(u64, used * 1000 / capacity, U32_MAX);
}

/**
 * tw_tier_get_pressure - TW_IOC_PRESSURE
 * @arg: see uapi; @arg->tier is valid
 *
 * Return: 0 or -EOPNOTSUPP: not bound.
 */
int tw_tier_get_pressure(struct tw_pressure *arg)
{
	struct tw_tier_s *t = &tw_tiers[arg->tier];
	struct tw_stats_counters sum;
	bool bound;

	tw_pressure_update(t);	/* don't wait for the work */
	tw_stats_sum(t->id, &sum);

	spin_lock(&t->pressure_lock);
	bound = t->state != TW_TIER_UNBOUND;
	if (bound) {
		arg->level = t->sh->level;
		arg->capacity = t->capacity;
		arg->used = tw_tier_used(t);
		arg->stalls = sum.stalls;
		arg->permille = tw_permille(arg->used, arg->capacity);
	}
	spin_unlock(&t->pressure_lock);
	return bound ? 0 : -EOPNOTSUPP;
}

static u64 tw_tier_nominal(int tier)
{
	return tw_tiers[tier].sh->nominal_latency_ns;
}

/*
 * Measured latencies when both tiers are bound, unless they say that the slower
 * tier is the faster one (two tiers of one kind of memory measure alike).
 */
bool tw_tier_latencies(int from, int to, u64 *from_ns, u64 *to_ns)
{
	u64 f = READ_ONCE(tw_tiers[from].latency_ns);
	u64 t = READ_ONCE(tw_tiers[to].latency_ns);
	bool faster;

	*from_ns = tw_tier_nominal(from);
	*to_ns = tw_tier_nominal(to);
	faster = *to_ns < *from_ns;
	if (!tw_tier_bound(from) || !tw_tier_bound(to) || !f || !t || f == t ||
	    (t < f) != faster)
		return faster;
	*from_ns = f;
	*to_ns = t;
	return faster;
}

/* -- load and unload ------------------------------------------------------- */

static void tw_tier_setup(int id)
{
	struct tw_tier_s *t = &tw_tiers[id];

	t->id = id;
	t->state = TW_TIER_UNBOUND;
	t->sh = tw_stats_tier_block(id);
	t->pressure_up = ULONG_MAX;
	t->stalled_until = jiffies;
	spin_lock_init(&t->pressure_lock);
	INIT_DELAYED_WORK(&t->pressure_work, tw_pressure_work);
}

static void tw_tier_autobind(int id)
{
	struct tw_tier_bind arg = {
		.tier = id,
		.flags = TW_BIND_SHARE,
		.fd = -1,
	};
	int ret;

	ret = tw_bind_locked(&tw_tiers[id], &arg);
	if (ret)
		pr_info("%s: not bound: %d\n", tw_tier_names[id], ret);
}

/**
 * tw_tiers_init - set the table up and bind the NUMA tiers
 *
 * The statistics and the streams exist already. A NUMA tier that cannot be
 * bound, usually because there is no such node, is not an error.
 *
 * Return: 0 or a negative errno.
 */
int tw_tiers_init(void)
{
	int id;

	for (id = 0; id < TW_NR_TIERS; id++)
		tw_tier_setup(id);
	mutex_lock(&tw_tier_mutex);
	tw_tier_autobind(TW_TIER_CPU);
	tw_tier_autobind(TW_TIER_GPU);
	mutex_unlock(&tw_tier_mutex);
	return 0;
}

/**
 * tw_tiers_exit - let go of everything
 *
 * No regions exist any more, nor anything else that charges a tier.
 */
void tw_tiers_exit(void)
{
	int id;

	mutex_lock(&tw_tier_mutex);
	for (id = 0; id < TW_NR_TIERS; id++) {
		struct tw_tier_s *t = &tw_tiers[id];

		if (t->state == TW_TIER_UNBOUND)
			continue;
		WARN_ON_ONCE(tw_tier_charged(t));
		WARN_ON_ONCE(tw_tier_set_leaving(t, false));
		tw_tier_release(t);
	}
	mutex_unlock(&tw_tier_mutex);
	for (id = 0; id < TW_NR_TIERS; id++)
		cancel_delayed_work_sync(&tw_tiers[id].pressure_work);
}
