/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tier.h - the five tiers and what backs them
 *
 * A tier is bound to memory (NUMA nodes) or to a store (a block device). Its
 * backend knows pages and slots, never regions.
 *
 * Which of the two a tier is, its kind, depends on what it is bound to. The kind is
 * constant from bind until the last charge has gone and the tier is let go. A tier's
 * number only says what it may be bound to (bind.c) and in which order tiers are
 * tried (order_calc.h).
 *
 * Lifetimes. What is charged to a tier pins its binding: a page in a memory
 * tier (tw_tier_charge()), an allocated slot of a store (tw_slots_alloc()).
 * Unbinding sets TW_TIER_LEAVING, which makes every later charge fail, moves
 * the pages away and lets go only when nothing is charged any more. So a caller
 * that holds a charge may use ->nodes or ->store without a lock; any other caller
 * looks at ->store under rcu_read_lock() only.
 *
 * Locks. tw_tier_mutex serialises bind and unbind and is taken before
 * everything else in the driver. A tier's pressure_lock (a spinlock of process
 * context) guards what others read of the tier, see tier.c. tw_store.lock (a
 * spinlock, innermost) guards the slot bitmap.
 *
 * All higher rooms call these functions, in any context unless their comment says
 * otherwise.
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
#include "tiers/pressure_calc.h"
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
 * @kind: TW_KIND_*, constant from bind until it is let go; READ_ONCE() as for @state
 * @ops: its backend, from bind until it is let go; used by holders of a charge, and
 *	under tw_tier_mutex
 * @state: enum tw_tier_state; READ_ONCE() outside tw_tier_mutex
 * @capacity: pages; changed under @pressure_lock while bound
 * @asked: NUMA tiers: the capacity asked for at bind, 0 for all there is
 * @leave: NUMA tiers: percent of each node that is left to others, may be 0
 * @latency_ns: measured at bind
 * @bandwidth: bytes per second, measured at bind
 * @nodes: NUMA tiers: where pages come from
 * @nearest: NUMA tiers: for each node the nearest of @nodes with memory, or
 *	NUMA_NO_NODE
 * @movable: NUMA tiers: the nodes have only ZONE_MOVABLE
 * @store: stores: RCU, see above
 * @sh: its block of the stats page; sh->used and sh->kept are live
 * @stall_on: how long is waited is looked at after each period; a hint
 * @stall_kicked: a fault has waited, or a transfer of a store has begun, which is still to
 *	be looked at; a hint
 * @pressure_lock: orders changes of the level and the writes of @sh
 * @pressure_up: used pages from which the level must be looked at again
 * @pressure_down: used pages below which it must be looked at again
 * @pressure_base: enum tw_level by room alone; under @pressure_lock
 * @pressure_own: where the tier's own use changes that; under @pressure_lock
 * @stall: the share of time that is waited; under @pressure_lock
 * @io_lock: guards @io; innermost, any context
 * @io: stores: the time that transfers take
 * @slow: stores: how much of that is too long; under @pressure_lock
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
	bool stall_on;
	bool stall_kicked;
	spinlock_t pressure_lock;
	unsigned long pressure_up;
	unsigned long pressure_down;
	unsigned int pressure_base;
	struct tw_pressure_state pressure_own;
	struct tw_stall stall;
	spinlock_t io_lock;
	struct tw_io_time io;
	struct tw_slow slow;
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
 * The tiers of each kind that are bound or leaving, a bit for each: what their ->kind
 * says, in one word. Only tw_tier_set_kind() changes them.
 */
extern unsigned int tw_memory_tiers;
extern unsigned int tw_store_tiers;

/*
 * Is the tier, bound or leaving, one of memory? The answer holds as long as anything
 * is charged to the tier. To a caller that holds no charge it is a hint.
 */
static inline bool tw_tier_is_memory(int tier)
{
	return tw_order_has(READ_ONCE(tw_memory_tiers), tier);
}

/* The same for a store. A tier that is not bound is of neither kind. */
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
 * Loops over the memory tiers, beginning with @_first if it is one, and over the
 * stores, fastest first. They visit tiers that are bound or leaving. Since a tier may
 * be bound or let go meanwhile, a caller that needs it bound has to check that.
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

/* Is any memory tier but @except bound? @except may be TW_TIER_NONE. */
bool tw_memory_bound(int except);
/*
 * The tier that counts as short of room when a page finds none in memory: the tier
 * that it is to be in, @preferred, or if that is a store the first memory tier.
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

/* Has the pressure level looked at soon. Any context; out of line, since it is rare. */
void tw_pressure_kick(struct tw_tier_desc *t);

/*
 * Writes of @sh go between these two, under @pressure_lock. The barriers pair
 * with those of the reader's loop, which is in the uapi header.
 */
static inline void tw_tier_sh_begin(struct tw_tier_desc *t)
{
	WRITE_ONCE(t->sh->seq, t->sh->seq + 1);
	smp_wmb();	/* ->seq is odd before the new values; reader: fence_acquire() */
}

static inline void tw_tier_sh_end(struct tw_tier_desc *t)
{
	/* ->seq is even after the new values; pairs with the reader's load_acquire(). */
	smp_store_release(&t->sh->seq, t->sh->seq + 1);
}

/* Sets, and shows, how many pages a bound tier holds. Under @pressure_lock. */
static inline void tw_tier_set_capacity(struct tw_tier_desc *t, unsigned long capacity)
{
	lockdep_assert_held(&t->pressure_lock);

	WRITE_ONCE(t->capacity, capacity);
	tw_tier_sh_begin(t);
	WRITE_ONCE(t->sh->capacity, capacity);
	tw_tier_sh_end(t);
}

/* Publishes an event of a tier; process context. */
void tw_tier_event(struct tw_tier_desc *t, unsigned int type, u64 addr, int status);

/* ->used of a tier changes only in this and the next two functions. Any context. */
static inline void tw_tier_used_add(struct tw_tier_desc *t, long n)
{
	unsigned long used = atomic64_add_return(n, tw_tier_used_ctr(t));

	if (unlikely(used >= READ_ONCE(t->pressure_up) ||
		     used < READ_ONCE(t->pressure_down)))
		tw_pressure_kick(t);
}

/*
 * Charges @n pages to a tier: true when it is memory, bound, and stays within
 * capacity + @over. Pairs with the full barrier in tw_tier_leave() (unbind.c).
 */
bool tw_tier_charge(struct tw_tier_desc *t, unsigned long n,
		    unsigned long over);

static inline void tw_tier_uncharge(struct tw_tier_desc *t, unsigned long n)
{
	tw_tier_used_add(t, -(long)n);
}

/* Allocates pages of a memory tier that the caller has charged: tw_tier_ops.alloc. */
static inline struct page *tw_tier_alloc(struct tw_tier_desc *t, gfp_t gfp,
					 unsigned int order, int nid)
{
	return t->ops->alloc(t, gfp, order, nid);
}

/* Tells what an access costs in each of two tiers. True when @to is the faster one. */
bool tw_tier_latencies(int from, int to, u64 *from_ns, u64 *to_ns);

#endif
