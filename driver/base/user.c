// SPDX-License-Identifier: GPL-2.0
/*
 * user.c - per-user caps
 *
 * Owns the table of users that something of the driver's is charged to. An entry
 * is keyed by (kuid, exempt, parent). Whether the caps apply is decided when an
 * object is made, not when something is charged to it, because charges also come
 * from other processes that touch the object and from kernel threads. The parent
 * is the user who made the namespace that this user is in, or tw_everybody; each
 * charge is also made to the parent, as the kernel does for counts of namespaces.
 *
 * Locks. tw_users_lock (a spinlock, innermost) guards the table and the drop of
 * the last reference, so that an entry found in the table can be referenced. The
 * counters are atomics and need no lock. Any room may charge.
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

#include "base/percent.h"
#include "base/stats.h"
#include "base/user.h"

/**
 * struct tw_user - what one user holds
 * @ref: references of objects that are charged to it
 * @uid: the effective uid of the process that made those objects
 * @exempt: that process had CAP_SYS_RESOURCE, so usage is counted but not capped
 * @parent: is charged too, referenced; NULL for exempt users and tw_everybody
 * @used: usage by enum tw_user_res
 * @node: in tw_users
 */
struct tw_user {
	struct kref ref;
	kuid_t uid;
	bool exempt;
	struct tw_user *parent;
	atomic_long_t used[TW_USER_NR];
	struct hlist_node node;
};

static DEFINE_HASHTABLE(tw_users, 6);
static DEFINE_SPINLOCK(tw_users_lock);
/* Stands for all capped users together; its own reference is never dropped. */
static struct tw_user tw_everybody = { .ref = KREF_INIT(1) };

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

static unsigned int max_user_percent = 75;
module_param(max_user_percent, uint, 0644);
MODULE_PARM_DESC(max_user_percent, "Percent of the tiers' room that a user's pages may take (default 75)");

static unsigned int max_users_percent = 90;
module_param(max_users_percent, uint, 0644);
MODULE_PARM_DESC(max_users_percent, "Percent of the tiers' room that the pages of all users without CAP_SYS_RESOURCE may take together (default 90)");

/* @percent of the room of all bound tiers together, in pages. */
static unsigned long tw_room_percent(unsigned int percent)
{
	return tw_percent_of(READ_ONCE(tw_stats->room), percent);
}

static unsigned long tw_user_cap(const struct tw_user *u, enum tw_user_res res)
{
	if (u->exempt)
		return LONG_MAX;
	if (u == &tw_everybody)
		return res == TW_USER_PAGES ?
		       tw_room_percent(READ_ONCE(max_users_percent)) : LONG_MAX;
	switch (res) {
	case TW_USER_PAGES:
		return tw_room_percent(READ_ONCE(max_user_percent));
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

/* Returns a reference to the entry or NULL. Under tw_users_lock. */
static struct tw_user *tw_user_find(kuid_t uid, bool exempt,
				    const struct tw_user *parent)
{
	struct tw_user *u;

	lockdep_assert_held(&tw_users_lock);
	hash_for_each_possible(tw_users, u, node, __kuid_val(uid)) {
		if (uid_eq(u->uid, uid) && u->exempt == exempt &&
		    u->parent == parent)
			return tw_user_get(u);
	}
	return NULL;
}

/*
 * Returns a reference to the entry, which is made if there is none, or NULL if memory
 * is lacking.
 */
static struct tw_user *tw_user_open(kuid_t uid, bool exempt,
				    struct tw_user *parent)
{
	struct tw_user *u, *new;

	spin_lock(&tw_users_lock);
	u = tw_user_find(uid, exempt, parent);
	spin_unlock(&tw_users_lock);
	if (u)
		return u;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	kref_init(&new->ref);
	new->uid = uid;
	new->exempt = exempt;
	new->parent = parent;

	spin_lock(&tw_users_lock);
	u = tw_user_find(uid, exempt, parent);
	if (!u) {
		if (parent)
			tw_user_get(parent);
		hash_add(tw_users, &new->node, __kuid_val(uid));
		swap(u, new);
	}
	spin_unlock(&tw_users_lock);
	kfree(new);
	return u;
}

/*
 * Returns a reference to the user who made @ns, whose parents are the makers of the
 * namespaces around it; NULL if memory is lacking. Namespaces that root made are
 * skipped: root is not capped, and gave their ids away itself.
 */
static struct tw_user *tw_user_of_ns(struct user_namespace *ns)
{
	struct tw_user *parent, *u;

	if (!ns->parent)
		return tw_user_get(&tw_everybody);
	/* Namespaces are nested 33 deep at most. */
	parent = tw_user_of_ns(ns->parent);
	if (!parent || uid_eq(ns->owner, GLOBAL_ROOT_UID))
		return parent;
	u = tw_user_open(ns->owner, false, parent);
	tw_user_put(parent);
	return u;
}

/**
 * tw_user_get_current - the user to be charged for what the caller makes
 *
 * CAP_SYS_RESOURCE is checked here, and the answer holds for all that is charged to
 * the result. May sleep.
 *
 * Return: a reference, or NULL if memory is lacking.
 */
struct tw_user *tw_user_get_current(void)
{
	struct tw_user *parent, *u;

	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE))
		return tw_user_open(current_euid(), true, NULL);
	parent = tw_user_of_ns(current_user_ns());
	if (!parent)
		return NULL;
	u = tw_user_open(current_euid(), false, parent);
	tw_user_put(parent);
	return u;
}

/**
 * tw_user_get - take another reference
 * @u: user to whom the caller has a reference
 *
 * Return: @u.
 */
struct tw_user *tw_user_get(struct tw_user *u)
{
	kref_get(&u->ref);
	return u;
}

/* Frees a user without references. Called with tw_users_lock held; drops it. */
static void tw_user_release(struct kref *ref)
	__releases(&tw_users_lock)
{
	struct tw_user *u = container_of(ref, struct tw_user, ref);
	struct tw_user *parent = u->parent;
	int res;

	hash_del(&u->node);
	spin_unlock(&tw_users_lock);

	for (res = 0; res < TW_USER_NR; res++)
		WARN_ON_ONCE(atomic_long_read(&u->used[res]));
	kfree(u);
	tw_user_put(parent);
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
 * tw_user_exempt - whether the caps do not apply to a user
 * @u: user
 *
 * Return: true if the process that it was made for had CAP_SYS_RESOURCE in the
 * initial user namespace.
 */
bool tw_user_exempt(const struct tw_user *u)
{
	return u->exempt;
}

/**
 * tw_user_below - whether a user is @uid or in a user namespace that @uid made
 * @u: user, may be NULL
 * @uid: the other user
 *
 * Namespaces may be nested. An exempt user has no parent and is only itself.
 *
 * Return: true if so.
 */
bool tw_user_below(const struct tw_user *u, kuid_t uid)
{
	for (; u && u != &tw_everybody; u = u->parent)
		if (uid_eq(u->uid, uid))
			return true;
	return false;
}

static bool tw_user_take(struct tw_user *u, enum tw_user_res res,
			 unsigned long n)
{
	unsigned long cap = tw_user_cap(u, res);
	long used = atomic_long_read(&u->used[res]);

	do {
		if (n > cap || used > cap - n)
			return false;
	} while (!atomic_long_try_cmpxchg(&u->used[res], &used, used + n));
	return true;
}

/* Uncharges @n from @u and its parents up to @end, which keeps its charge. */
static void tw_user_give(struct tw_user *u, const struct tw_user *end,
			 enum tw_user_res res, unsigned long n)
{
	for (; u != end; u = u->parent)
		WARN_ON_ONCE(atomic_long_sub_return(n, &u->used[res]) < 0);
}

/**
 * tw_user_charge - charge a user and its parents, within their caps
 * @u: user
 * @res: the resource
 * @n: how much, in units of the resource: objects, bytes or pages
 *
 * Any context but irq.
 *
 * Return: 0, or -EDQUOT and nothing is charged.
 */
int tw_user_charge(struct tw_user *u, enum tw_user_res res, unsigned long n)
{
	struct tw_user *p;

	for (p = u; p; p = p->parent) {
		if (!tw_user_take(p, res, n)) {
			tw_user_give(u, p, res, n);
			return -EDQUOT;
		}
	}
	return 0;
}

/**
 * tw_user_uncharge - undo tw_user_charge()
 * @u: user
 * @res: the resource
 * @n: how much, at most what was charged
 *
 * Any context.
 */
void tw_user_uncharge(struct tw_user *u, enum tw_user_res res, unsigned long n)
{
	tw_user_give(u, NULL, res, n);
}

/**
 * tw_users_exit - warn at unload if something is still charged to a user
 */
void tw_users_exit(void)
{
	WARN_ON(!hash_empty(tw_users));
}
