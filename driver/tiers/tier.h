/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tier.h - the five tiers and what backs them
 *
 * A tier is bound to memory (NUMA nodes) or to a store (a block device). Its
 * backend knows pages and slots, never regions.
 *
 * Which of the two a tier is, its kind, is the binding's: constant from bind until
 * the last charge has gone and it is let go. Its number says only what is asked of
 * it (bind.c) and in which order tiers are tried (order_calc.h).
 *
 * Lifetimes. What is charged to a tier pins its binding: a page in a memory
 * tier (tw_tier_charge()), an allocated slot of a store (tw_slots_alloc()).
 * Unbinding sets TW_TIER_LEAVING, which makes every later charge fail, moves
 * the pages away and lets go only when nothing is charged any more. So whoever
 * holds a charge may use ->nodes or ->store without a lock; anybody else looks
 * at ->store under rcu_read_lock() only.
 *
 * Locks. tw_tier_mutex serialises bind and unbind and is taken before
 * everything else in the driver. tw_store.lock (a spinlock, innermost) guards
 * the slot bitmap.
 */
#ifndef _TW_TIER_H
#define _TW_TIER_H

#include <linux/atomic.h>
#include <linux/jump_label.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/workqueue.h>
#include <linux/tierwatch.h>

#include "tiers/order_calc.h"
#include "tiers/tier_ops.h"

struct page;
struct file;
struct tw_store;

enum tw_tier_state {
	TW_TIER_UNBOUND,
	TW_TIER_BOUND,
	TW_TIER_LEAVING,
};

/**
 * struct tw_tier_desc - a tier: what it is bound to, and how full it is
 * @id: enum tw_tier
 * @kind: TW_KIND_*, constant from bind until it is let go; READ_ONCE() as @state
 * @ops: its backend, from bind until it is let go; for holders of a charge
 * @state: enum tw_tier_state; READ_ONCE() outside tw_tier_mutex
 * @capacity: pages; changed under @pressure_lock while bound
 * @asked: NUMA tiers: the capacity asked for at bind, 0 for all there is
 * @leave: NUMA tiers: percent of each node that is left to others, 0: none
 * @latency_ns: measured at bind
 * @bandwidth: bytes per second, measured at bind
 * @nodes: NUMA tiers: where pages come from
 * @nearest: NUMA tiers: for each node the nearest of @nodes with memory, or
 *	NUMA_NO_NODE
 * @movable: NUMA tiers: the nodes have only ZONE_MOVABLE
 * @store: stores: RCU, see above
 * @sh: its block of the stats page; sh->used and sh->kept are live
 * @stalled_until: jiffies until which stalls raise the pressure level
 * @pressure_lock: orders changes of the level and the writes of @sh
 * @pressure_up: used pages from which the level must be looked at again
 * @pressure_down: used pages below which it must be looked at again
 * @pressure_base: enum tw_level by use alone, without stalls; @pressure_lock
 * @pressure_kicked: @pressure_work is about to run
 * @pressure_work: looks at the level
 */
struct tw_tier_desc {
	int id;
	int kind;
	const struct tw_tier_ops *ops;
	int state;
	unsigned long capacity;
	unsigned long asked;
	unsigned int leave;
	u64 latency_ns;
	u64 bandwidth;
	nodemask_t nodes;
	s16 nearest[MAX_NUMNODES];
	bool movable;
	struct tw_store __rcu *store;
	struct tw_stats_tier *sh;
	unsigned long stalled_until;
	spinlock_t pressure_lock;
	unsigned long pressure_up;
	unsigned long pressure_down;
	unsigned int pressure_base;
	atomic_t pressure_kicked;
	struct delayed_work pressure_work;
};

extern struct tw_tier_desc tw_tiers[TW_NR_TIERS];
extern struct mutex tw_tier_mutex;

/* Some memory tier has had frames that can go offline (ZONE_MOVABLE). */
DECLARE_STATIC_KEY_FALSE(tw_movable_key);
extern const char * const tw_tier_names[TW_NR_TIERS];	/* for messages */

static inline bool tw_tier_valid(int tier)
{
	return tier >= 0 && tier < TW_NR_TIERS;
}

/*
 * The tiers of each kind, a bit each, while they are bound or leaving: as their
 * ->kind, for all at a glance. tw_tier_set_kind() alone changes them.
 */
extern unsigned int tw_memory_tiers;
extern unsigned int tw_store_tiers;

/*
 * Is the tier bound, or leaving, and its pages frames of memory? It stays so as
 * long as anything is charged to it; to all others it is a hint.
 */
static inline bool tw_tier_is_memory(int tier)
{
	return tw_order_has(READ_ONCE(tw_memory_tiers), tier);
}

/* The same for a store. What is not bound is neither. */
static inline bool tw_tier_is_store(int tier)
{
	return tw_order_has(READ_ONCE(tw_store_tiers), tier);
}

/*
 * The next memory tier behind @tier, with @first as the preferred one, and the next
 * store behind @tier (order_calc.h). @tier is -1 before the first.
 */
int tw_memory_next(int first, int tier);
int tw_store_next(int tier);

/*
 * The memory tiers, that of number @_first at first if it is one, and the stores,
 * fastest first: those that are bound or leaving. Any may be bound or let go
 * meanwhile, so that whoever needs to know asks again.
 */
#define tw_for_each_memory_tier_from(_first, _tier)			\
	for ((_tier) = tw_tier_is_memory(_first) ? (_first) :		\
	     tw_memory_next(_first, -1); (_tier) < TW_NR_TIERS;		\
	     (_tier) = tw_memory_next(_first, _tier))
#define tw_for_each_memory_tier(_tier)					\
	for ((_tier) = tw_memory_next(TW_TIER_NONE, -1);		\
	     (_tier) < TW_NR_TIERS;					\
	     (_tier) = tw_memory_next(TW_TIER_NONE, _tier))
#define tw_for_each_store_tier(_tier)					\
	for ((_tier) = tw_store_next(-1); (_tier) < TW_NR_TIERS;	\
	     (_tier) = tw_store_next(_tier))

static inline bool tw_tier_bound(int tier)
{
	return READ_ONCE(tw_tiers[tier].state) == TW_TIER_BOUND;
}

/* Is any memory tier bound, but for @except (TW_TIER_NONE: for none)? */
bool tw_memory_bound(int except);
/*
 * Which tier is short of room when a page finds none that is to be in @preferred?
 * That one, unless it is a store.
 */
int tw_memory_short(int preferred);

static inline atomic64_t *tw_tier_used_ctr(struct tw_tier_desc *t)
{
	BUILD_BUG_ON(sizeof(t->sh->used) != sizeof(atomic64_t));
	return (atomic64_t *)&t->sh->used;
}

static inline atomic64_t *tw_tier_kept_ctr(struct tw_tier_desc *t)
{
	return (atomic64_t *)&t->sh->kept;
}

static inline unsigned long tw_tier_used(struct tw_tier_desc *t)
{
	return atomic64_read(tw_tier_used_ctr(t));
}

/* Out of line: schedules a look at the level (any context). */
void tw_pressure_kick(struct tw_tier_desc *t);

/*
 * Writes of @sh go between these two, under @pressure_lock. The barriers pair
 * with those of the reader's loop in uapi.
 */
static inline void tw_tier_sh_begin(struct tw_tier_desc *t)
{
	WRITE_ONCE(t->sh->seq, t->sh->seq + 1);
	smp_wmb();	/* odd before the new values: the reader's fence_acquire() */
}

static inline void tw_tier_sh_end(struct tw_tier_desc *t)
{
	/* Even after them: the reader's load_acquire(). */
	smp_store_release(&t->sh->seq, t->sh->seq + 1);
}

/* Publishes an event of a tier; process context. */
void tw_tier_event(struct tw_tier_desc *t, unsigned int type, u64 addr, int status);

/* ->used of any tier changes only through these, any context. */
static inline void tw_tier_used_add(struct tw_tier_desc *t, long n)
{
	unsigned long used = atomic64_add_return(n, tw_tier_used_ctr(t));

	if (unlikely(used >= READ_ONCE(t->pressure_up) ||
		     used < READ_ONCE(t->pressure_down)))
		tw_pressure_kick(t);
}

/*
 * Charge @n pages to a tier: true when it is memory, bound, and stays within
 * capacity + @over. Pairs with the full barrier after LEAVING is set.
 */
bool tw_tier_charge(struct tw_tier_desc *t, unsigned long n,
		    unsigned long over);

static inline void tw_tier_uncharge(struct tw_tier_desc *t, unsigned long n)
{
	tw_tier_used_add(t, -(long)n);
}

/* See tw_tier_ops.alloc: a page of a memory tier that the caller has charged. */
static inline struct page *tw_tier_alloc(struct tw_tier_desc *t, gfp_t gfp, int nid)
{
	return t->ops->alloc(t, gfp, nid);
}

/* What an access costs in either; true: @to is the faster one. */
bool tw_tier_latencies(int from, int to, u64 *from_ns, u64 *to_ns);

#endif
