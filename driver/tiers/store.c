// SPDX-License-Identifier: GPL-2.0
/*
 * store.c - bound stores, whatever backs them: made known, looked at, forgotten
 *
 * Owns tw_tier_desc.store, which points to the store from the end of its bind to the
 * beginning of its unbind. Backends open and close a store, any higher room may look.
 *
 * Locks: the pointer changes under tw_tier_mutex. Readers that hold no slot are under
 * rcu_read_lock(); tw_store_close() waits for them.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/ktime.h>
#include <linux/rcupdate.h>

#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/tier.h"

void tw_store_open(struct tw_tier_desc *t, struct tw_store *s)
{
	lockdep_assert_held(&tw_tier_mutex);

	s->ops = t->ops;
	spin_lock_init(&s->lock);
	WRITE_ONCE(t->capacity, s->slots.nr);
	WRITE_ONCE(t->sh->avoided_until_ns, 0);
	tw_slots_count(s);
	rcu_assign_pointer(t->store, s);
}

struct tw_store *tw_store_close(struct tw_tier_desc *t)
{
	struct tw_store *s;

	s = rcu_dereference_protected(t->store,
				      lockdep_is_held(&tw_tier_mutex));
	RCU_INIT_POINTER(t->store, NULL);
	synchronize_rcu();
	tw_slots_exit(&s->slots);
	return s;
}

/* -- looking --------------------------------------------------------------- */

/**
 * tw_store_dev - the device's number
 * @t: tier
 *
 * Return: as st_rdev has it; 0 if no store is bound, or it has no device.
 */
u32 tw_store_dev(struct tw_tier_desc *t)
{
	struct tw_store *s;
	u32 dev;

	rcu_read_lock();
	s = rcu_dereference(t->store);
	dev = s ? s->ops->dev(s) : 0;
	rcu_read_unlock();
	return dev;
}

/**
 * tw_store_stable - must pages not change while they are written?
 * @t: tier
 *
 * Return: whether the device needs that, since it checksums or copies them.
 */
bool tw_store_stable(struct tw_tier_desc *t)
{
	struct tw_store *s;
	bool stable;

	rcu_read_lock();
	s = rcu_dereference(t->store);
	stable = s && s->ops->stable(s);
	rcu_read_unlock();
	return stable;
}

/**
 * tw_store_failing - is the store better avoided for new pages?
 * @t: tier
 *
 * Return: whether the device has gone, or failed lately.
 */
bool tw_store_failing(struct tw_tier_desc *t)
{
	struct tw_store *s;
	bool failing;

	rcu_read_lock();
	s = rcu_dereference(t->store);
	failing = s && (ktime_get_ns() < READ_ONCE(t->sh->avoided_until_ns) ||
			s->ops->gone(s));
	rcu_read_unlock();
	return failing;
}
