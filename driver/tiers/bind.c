// SPDX-License-Identifier: GPL-2.0
/*
 * bind.c - tiers become bound, and let go
 *
 * Owns the states of tiers. The ioctls that bind a tier and look at one are here; the
 * doors call them. So are the steps that unbind.c takes to let go of a tier. A backend
 * (tier_ops.h) fills in its part of the tier first, and empties it last.
 *
 * Locks: tw_tier_mutex is held around all changes; what others read changes under
 * pressure_lock (tier.c).
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/spinlock.h>

#include "base/stats.h"
#include "tiers/backend_numa.h"
#include "tiers/backend_store.h"
#include "tiers/bind.h"
#include "tiers/pressure.h"
#include "tiers/reserve.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/tier.h"

/* Does anything pin the binding? */
bool tw_tier_charged(struct tw_tier_desc *t)
{
	return tw_tier_used(t) || atomic64_read(tw_tier_kept_ctr(t)) ||
	       tw_slots_used(t);
}

/* -- bind ------------------------------------------------------------------ */

/* Shows a tier that has just become bound or unbound. Under pressure_lock. */
static void tw_tier_show(struct tw_tier_desc *t)
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

/* Sets what the tier is, also for loops over tiers of a kind. Under pressure_lock. */
static void tw_tier_set_kind(struct tw_tier_desc *t, int kind)
{
	unsigned int others = ~BIT(t->id);

	lockdep_assert_held(&tw_tier_mutex);
	lockdep_assert_held(&t->pressure_lock);

	WRITE_ONCE(t->kind, kind);
	WRITE_ONCE(tw_memory_tiers, (tw_memory_tiers & others) |
		   (kind == TW_KIND_NUMA) << t->id);
	WRITE_ONCE(tw_store_tiers, (tw_store_tiers & others) |
		   (kind == TW_KIND_STORE) << t->id);
}

/* Lets @t, which the backend has filled in, take charges from now on. */
static void tw_tier_enter(struct tw_tier_desc *t)
{
	spin_lock(&t->pressure_lock);
	tw_tier_set_kind(t, t->ops->kind);
	/* Pairs with the acquire in tw_tier_charge(). */
	smp_store_release(&t->state, TW_TIER_BOUND);
	tw_room_add(t->capacity);
	tw_tier_show(t);
	spin_unlock(&t->pressure_lock);

	if (t->ops->refresh)
		t->ops->refresh(t);	/* memory may have come or gone meanwhile */
	tw_pressure_update();
	tw_tier_event(t, TW_EVENT_TIER_BOUND, t->capacity, 0);
	pr_info("%s: bound, %lu pages, %llu ns, %llu MB/s\n",
		tw_tier_names[t->id], t->capacity, t->latency_ns,
		t->bandwidth / 1000000);
}

/*
 * The backend that a tier is to be bound to. Only here does a tier's number say of
 * which kinds it can be. The GPU tier gets the one that the arguments are for: with a
 * file it is a store, on memory of a card that a server shows as a block device, and
 * without one it is the nodes that have no CPUs.
 */
static const struct tw_tier_ops *tw_backend_of(const struct tw_tier_bind *arg)
{
	switch (arg->tier) {
	case TW_TIER_GPU:
		return arg->fd < 0 ? &tw_numa_ops : &tw_store_ops;
	case TW_TIER_CPU:
		return &tw_numa_ops;
	default:
		return &tw_store_ops;
	}
}

/* Finds arguments that are invalid whatever the machine looks like. */
static int tw_bind_check(const struct tw_tier_bind *arg)
{
	if (arg->tier >= TW_NR_TIERS || arg->flags & ~TW_BIND_FLAGS)
		return -EINVAL;
	return tw_backend_of(arg)->check(arg);
}

static int tw_bind_locked(struct tw_tier_desc *t,
			  const struct tw_tier_bind *arg)
{
	int ret;

	lockdep_assert_held(&tw_tier_mutex);

	if (t->state != TW_TIER_UNBOUND)
		return -EBUSY;
	t->ops = tw_backend_of(arg);
	ret = t->ops->bind(t, arg);
	if (ret) {
		t->ops = NULL;
		return ret;
	}
	tw_tier_enter(t);
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

/* -- letting go ------------------------------------------------------------- */

struct tw_store *tw_tier_store(struct tw_tier_desc *t)
{
	return rcu_dereference_protected(t->store,
					 lockdep_is_held(&tw_tier_mutex));
}

/* Only tiers in state BOUND count to the room of all tiers. */
int tw_tier_set_leaving(struct tw_tier_desc *t, bool force)
{
	struct tw_store *s = tw_tier_store(t);
	int ret;

	spin_lock(&t->pressure_lock);
	ret = tw_room_remove(t->capacity, force);
	if (ret)
		goto unlock;
	if (s)
		ret = tw_slots_uncount(s, force);
	if (ret)
		tw_room_add(t->capacity);
	else
		WRITE_ONCE(t->state, TW_TIER_LEAVING);
unlock:
	spin_unlock(&t->pressure_lock);
	return ret;
}

void tw_tier_set_staying(struct tw_tier_desc *t)
{
	struct tw_store *s = tw_tier_store(t);

	spin_lock(&t->pressure_lock);
	WRITE_ONCE(t->state, TW_TIER_BOUND);
	if (s)
		tw_slots_count(s);
	tw_room_add(t->capacity);
	spin_unlock(&t->pressure_lock);
	tw_pressure_kick(t);	/* the levels of memory were without its room */
}

void tw_tier_release(struct tw_tier_desc *t)
{
	spin_lock(&t->pressure_lock);
	WRITE_ONCE(t->state, TW_TIER_UNBOUND);
	tw_tier_set_kind(t, TW_KIND_NONE);
	WRITE_ONCE(t->capacity, 0);
	WRITE_ONCE(t->latency_ns, 0);
	t->bandwidth = 0;
	tw_tier_show(t);
	spin_unlock(&t->pressure_lock);

	t->ops->unbind(t);
	t->ops = NULL;
	tw_pressure_update();	/* the others have less room below them */
	tw_tier_event(t, TW_EVENT_TIER_UNBOUND, 0, 0);
	pr_info("%s: unbound\n", tw_tier_names[t->id]);
}

/* -- another size ------------------------------------------------------------ */

void tw_tier_grow(struct tw_tier_desc *t, u32 nr)
{
	spin_lock(&t->pressure_lock);
	tw_slots_grow(tw_tier_store(t), nr);
	tw_room_add(nr - t->capacity);
	tw_tier_set_capacity(t, nr);
	spin_unlock(&t->pressure_lock);
	tw_pressure_update();
}

int tw_tier_shrink(struct tw_tier_desc *t, u32 nr)
{
	unsigned long less = t->capacity - nr;
	int ret;

	spin_lock(&t->pressure_lock);
	ret = tw_room_remove(less, false);
	if (ret)
		goto unlock;
	ret = tw_slots_shrink(tw_tier_store(t), nr);
	if (ret)
		tw_room_add(less);
	else
		tw_tier_set_capacity(t, nr);
unlock:
	spin_unlock(&t->pressure_lock);
	if (!ret)
		tw_pressure_update();
	return ret;
}

/* -- looking --------------------------------------------------------------- */

/**
 * tw_tier_get_info - TW_IOC_TIER_INFO
 * @arg: see uapi; @arg->tier is valid
 */
void tw_tier_get_info(struct tw_tier_info *arg)
{
	struct tw_tier_desc *t = &tw_tiers[arg->tier];

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

/* The room that the tier's level is judged by. */
static void tw_pressure_room(struct tw_tier_desc *t, struct tw_pressure *arg)
{
	u64 used = arg->used, capacity = arg->capacity;

	if (tw_tier_is_memory(t->id))
		tw_pressure_pool(&used, &capacity);
	arg->room = capacity > used ? capacity - used : 0;
	arg->room_capacity = capacity;
}

/**
 * tw_tier_get_pressure - TW_IOC_PRESSURE
 * @arg: see uapi; @arg->tier is valid
 *
 * Return: 0 or -EOPNOTSUPP: not bound.
 */
int tw_tier_get_pressure(struct tw_pressure *arg)
{
	struct tw_tier_desc *t = &tw_tiers[arg->tier];
	struct tw_stats_counters sum;
	bool bound;

	tw_pressure_update();	/* don't wait for the work */
	tw_stats_sum(t->id, &sum);

	spin_lock(&t->pressure_lock);
	bound = t->state != TW_TIER_UNBOUND;
	if (bound) {
		arg->level = t->sh->level;
		arg->capacity = t->capacity;
		arg->used = tw_tier_used(t);
		arg->stalls = sum.stalls;
		arg->permille = tw_permille(arg->used, arg->capacity);
		arg->stalled10 = t->sh->stalled10;
		arg->stalled60 = t->sh->stalled60;
		arg->waited_ns = sum.waited_ns;
	}
	spin_unlock(&t->pressure_lock);
	if (bound)
		tw_pressure_room(t, arg);
	return bound ? 0 : -EOPNOTSUPP;
}

/* -- load and unload ------------------------------------------------------- */

static void tw_tier_setup(int id)
{
	struct tw_tier_desc *t = &tw_tiers[id];

	t->id = id;
	t->state = TW_TIER_UNBOUND;
	t->sh = tw_stats_tier_block(id);
	t->pressure_up = ULONG_MAX;
	spin_lock_init(&t->pressure_lock);
	spin_lock_init(&t->io_lock);
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
	int id, pass;

	mutex_lock(&tw_tier_mutex);
	for (id = 0; id < TW_NR_TIERS; id++) {
		struct tw_tier_desc *t = &tw_tiers[id];

		if (t->state == TW_TIER_UNBOUND)
			continue;
		WARN_ON_ONCE(tw_tier_charged(t));
		WARN_ON_ONCE(tw_tier_set_leaving(t, false));
		tw_tier_release(t);
	}
	mutex_unlock(&tw_tier_mutex);
	/*
	 * One that runs may yet begin that of another tier, which it has found to have
	 * waited, but none does so that begins now. So this is done twice.
	 */
	for (pass = 0; pass < 2; pass++)
		for (id = 0; id < TW_NR_TIERS; id++)
			cancel_delayed_work_sync(&tw_tiers[id].pressure_work);
}
