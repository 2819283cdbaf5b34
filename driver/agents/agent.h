/* SPDX-License-Identifier: GPL-2.0 */
/*
 * agent.h - groups of programs that memory is accounted to
 *
 * An agent is referenced by its fds and by each region accounted to it. The external
 * pages of a default agent together hold one reference, too. A label is unique per
 * (user namespace, uid). Default agents, one per cgroup and user, have the cgroup's
 * id as their label, and their labels do not collide with those of other agents.
 */
#ifndef _TW_AGENT_H
#define _TW_AGENT_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/uidgid.h>
#include <linux/tierwatch.h>

#include "events/stream.h"

struct tw_user;
struct user_namespace;

/**
 * struct tw_agent_cpu - an agent's counters of one CPU
 * @minor: faults on pages in memory, by tier
 * @major: faults on pages in a store, by tier
 * @moves_in: pages moved into each tier
 * @moves_out: pages moved out of each tier
 * @fault_ns: time spent in its faults
 * @reported: touches of external pages that have been reported
 */
struct tw_agent_cpu {
	u64 minor[TW_NR_TIERS];
	u64 major[TW_NR_TIERS];
	u64 moves_in[TW_NR_TIERS];
	u64 moves_out[TW_NR_TIERS];
	u64 fault_ns;
	u64 reported;
};

/**
 * struct tw_agent - an agent
 * @ref: references, as above
 * @id: label
 * @serial: index in tw_agent_order, which has agents in the order of making
 * @is_default: default agent of a cgroup
 * @uid: owner
 * @ns: user namespace that @uid belongs to (referenced)
 * @user: the user it is charged to (TW_USER_AGENTS, referenced); NULL for a
 *	default agent as long as no process has opened an fd of it
 * @pages: pages of its regions per tier; may be below 0 for a moment
 * @external: external pages per tier
 * @limit: pages of its regions per tier that it should not exceed
 * @hard: how high @limit may be set without CAP_SYS_RESOURCE
 * @over: a bit per tier: a notice that it is over its limit has been sent
 * @externals: list of its external pages; under the lock of external.c
 * @regions: number of its regions
 * @cpu: counters
 * @audience: streams of its events; owned by stream.c
 * @node: in tw_agents
 * @rcu: frees it after a grace period
 */
struct tw_agent {
	struct kref ref;
	u64 id;
	u32 serial;
	bool is_default;
	kuid_t uid;
	struct user_namespace *ns;
	struct tw_user *user;
	atomic_long_t pages[TW_NR_TIERS];
	atomic_long_t external[TW_NR_TIERS];
	u64 limit[TW_NR_TIERS];
	u64 hard[TW_NR_TIERS];
	unsigned long over;
	struct list_head externals;
	atomic_long_t regions;
	struct tw_agent_cpu __percpu *cpu;
	struct tw_audience audience;
	struct hlist_node node;
	struct rcu_head rcu;
};

void tw_agents_exit(void);

/*
 * Registers a callback for agents whose last reference is gone, or none with NULL.
 * The callback may sleep.
 */
void tw_agent_on_end(void (*ended)(struct tw_agent *a));

void tw_agent_put(struct tw_agent *a);
static inline struct tw_agent *tw_agent_get(struct tw_agent *a)
{
	kref_get(&a->ref);
	return a;
}

struct tw_agent *tw_agent_from_fd(int fd);
struct file *tw_agent_create(struct tw_agent_create *arg);
int tw_agent_get_stats(struct tw_agent_stats *arg);
/* Whether @a belongs to the caller: its euid and user namespace are the agent's. */
bool tw_agent_mine(const struct tw_agent *a);
/* Returns a reference to the agent with the lowest serial above @serial, or NULL. */
struct tw_agent *tw_agent_after(u64 serial);
/* Sets the label and the figures of @arg, whose figures are 0 before. */
void tw_agent_sum(struct tw_agent *a, struct tw_agent_stats *arg);
/*
 * Finds an agent as ioctls name it: with @by_id the caller's agent of label @id, and
 * @fd must be -1; else as tw_agent_from_fd() does, which makes a default agent.
 * Returns a reference or ERR_PTR: -ENOENT, -EBADF, -EINVAL, -ENOMEM.
 */
struct tw_agent *tw_agent_named(bool by_id, int fd, u64 id);
/*
 * Finds or makes the caller's agent of label @id. Returns a reference or ERR_PTR:
 * -EDQUOT, -ENOMEM.
 */
struct tw_agent *tw_agent_join(u64 id);
/*
 * Finds the agent of label @id that @uid has in the initial user namespace. Returns a
 * reference or NULL.
 */
struct tw_agent *tw_agent_of_user(kuid_t uid, u64 id);

/* How many more pages of @a may go to @tier; TW_NO_LIMIT if it has no limit there. */
static inline u64 tw_agent_room(struct tw_agent *a, int tier)
{
	u64 limit = READ_ONCE(a->limit[tier]);
	long pages;

	if (likely(limit == TW_NO_LIMIT))
		return limit;
	pages = max(atomic_long_read(&a->pages[tier]), 0L);
	return limit > pages ? limit - pages : 0;
}

/*
 * Publishes @ev, an event of agent @a (may be NULL), as tw_emit_at() does, and sets
 * ->agent to its label. The caller has a reference to @a. Any context but NMI.
 */
static inline void tw_agent_emit_at(struct tw_agent *a, struct tw_event *ev,
				    const struct mm_struct *mm)
{
	if (a)
		ev->agent = a->id;
	tw_emit_at(a ? &a->audience : NULL, ev, mm);
}

/* The same for an event whose ->addr is 0 or a number, but no address. */
static inline void tw_agent_emit(struct tw_agent *a, struct tw_event *ev)
{
	tw_agent_emit_at(a, ev, NULL);
}

static inline void tw_agent_pages(struct tw_agent *a, int tier, long n)
{
	atomic_long_add(n, &a->pages[tier]);
}

/* @c are the agent's counters of this CPU; preemption is off. */
static inline void tw_agent_fault(struct tw_agent_cpu *c, int tier, bool major, u64 ns)
{
	u64 *kind = major ? &c->major[tier] : &c->minor[tier];

	WRITE_ONCE(*kind, *kind + 1);
	WRITE_ONCE(c->fault_ns, c->fault_ns + ns);
}

/*
 * Any context but NMI. The caller has a reference or is in an RCU read section, as
 * reports of external pages are.
 */
static inline void tw_agent_reported(struct tw_agent *a)
{
	this_cpu_inc(a->cpu->reported);
}

static inline void tw_agent_moved(struct tw_agent *a, int from, int to, u64 n)
{
	struct tw_agent_cpu *c = get_cpu_ptr(a->cpu);

	WRITE_ONCE(c->moves_out[from], c->moves_out[from] + n);
	WRITE_ONCE(c->moves_in[to], c->moves_in[to] + n);
	put_cpu_ptr(a->cpu);
}

#endif
