/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tier.h - the five tiers and what backs them
 *
 * A tier is bound to memory (NUMA nodes) or to a store (a block device). Its
 * backend knows pages and slots, never regions.
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

struct page;
struct file;
struct tw_store;

enum tw_tier_state {
	TW_TIER_UNBOUND,
	TW_TIER_BOUND,
	TW_TIER_LEAVING,
};

/**
 * struct tw_tier_s - one tier
 * @id: enum tw_tier
 * @kind: TW_KIND_*, constant from bind to unbind
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
struct tw_tier_s {
	int id;
	int kind;
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

extern struct tw_tier_s tw_tiers[TW_NR_TIERS];
extern struct mutex tw_tier_mutex;

/* Some memory tier has had frames that can go offline (ZONE_MOVABLE). */
DECLARE_STATIC_KEY_FALSE(tw_movable_key);
extern const char * const tw_tier_names[TW_NR_TIERS];	/* for messages */

static inline bool tw_tier_valid(int tier)
{
	return tier >= 0 && tier < TW_NR_TIERS;
}

static inline bool tw_tier_is_memory(int tier)
{
	return tier == TW_TIER_GPU || tier == TW_TIER_CPU;
}

static inline bool tw_tier_bound(int tier)
{
	return READ_ONCE(tw_tiers[tier].state) == TW_TIER_BOUND;
}

static inline atomic64_t *tw_tier_used_ctr(struct tw_tier_s *t)
{
	BUILD_BUG_ON(sizeof(t->sh->used) != sizeof(atomic64_t));
	return (atomic64_t *)&t->sh->used;
}

static inline atomic64_t *tw_tier_kept_ctr(struct tw_tier_s *t)
{
	return (atomic64_t *)&t->sh->kept;
}

static inline unsigned long tw_tier_used(struct tw_tier_s *t)
{
	return atomic64_read(tw_tier_used_ctr(t));
}

/* Out of line: schedules a look at the level (any context). */
void tw_pressure_kick(struct tw_tier_s *t);
/* Looks at the level now; process context. */
void tw_pressure_update(struct tw_tier_s *t);
void tw_pressure_work(struct work_struct *work);
/* Back to LOW: for a tier that becomes bound or unbound; @pressure_lock. */
void tw_pressure_reset(struct tw_tier_s *t, bool bound);

/*
 * Writes of @sh go between these two, under @pressure_lock. The barriers pair
 * with those of the reader's loop in uapi.
 */
static inline void tw_tier_sh_begin(struct tw_tier_s *t)
{
	WRITE_ONCE(t->sh->seq, t->sh->seq + 1);
	smp_wmb();	/* odd before the new values: the reader's fence_acquire() */
}

static inline void tw_tier_sh_end(struct tw_tier_s *t)
{
	/* Even after them: the reader's load_acquire(). */
	smp_store_release(&t->sh->seq, t->sh->seq + 1);
}

/* Publishes an event of a tier; process context. */
void tw_tier_event(struct tw_tier_s *t, unsigned int type, u64 addr, int status);

/* ->used of any tier changes only through these, any context. */
static inline void tw_tier_used_add(struct tw_tier_s *t, long n)
{
	unsigned long used = atomic64_add_return(n, tw_tier_used_ctr(t));

	if (unlikely(used >= READ_ONCE(t->pressure_up) ||
		     used < READ_ONCE(t->pressure_down)))
		tw_pressure_kick(t);
}

/*
 * Charge @n pages to a memory tier: true when it is bound and stays within
 * capacity + @over. Pairs with the full barrier after LEAVING is set.
 */
bool tw_tier_charge(struct tw_tier_s *t, unsigned long n, unsigned long over);

static inline void tw_tier_uncharge(struct tw_tier_s *t, unsigned long n)
{
	tw_tier_used_add(t, -(long)n);
}

/* A fault waited for a demotion out of @t: counts, raises the level for 1 s. */
void tw_tier_stall(struct tw_tier_s *t);

int tw_tiers_init(void);	/* after tw_stats_init(); binds NUMA tiers */
void tw_tiers_exit(void);	/* no regions exist any more */

/* ioctls (chardev.c has copied and checked size, flags and tier number) */
int tw_tier_bind(struct tw_tier_bind *arg);
int tw_tier_unbind(struct tw_tier_unbind *arg);
void tw_tier_get_info(struct tw_tier_info *arg);
/* What an access costs in either; true: @to is the faster one. */
bool tw_tier_latencies(int from, int to, u64 *from_ns, u64 *to_ns);
int tw_tier_get_pressure(struct tw_pressure *arg);
int tw_thresholds_ioctl(struct tw_thresholds *arg);	/* pressure.c */

/* -- backend_numa.c ------------------------------------------------------ */

int tw_numa_bind(struct tw_tier_s *t, const struct tw_tier_bind *arg);
/* Nodes gained or lost memory: the capacity again. */
void tw_numa_refresh(struct tw_tier_s *t);
int tw_numa_init(void);		/* memory hotplug notifier; by tw_tiers_init() */
void tw_numa_exit(void);

/*
 * One page of a memory tier that the caller has charged; near @nid, or by the
 * task's policy (NUMA_NO_NODE). The caller says in @gfp whether it may sleep,
 * is accounted, is zeroed. NULL: no memory.
 */
struct page *tw_numa_alloc(struct tw_tier_s *t, gfp_t gfp, int nid);

/* -- backend_store.c ----------------------------------------------------- */

/**
 * struct tw_io - one page's I/O
 * @slot: slot in the store
 * @error: out: 0 or -errno (-EIO, -EILSEQ: checksum wrong, …)
 * @page: order-0 page
 * @shared: out: its bio had other pages, too
 */
struct tw_io {
	u32 slot;
	int error;
	struct page *page;
	bool shared;
};

#define TW_IO_BATCH	64

int tw_stores_init(void);
void tw_stores_exit(void);
int tw_store_bind(struct tw_tier_s *t, const struct tw_tier_bind *arg);
void tw_store_unbind(struct tw_tier_s *t);	/* no slots in use */

/*
 * Up to @nr slots in one run, next fit: returns how many were got (from *@slot
 * on), 0 when full, not bound, leaving or standing still. Any context but irq.
 */
unsigned int tw_slots_alloc(struct tw_tier_s *t, unsigned int nr, u32 *slot);
void tw_slots_free(struct tw_tier_s *t, u32 slot);
/* Slots in use: pages, kept copies and writes in flight. */
unsigned long tw_slots_used(struct tw_tier_s *t);
/* Pages written to the store must not change under I/O. */
bool tw_store_stable(struct tw_tier_s *t);
/* Device number as st_rdev has it, 0 when no store is bound. */
u32 tw_store_dev(struct tw_tier_s *t);
/* The device has gone or failed a write lately: avoid it for new pages. */
bool tw_store_failing(struct tw_tier_s *t);

/**
 * struct tw_xfer - I/O of some pages, all under way together
 * @t: store
 * @io: the pages
 * @nr: how many, at most TW_IO_BATCH
 * @at: the next one that may have to be read again alone
 * @bad: of those read alone, failures in a row
 * @write: it is a write
 * @bios: in flight, and one for the submitter
 * @state: TW_XFER_*
 * @landed: ends it in a worker, once its owner has left it
 * @work: does that
 *
 * In memory that outlives the I/O: a device may keep it for ever. The owner
 * starts it, waits, and when tw_xfer_wait() says that it has landed calls
 * tw_xfer_end(). An owner that cannot wait any longer leaves it: everything
 * that @landed needs, the transfer as well, is then @landed's to release.
 */
struct tw_xfer {
	struct tw_tier_s *t;
	struct tw_io *io;
	unsigned int nr;
	unsigned int at;
	unsigned int bad;
	bool write;
	atomic_t bios;
	unsigned long state;
	void (*landed)(struct tw_xfer *f);
	struct work_struct work;
};

#define TW_XFER_FLYING	0	/* bits of tw_xfer.state */
#define TW_XFER_LEFT		1

/* I/O that takes longer is taken for hung by those who have other things to do. */
#define TW_XFER_HUNG		(10 * HZ)

/*
 * Neighbours are merged into one bio. GFP_NOIO. The owner has slots and pages.
 * Writes remember the crc32c, reads check it. Writes end with -EBUSY while the
 * stores stand still.
 */
void tw_xfer_read(struct tw_xfer *f, struct tw_tier_s *t, struct tw_io *io,
		    unsigned int nr);
void tw_xfer_write(struct tw_xfer *f, struct tw_tier_s *t, struct tw_io *io,
		     unsigned int nr);
/*
 * Sleeps in @state until it has landed: 0; -EINTR for a signal, -EAGAIN when
 * @timeout jiffies (MAX_SCHEDULE_TIMEOUT: none) have passed without news.
 */
int tw_xfer_wait(struct tw_xfer *f, unsigned int state, long timeout);
/*
 * True: left, @landed comes in process context and @f is no longer the
 * caller's; false: it lands just now, wait again. The caller has prepared for
 * both: @landed may run at once.
 */
bool tw_xfer_leave(struct tw_xfer *f, void (*landed)(struct tw_xfer *f));
/* It takes so long that its device is avoided for a while. */
void tw_xfer_hung(struct tw_xfer *f);
/*
 * After landing: each io->error is set; returns how many failed. Counts bytes
 * and errors, emits TW_EVENT_TIER_ERROR and a rate-limited message for each
 * failure.
 */
unsigned int tw_xfer_end(struct tw_xfer *f);

/* -- hibernate.c ------------------------------------------------------------ */

int tw_hibernate_init(void);
void tw_hibernate_exit(void);
/* An image of memory is being made: no slot is given out or written. */
bool tw_stores_still(void);

/* -- provided by the region side (evacuate.c) ------------------------------ */

/*
 * Move everything off @t (LEAVING): regions, kept copies. 0, -ENOSPC, -EBUSY,
 * -EIO, -EINTR. With @force unreadable pages are given up. *@moved counts.
 */
int tw_evacuate_tier(struct tw_tier_s *t, bool force, u64 *moved);
/* Move every page within [pfn, pfn + nr) elsewhere; 0 or -EBUSY/-ENOSPC. */
int tw_evacuate_pfns(unsigned long pfn, unsigned long nr);
/* Regions alive. */
bool tw_regions_exist(void);
/* Room is short in memory tier @t: wake the background demotion. Any context. */
void tw_demote_kick(struct tw_tier_s *t);
void tw_demote_stalled(void);		/* a fault has found no room */

#endif
