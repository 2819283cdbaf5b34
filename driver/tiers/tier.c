// SPDX-License-Identifier: GPL-2.0
/*
 * tier.c - the table of tiers: charging, and questions about tiers
 *
 * Owns tw_tiers and tw_tier_mutex, which serialises bind and unbind (bind.c,
 * unbind.c) and is taken before everything else in the driver; it may be held for
 * long, while a tier is evacuated, so nothing but bind and unbind takes it. What
 * others read of a tier (state, kind, capacity, nodes, figures) changes under
 * pressure_lock, too. It is read under either lock, or without one by a caller that
 * holds a charge (see tier.h). All higher rooms may call this file.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "events/stream.h"
#include "tiers/tier.h"

struct tw_tier_desc tw_tiers[TW_NR_TIERS];
unsigned int tw_memory_tiers;
unsigned int tw_store_tiers;
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
void tw_tier_event(struct tw_tier_desc *t, unsigned int type, u64 addr,
		   int status)
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
		tw_emit(&ev);
}

/* -- charging -------------------------------------------------------------- */

/**
 * tw_pressure_kick - have the level looked at
 * @t: tier
 *
 * Any context. Further calls until the work runs cost one load each.
 */
void tw_pressure_kick(struct tw_tier_desc *t)
{
	/*
	 * ->used was changed by a fully ordered atomic before this. Pairs with
	 * the full barrier in tw_pressure_work(): either 0 is read here, or the
	 * work sees the new ->used.
	 */
	if (atomic_read(&t->pressure_kicked))
		return;
	if (!atomic_xchg(&t->pressure_kicked, 1))
		mod_delayed_work(system_unbound_wq, &t->pressure_work, 0);
}

/**
 * tw_tier_charge - charge pages to a tier that is memory
 * @t: tier
 * @n: pages
 * @over: how far ->used may exceed the capacity
 *
 * Any context. The charge pins the tier's binding until tw_tier_uncharge().
 *
 * Return: whether the tier is memory, bound, and had room.
 */
bool tw_tier_charge(struct tw_tier_desc *t, unsigned long n, unsigned long over)
{
	unsigned long limit = READ_ONCE(t->capacity);
	unsigned long used;

	limit = limit + over < limit ? ULONG_MAX : limit + over;
	/* A full tier is asked often: don't disturb its counter for nothing. */
	if (tw_tier_used(t) + n > limit)
		return false;
	/*
	 * Fully ordered, pairs with smp_mb() in tw_tier_leave(): either it is seen
	 * here that the tier is leaving, or the task that unbinds it sees the charge.
	 */
	used = atomic64_add_return(n, tw_tier_used_ctr(t));
	/*
	 * Pairs with the release in tw_tier_enter(), before which ->kind and what the
	 * backend fills in were set.
	 */
	if (smp_load_acquire(&t->state) != TW_TIER_BOUND ||
	    READ_ONCE(t->kind) != TW_KIND_NUMA || used > limit) {
		tw_tier_used_add(t, -(long)n);
		return false;
	}
	if (unlikely(used >= READ_ONCE(t->pressure_up)))
		tw_pressure_kick(t);
	return true;
}

/* -- looking --------------------------------------------------------------- */

int tw_memory_next(int first, int tier)
{
	return tw_order_next(READ_ONCE(tw_memory_tiers), first, tier);
}

int tw_store_next(int tier)
{
	return tw_order_next(READ_ONCE(tw_store_tiers), TW_TIER_NONE, tier);
}

bool tw_memory_bound(int except)
{
	int tier;

	tw_for_each_memory_tier(tier)
		if (tier != except && tw_tier_bound(tier))
			return true;
	return false;
}

int tw_memory_short(int preferred)
{
	int tier;

	if (tw_tier_is_memory(preferred))
		return preferred;
	tier = tw_order_begin(READ_ONCE(tw_memory_tiers), TW_TIER_CPU);
	return tier < TW_NR_TIERS ? tier : preferred;
}

static u64 tw_tier_nominal(int tier)
{
	return tw_tiers[tier].sh->nominal_latency_ns;
}

/*
 * These are the measured latencies when both tiers are bound, unless those say that
 * the slower tier is the faster one: two tiers of one kind of memory measure alike.
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
