// SPDX-License-Identifier: GPL-2.0
/*
 * agent.c - agents: labels that memory is accounted to
 *
 * Owns the table of agents and the fds that stand for them. An agent is in the
 * table as long as it has a reference. Default agents are in the same table,
 * keyed by their cgroup's id and told apart by ->is_default. Regions and external
 * pages make and hold them, so they come and go by themselves. An fd is given only
 * for a default agent that exists, and its first opener is charged for the agent.
 *
 * Locks. tw_agents_lock (a spinlock, process context) guards the table and the
 * drop of the last reference, so that an agent found in the table under it can be
 * referenced. Events of agents that are made or end are published under it, so
 * that those of one label are in order; nothing else is called under it.
 *
 * tw_agent_order has the same agents in the order in which they were made, for
 * listing them. It is read under RCU, so a reader must take its reference with
 * kref_get_unless_zero().
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "agents/agent.h"
#include "base/compat.h"
#include "base/stats.h"
#include "base/user.h"
#include "base/usercopy.h"
#include "events/hooks.h"
#include "events/stream.h"

static DEFINE_HASHTABLE(tw_agents, 8);
static DEFINE_SPINLOCK(tw_agents_lock);
static DEFINE_XARRAY_FLAGS(tw_agent_order, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
static u32 tw_agent_next_serial;

/* external.c registers this to forget the external pages of an agent that ends. */
static void (*tw_agent_ended)(struct tw_agent *a);

void tw_agent_on_end(void (*ended)(struct tw_agent *a))
{
	WRITE_ONCE(tw_agent_ended, ended);
}

static void tw_agent_tell(struct tw_agent *a, u8 type)
{
	struct tw_event ev = {
		.type = type,
		.tier = TW_TIER_NONE,
		.to_tier = TW_TIER_NONE,
		.pid = task_pid_nr(current),
	};

	if (tw_event_wanted(type))
		tw_agent_emit(a, &ev);
}

/* Finds a user's agent of label @id; takes no reference. Under tw_agents_lock. */
static struct tw_agent *tw_agent_find_of(struct user_namespace *ns, kuid_t uid,
					 u64 id, bool is_default)
{
	struct tw_agent *a;

	lockdep_assert_held(&tw_agents_lock);
	hash_for_each_possible(tw_agents, a, node, id) {
		if (a->id == id && a->is_default == is_default &&
		    a->ns == ns && uid_eq(a->uid, uid))
			return a;
	}
	return NULL;
}

static struct tw_agent *tw_agent_find(u64 id, bool is_default)
{
	return tw_agent_find_of(current_user_ns(), current_euid(), id,
				is_default);
}

/* Returns a reference to the caller's agent of label @id, or NULL. */
static struct tw_agent *tw_agent_lookup(u64 id, bool is_default)
{
	struct tw_agent *a;

	spin_lock(&tw_agents_lock);
	a = tw_agent_find(id, is_default);
	if (a)
		tw_agent_get(a);
	spin_unlock(&tw_agents_lock);
	return a;
}

static void tw_agent_free_rcu(struct rcu_head *rcu)
{
	struct tw_agent *a = container_of(rcu, struct tw_agent, rcu);

	free_percpu(a->cpu);
	kfree(a);
}

/*
 * Frees an agent that is not in the table, after a grace period: tw_agent_after()
 * may look at it under RCU, and reports of external pages at its counters.
 */
static void tw_agent_free(struct tw_agent *a)
{
	xa_erase(&tw_agent_order, a->serial);
	if (a->user) {
		tw_user_uncharge(a->user, TW_USER_AGENTS, 1);
		tw_user_put(a->user);
	}
	put_user_ns(a->ns);
	call_rcu(&a->rcu, tw_agent_free_rcu);
}

/* Charges the caller for @a, unless a user is charged for it already. */
static int tw_agent_charge(struct tw_agent *a)
{
	struct tw_user *user;
	int err = 0;

	if (READ_ONCE(a->user))
		return 0;
	user = tw_user_get_current();
	if (!user)
		return -ENOMEM;
	err = tw_user_charge(user, TW_USER_AGENTS, 1);
	if (err)
		goto put;
	if (!cmpxchg(&a->user, NULL, user))
		return 0;
	tw_user_uncharge(user, TW_USER_AGENTS, 1);
put:
	tw_user_put(user);
	return err;
}

/*
 * Makes an agent of the caller's, which is not in the table yet. Default agents are
 * not charged for here, since the regions and external pages that hold them are.
 */
static struct tw_agent *tw_agent_alloc(u64 id, bool is_default)
{
	struct tw_agent *a;
	int err = -ENOMEM;

	a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	if (!a)
		return ERR_PTR(-ENOMEM);
	kref_init(&a->ref);
	a->id = id;
	a->is_default = is_default;
	a->uid = current_euid();
	tw_audience_init(&a->audience);
	INIT_LIST_HEAD(&a->externals);
	memset(a->limit, 0xff, sizeof(a->limit));	/* TW_NO_LIMIT */
	memset(a->hard, 0xff, sizeof(a->hard));

	a->cpu = alloc_percpu_gfp(struct tw_agent_cpu, GFP_KERNEL_ACCOUNT);
	if (!a->cpu)
		goto err_free;
	/* This only reserves the serial; tw_agent_open() stores the agent there. */
	err = xa_alloc_cyclic(&tw_agent_order, &a->serial, NULL, xa_limit_32b,
			      &tw_agent_next_serial, GFP_KERNEL);
	if (err < 0)
		goto err_cpu;
	if (!is_default) {
		err = tw_agent_charge(a);
		if (err)
			goto err_serial;
	}
	a->ns = get_user_ns(current_user_ns());
	return a;

err_serial:
	xa_erase(&tw_agent_order, a->serial);
err_cpu:
	free_percpu(a->cpu);
err_free:
	kfree(a);
	return ERR_PTR(err);
}

/*
 * Finds or makes the caller's agent of label @id; *made tells which. Returns a
 * reference or ERR_PTR.
 */
static struct tw_agent *tw_agent_open(u64 id, bool is_default, bool *made)
{
	struct tw_agent *a, *new;

	*made = false;
	a = tw_agent_lookup(id, is_default);
	if (a)
		return a;

	new = tw_agent_alloc(id, is_default);
	if (IS_ERR(new))
		return new;

	spin_lock(&tw_agents_lock);
	a = tw_agent_find(id, is_default);
	if (a) {
		tw_agent_get(a);
	} else {
		hash_add(tw_agents, &new->node, id);
		tw_global_add(agents, 1);
		tw_agent_tell(new, TW_EVENT_AGENT_CREATED);
		*made = true;
	}
	spin_unlock(&tw_agents_lock);

	if (*made) {
		xa_store(&tw_agent_order, new->serial, new, GFP_KERNEL);
		tw_hook_call(TW_HOOK_AGENT_CREATED, new->id, new->uid, -1, 0);
		return new;
	}
	tw_agent_free(new);
	return a;
}

/* Ends an agent without references. Called with tw_agents_lock held; drops it. */
static void tw_agent_release(struct kref *ref)
	__releases(&tw_agents_lock)
{
	struct tw_agent *a = container_of(ref, struct tw_agent, ref);
	void (*ended)(struct tw_agent *a);

	hash_del(&a->node);
	tw_global_add(agents, -1);
	tw_agent_tell(a, TW_EVENT_AGENT_ENDED);
	spin_unlock(&tw_agents_lock);

	WARN_ON_ONCE(atomic_long_read(&a->regions));
	ended = READ_ONCE(tw_agent_ended);
	if (ended)
		ended(a);
	tw_hook_call(TW_HOOK_AGENT_ENDED, a->id, a->uid, -1, 0);
	tw_streams_detach(&a->audience);
	tw_agent_free(a);
}

/**
 * tw_agent_put - drop a reference
 * @a: agent
 *
 * May sleep.
 */
void tw_agent_put(struct tw_agent *a)
{
	might_sleep();
	kref_put_lock(&a->ref, tw_agent_release, &tw_agents_lock);
}

/* -- fds -------------------------------------------------------------------- */

static int tw_agent_fop_release(struct inode *inode, struct file *file)
{
	tw_agent_put(file->private_data);
	return 0;
}

static const struct file_operations tw_agent_fops = {
	.owner		= THIS_MODULE,
	.release	= tw_agent_fop_release,
};

/* Whether @a is the agent that @arg with TW_AGENT_OPEN names. Under tw_agents_lock. */
static bool tw_agent_meant(const struct tw_agent *a,
			   const struct tw_agent_create *arg, kuid_t uid)
{
	if (a->id != arg->id || a->is_default != !!(arg->flags & TW_AGENT_CGROUP))
		return false;
	if (!(arg->flags & TW_AGENT_OF))
		return tw_agent_mine(a);
	return a->ns->ns.inum == arg->user_ns && uid_eq(a->uid, uid);
}

/*
 * Finds the agent that TW_AGENT_OPEN names, for an fd of it. To a caller that is no
 * admin only its own agents exist. Returns a reference or ERR_PTR.
 */
static struct tw_agent *tw_agent_existing(const struct tw_agent_create *arg)
{
	kuid_t uid = make_kuid(current_user_ns(), arg->uid);
	struct tw_agent *a, *found = NULL;
	bool admin = tw_is_admin();
	int err;

	spin_lock(&tw_agents_lock);
	hash_for_each_possible(tw_agents, a, node, arg->id) {
		if (tw_agent_meant(a, arg, uid) && (admin || tw_agent_mine(a))) {
			found = tw_agent_get(a);
			break;
		}
	}
	spin_unlock(&tw_agents_lock);
	if (!found)
		return ERR_PTR(-ENOENT);
	err = tw_agent_charge(found);
	if (!err)
		return found;
	tw_agent_put(found);
	return ERR_PTR(err);
}

/* Makes, joins or finds an agent, as the flags say. Returns a reference or ERR_PTR. */
static struct tw_agent *tw_agent_wanted(const struct tw_agent_create *arg)
{
	struct tw_agent *a;
	bool made;

	if (arg->flags & TW_AGENT_OPEN)
		return tw_agent_existing(arg);
	a = tw_agent_open(arg->id, false, &made);
	if (IS_ERR(a) || made || (arg->flags & TW_AGENT_JOIN))
		return a;
	tw_agent_put(a);
	return ERR_PTR(-EEXIST);
}

static bool tw_agent_create_valid(const struct tw_agent_create *arg)
{
	if ((arg->flags & ~TW_AGENT_FLAGS) || arg->reserved || arg->reserved2)
		return false;
	if (!(arg->flags & TW_AGENT_OF) && (arg->uid || arg->user_ns))
		return false;
	if (arg->flags & TW_AGENT_OPEN)
		return !(arg->flags & TW_AGENT_JOIN);
	return !(arg->flags & (TW_AGENT_CGROUP | TW_AGENT_OF));
}

/**
 * tw_agent_create - TW_IOC_AGENT_CREATE
 * @arg: the ioctl's argument; ->fd is left to the caller
 *
 * May sleep.
 *
 * Return: a file that holds the agent, or ERR_PTR: -EINVAL, -EEXIST, -ENOENT,
 * -EDQUOT, -ENOMEM, -ENFILE.
 */
struct file *tw_agent_create(struct tw_agent_create *arg)
{
	struct tw_agent *a;
	struct file *file;

	if (!tw_agent_create_valid(arg))
		return ERR_PTR(-EINVAL);

	a = tw_agent_wanted(arg);
	if (IS_ERR(a))
		return ERR_CAST(a);

	file = tw_anon_file("[tierwatch-agent]", &tw_agent_fops, a);
	if (IS_ERR(file))
		tw_agent_put(a);
	return file;
}

/* -- looking up ----------------------------------------------------------- */

static u64 tw_current_cgroup_id(void)
{
	u64 id;

	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
	return id;
}

/* Returns a reference to the agent that an fd stands for, or ERR_PTR. */
static struct tw_agent *tw_agent_fget(int fd)
{
	struct tw_agent *a;
	struct file *file;

	file = fget(fd);
	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &tw_agent_fops)
		a = tw_agent_get(file->private_data);
	else
		a = ERR_PTR(-EINVAL);
	fput(file);
	return a;
}

/**
 * tw_agent_from_fd - the agent that a caller names
 * @fd: an agent's fd, or -1 for the default agent of the caller's cgroup,
 *	which is made if there is none
 *
 * Return: a reference, or ERR_PTR: -EBADF, -EINVAL, -ENOMEM.
 */
struct tw_agent *tw_agent_from_fd(int fd)
{
	bool made;

	if (fd == -1)
		return tw_agent_open(tw_current_cgroup_id(), true, &made);
	return tw_agent_fget(fd);
}

struct tw_agent *tw_agent_named(bool by_id, int fd, u64 id)
{
	struct tw_agent *a;

	if (!by_id)
		return tw_agent_from_fd(fd);
	if (fd != -1)
		return ERR_PTR(-EINVAL);
	a = tw_agent_lookup(id, false);
	return a ?: ERR_PTR(-ENOENT);
}

struct tw_agent *tw_agent_join(u64 id)
{
	bool made;

	return tw_agent_open(id, false, &made);
}

struct tw_agent *tw_agent_of_user(kuid_t uid, u64 id)
{
	struct tw_agent *a;

	spin_lock(&tw_agents_lock);
	a = tw_agent_find_of(&init_user_ns, uid, id, false);
	if (a)
		tw_agent_get(a);
	spin_unlock(&tw_agents_lock);
	return a;
}

bool tw_agent_mine(const struct tw_agent *a)
{
	return a->ns == current_user_ns() && uid_eq(a->uid, current_euid());
}

struct tw_agent *tw_agent_after(u64 serial)
{
	unsigned long i = min_t(u64, serial, ULONG_MAX);
	struct tw_agent *a;

	rcu_read_lock();
	do {
		a = xa_find_after(&tw_agent_order, &i, ULONG_MAX, XA_PRESENT);
	} while (a && !kref_get_unless_zero(&a->ref));
	rcu_read_unlock();
	return a;
}

void tw_agent_sum(struct tw_agent *a, struct tw_agent_stats *arg)
{
	int cpu, tier;

	arg->id = a->id;
	arg->is_default = a->is_default;
	arg->regions = max(atomic_long_read(&a->regions), 0L);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		arg->pages[tier] = max(atomic_long_read(&a->pages[tier]), 0L);
		arg->external[tier] = max(atomic_long_read(&a->external[tier]), 0L);
	}

	for_each_possible_cpu(cpu) {
		const struct tw_agent_cpu *c = per_cpu_ptr(a->cpu, cpu);

		for (tier = 0; tier < TW_NR_TIERS; tier++) {
			arg->faults_minor[tier] += READ_ONCE(c->minor[tier]);
			arg->faults_major[tier] += READ_ONCE(c->major[tier]);
			arg->moves_in[tier] += READ_ONCE(c->moves_in[tier]);
			arg->moves_out[tier] += READ_ONCE(c->moves_out[tier]);
		}
		arg->fault_ns += READ_ONCE(c->fault_ns);
		arg->reported += READ_ONCE(c->reported);
	}
}

/**
 * tw_agent_get_stats - TW_IOC_AGENT_STATS
 * @arg: the ioctl's argument
 *
 * A default agent that does not exist is not made; its figures read as zeros.
 *
 * Return: 0, -EINVAL, -EBADF, or -ENOENT if the caller has no agent of this label.
 */
int tw_agent_get_stats(struct tw_agent_stats *arg)
{
	struct tw_agent_stats out = {
		.size = arg->size,
		.flags = arg->flags,
		.agent_fd = arg->agent_fd,
	};
	struct tw_agent *a;

	if (arg->flags & ~TW_AGENT_STATS_FLAGS)
		return -EINVAL;

	if (arg->flags & TW_AGENT_BY_ID) {
		if (arg->agent_fd != -1)
			return -EINVAL;
		a = tw_agent_lookup(arg->id, false);
		if (!a)
			return -ENOENT;
	} else if (arg->agent_fd == -1) {
		out.id = tw_current_cgroup_id();
		out.is_default = 1;
		a = tw_agent_lookup(out.id, true);
	} else {
		a = tw_agent_fget(arg->agent_fd);
		if (IS_ERR(a))
			return PTR_ERR(a);
	}

	if (a) {
		tw_agent_sum(a, &out);
		tw_agent_put(a);
	}
	*arg = out;
	return 0;
}

/**
 * tw_agents_exit - empty the tables at unload, when nothing holds an agent any more
 */
void tw_agents_exit(void)
{
	WARN_ON(!hash_empty(tw_agents));
	WARN_ON(!xa_empty(&tw_agent_order));
	xa_destroy(&tw_agent_order);
}
