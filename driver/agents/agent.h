/* SPDX-License-Identifier: GPL-2.0 */
/*
 * agent.h - groups of programs that memory is accounted to
 *
 * An agent is referenced by its fds and by every region accounted to it, a
 * default one also by its external pages, all of them together. Its label is
 * unique per (user namespace, uid); default agents, one per cgroup and user,
 * carry the cgroup's id and live in a name space of their own.
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
 * @ref: fd and regions
 * @id: label
 * @serial: its place in the order of making
 * @is_default: default agent of a cgroup
 * @uid: owner
 * @ns: user namespace that @uid belongs to (referenced)
 * @user: whom it is charged to (per-uid caps); NULL for a default one that
 *	nobody has opened
 * @pages: pages per tier, live
 * @external: external pages per tier
 * @limit: pages of regions per tier that it should not exceed
 * @hard: how high @limit may be set without CAP_SYS_RESOURCE
 * @over: bit by tier: over its limit when last looked at
 * @externals: its external pages; external.c's lock
 * @regions: regions alive
 * @cpu: counters
 * @audience: streams of its events; stream.c's
 * @node: in the table of agents
 * @rcu: freed after a grace period
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

/*
 * Locks. tw_agents_lock (agent.c, a spinlock) guards the table and the drop of
 * the last reference; tw_agent_emit() is the only thing called under it.
 */
int tw_agents_init(void);
void tw_agents_exit(void);

/* What is to be called for an agent that has no reference left; sleeps. Or NULL. */
void tw_agent_on_end(void (*ended)(struct tw_agent *a));

void tw_agent_put(struct tw_agent *a);		/* may sleep */
static inline struct tw_agent *tw_agent_get(struct tw_agent *a)
{
	kref_get(&a->ref);
	return a;
}

/* A reference, or ERR_PTR. -1: the default agent; else an agent's fd (EBADF, EINVAL). */
struct tw_agent *tw_agent_from_fd(int fd);
/* The caller has checked the sizes; arg->fd is for the caller to fill in. */
struct file *tw_agent_create(struct tw_agent_create *arg);
int tw_agent_get_stats(struct tw_agent_stats *arg);
/* The caller's own. */
bool tw_agent_mine(const struct tw_agent *a);
/* The one with the next higher serial than @serial: a reference or NULL. */
struct tw_agent *tw_agent_after(u64 serial);
/* Its figures, onto the zeros of @arg. */
void tw_agent_sum(struct tw_agent *a, struct tw_agent_stats *arg);
/*
 * An existing agent as ioctls name it: by @id among the caller's own with
 * @by_id, else as tw_agent_from_fd(), which makes a default one. A reference or
 * ERR_PTR: -ENOENT, -EBADF, -EINVAL, -ENOMEM.
 */
struct tw_agent *tw_agent_named(bool by_id, int fd, u64 id);
/* The caller's agent of this label, made if need be. A reference or ERR_PTR. */
struct tw_agent *tw_agent_join(u64 id);
/* That of @uid, in the initial user namespace: a reference or NULL. */
struct tw_agent *tw_agent_of_user(kuid_t uid, u64 id);

/* How many more pages of @a may go to @tier. */
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
 * Publishes @ev, which is about @a (may be NULL), as tw_emit_at() does; ->agent is
 * set to its label. The caller has a reference. Any context but NMI.
 */
static inline void tw_agent_emit_at(struct tw_agent *a, struct tw_event *ev,
				    const struct mm_struct *mm)
{
	if (a)
		ev->agent = a->id;
	tw_emit_at(a ? &a->audience : NULL, ev, mm);
}

/* The same for an event whose ->addr is no address. */
static inline void tw_agent_emit(struct tw_agent *a, struct tw_event *ev)
{
	tw_agent_emit_at(a, ev, NULL);
}

static inline void tw_agent_pages(struct tw_agent *a, int tier, long n)
{
	atomic_long_add(n, &a->pages[tier]);
}

static inline void tw_agent_fault(struct tw_agent *a, int tier, bool major, u64 ns)
{
	struct tw_agent_cpu *c = get_cpu_ptr(a->cpu);

	if (major)
		WRITE_ONCE(c->major[tier], c->major[tier] + 1);
	else
		WRITE_ONCE(c->minor[tier], c->minor[tier] + 1);
	WRITE_ONCE(c->fault_ns, c->fault_ns + ns);
	put_cpu_ptr(a->cpu);
}

/* Any context but NMI; a reference or RCU. */
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
