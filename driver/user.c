// SPDX-License-Identifier: GPL-2.0
/*
 * user.c - per-user caps
 *
 * Owns the table of users who hold something of the driver's. An entry is
 * keyed by (kuid, exempt): whether the caps apply is decided once, when
 * somebody makes an object, not when it is charged, because charges also come
 * from other processes that touch the object, and from kernel threads.
 *
 * Locks. tw_users_lock (a spinlock, innermost) guards the table and the drop
 * of the last reference, so that whoever finds an entry may take a reference.
 * The counters are atomics and need no lock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/tierwatch.h>

#include "reserve.h"
#include "user.h"

/**
 * struct tw_user - what one user holds
 * @ref: objects charged to it
 * @uid: who
 * @exempt: had CAP_SYS_RESOURCE: counted, not capped
 * @used: by enum tw_user_res
 * @node: in tw_users
 */
struct tw_user {
	struct kref ref;
	kuid_t uid;
	bool exempt;
	atomic_long_t used[TW_USER_NR];
	struct hlist_node node;
};

static DEFINE_HASHTABLE(tw_users, 6);
static DEFINE_SPINLOCK(tw_users_lock);

static unsigned int max_user_regions = 1024;
module_param(max_user_regions, uint, 0644);
MODULE_PARM_DESC(max_user_regions, "Regions a user may have (default 1024)");

static unsigned int max_user_agents = 1024;
module_param(max_user_agents, uint, 0644);
MODULE_PARM_DESC(max_user_agents, "Agents a user may have (default 1024)");

static unsigned int max_user_streams = 64;
module_param(max_user_streams, uint, 0644);
MODULE_PARM_DESC(max_user_streams, "Streams a user may have (default 64)");

static unsigned int max_user_ring_mib = 64;
module_param(max_user_ring_mib, uint, 0644);
MODULE_PARM_DESC(max_user_ring_mib, "MiB of event rings a user may have (default 64)");

static unsigned int max_user_record_mib = 1024;
module_param(max_user_record_mib, uint, 0644);
MODULE_PARM_DESC(max_user_record_mib, "MiB of page records a user may have (default 1024)");

static unsigned int max_user_external = 16 << 20;
module_param(max_user_external, uint, 0644);
MODULE_PARM_DESC(max_user_external, "External pages a user may track (default 16777216)");

static unsigned int max_user_reserve_percent = 25;
module_param(max_user_reserve_percent, uint, 0644);
MODULE_PARM_DESC(max_user_reserve_percent, "Percent of the tiers' room that a user may reserve (default 25)");

static unsigned long tw_user_cap(enum tw_user_res res)
{
	switch (res) {
	case TW_USER_REGIONS:
		return READ_ONCE(max_user_regions);
	case TW_USER_AGENTS:
		return READ_ONCE(max_user_agents);
	case TW_USER_STREAMS:
		return READ_ONCE(max_user_streams);
	case TW_USER_RING_BYTES:
		return (unsigned long)READ_ONCE(max_user_ring_mib) * SZ_1M;
	case TW_USER_RECORD_BYTES:
		return (unsigned long)READ_ONCE(max_user_record_mib) * SZ_1M;
	case TW_USER_EXTERNAL:
		return READ_ONCE(max_user_external);
	case TW_USER_RESERVED:
		return tw_room_percent(READ_ONCE(max_user_reserve_percent));
	case TW_USER_REQUESTS:
		return TW_REQUEST_USER_MAX;
	default:
		return 0;
	}
}

/* A reference to the entry if there is one. Under tw_users_lock. */
static struct tw_user *tw_user_find(kuid_t uid, bool exempt)
{
	struct tw_user *u;

	lockdep_assert_held(&tw_users_lock);
	hash_for_each_possible(tw_users, u, node, __kuid_val(uid)) {
		if (uid_eq(u->uid, uid) && u->exempt == exempt)
			return tw_user_get(u);
	}
	return NULL;
}

/**
 * tw_user_get_current - who is to be charged for what the caller makes
 *
 * The capability is looked at here and holds for all that is charged to the
 * result.
 *
 * Return: a reference, NULL when there is no memory. May sleep.
 */
struct tw_user *tw_user_get_current(void)
{
	bool exempt = ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
	kuid_t uid = current_euid();
	struct tw_user *u, *new;

	spin_lock(&tw_users_lock);
	u = tw_user_find(uid, exempt);
	spin_unlock(&tw_users_lock);
	if (u)
		return u;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	kref_init(&new->ref);
	new->uid = uid;
	new->exempt = exempt;

	spin_lock(&tw_users_lock);
	u = tw_user_find(uid, exempt);
	if (!u) {
		hash_add(tw_users, &new->node, __kuid_val(uid));
		swap(u, new);
	}
	spin_unlock(&tw_users_lock);
	kfree(new);
	return u;
}

/**
 * tw_user_get - one more reference
 * @u: user that the caller has a reference to
 *
 * Return: @u.
 */
struct tw_user *tw_user_get(struct tw_user *u)
{
	kref_get(&u->ref);
	return u;
}

/* The last reference is gone; entered with tw_users_lock, which it drops. */
static void tw_user_release(struct kref *ref)
	__releases(&tw_users_lock)
{
	struct tw_user *u = container_of(ref, struct tw_user, ref);
	int res;

	hash_del(&u->node);
	spin_unlock(&tw_users_lock);

	for (res = 0; res < TW_USER_NR; res++)
		WARN_ON_ONCE(atomic_long_read(&u->used[res]));
	kfree(u);
}

/**
 * tw_user_put - drop a reference
 * @u: user or NULL
 *
 * Any context but irq.
 */
void tw_user_put(struct tw_user *u)
{
	if (u)
		kref_put_lock(&u->ref, tw_user_release, &tw_users_lock);
}

/**
 * tw_user_exempt - whether the caps don't apply
 * @u: user
 *
 * Return: whether it had CAP_SYS_RESOURCE in the initial user namespace.
 */
bool tw_user_exempt(const struct tw_user *u)
{
	return u->exempt;
}

/**
 * tw_user_charge - count what a user takes, within the cap
 * @u: user
 * @res: what
 * @n: how much
 *
 * Any context but irq.
 *
 * Return: 0, or -EDQUOT and nothing is charged.
 */
int tw_user_charge(struct tw_user *u, enum tw_user_res res, unsigned long n)
{
	unsigned long cap = u->exempt ? LONG_MAX : tw_user_cap(res);
	long used = atomic_long_read(&u->used[res]);

	do {
		if (n > cap || used > cap - n)
			return -EDQUOT;
	} while (!atomic_long_try_cmpxchg(&u->used[res], &used, used + n));
	return 0;
}

/**
 * tw_user_uncharge - count what a user gave back
 * @u: user
 * @res: what
 * @n: how much, at most what was charged
 *
 * Any context.
 */
void tw_user_uncharge(struct tw_user *u, enum tw_user_res res, unsigned long n)
{
	WARN_ON_ONCE(atomic_long_sub_return(n, &u->used[res]) < 0);
}

/**
 * tw_users_init - at load
 *
 * Return: 0.
 */
int tw_users_init(void)
{
	return 0;
}

/**
 * tw_users_exit - at unload, nobody holds anything any more
 */
void tw_users_exit(void)
{
	WARN_ON(!hash_empty(tw_users));
}
