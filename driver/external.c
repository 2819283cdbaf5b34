// SPDX-License-Identifier: GPL-2.0
/*
 * external.c - pages of somebody else, known by frame number only
 *
 * Owns the table of external pages: an xarray by frame number of entries of a
 * cache line each, since there may be tens of millions. It moves none of
 * them: that is their owner's mover's work.
 *
 * Locks. The xarray's own lock (process context) guards the table, the agents'
 * lists ->externals, the moves under way and all of an entry but its hints:
 * heat, time and votes change without any lock, and a race costs an
 * observation. An entry's agent outlives its time in the table:
 * tw_external_drop_agent() takes the lock before the agent goes. Lookups and
 * reports are under RCU only, in any context but NMI; entries and agents are
 * freed after a grace period. Lock order: xarray -> tw_users_lock.
 *
 * Who moves a page has set its ->busy under the lock and holds a reference to
 * its agent; until ->busy is cleared nobody else moves it or takes it out.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "agent.h"
#include "external.h"
#include "heat.h"
#include "lookup.h"
#include "numa.h"
#include "region.h"
#include "stats.h"
#include "user.h"

/* Seconds without a report after which the heat is half. */
#define TW_EXT_DECAY	10U

/**
 * struct tw_ext - an external page
 * @in_agent: in its agent's ->externals
 * @rcu: instead of @in_agent once it is out of the table
 * @agent: accounted to; RCU keeps the struct and its counters for readers
 * @user: charged, referenced
 * @mover: its owner's, or NULL
 * @pfn: frame number, its key
 * @votes: nodes whose CPUs touch it, as in a record's word
 * @touched: second of CLOCK_MONOTONIC in which it was reported last
 * @heat: as of then
 * @node: NUMA node, or NUMA_NO_NODE
 * @tier: where it is
 * @busy: it is being moved
 */
struct tw_ext {
	union {
		struct list_head in_agent;
		struct rcu_head rcu;
	};
	struct tw_agent *agent;
	struct tw_user *user;
	const struct tw_mover *mover;
	u64 pfn;
	u32 votes;
	u32 touched;
	u16 heat;
	s16 node;
	u8 tier;
	u8 busy;
};

/**
 * struct tw_flight - a move under way
 * @node: in tw_flights
 * @e: the page
 * @agent: its agent, referenced
 * @mover: who moves it
 * @from: tier that it leaves
 */
struct tw_flight {
	struct list_head node;
	struct tw_ext *e;
	struct tw_agent *agent;
	const struct tw_mover *mover;
	int from;
};

/**
 * struct tw_leaving - a mover that is being dropped: it moves nothing any more
 * @node: in tw_leavings
 * @mover: which
 */
struct tw_leaving {
	struct list_head node;
	const struct tw_mover *mover;
};

static DEFINE_XARRAY_FLAGS(tw_exts, XA_FLAGS_ACCOUNT);
static struct kmem_cache *tw_ext_cache;
static LIST_HEAD(tw_flights);
static LIST_HEAD(tw_leavings);
static DECLARE_WAIT_QUEUE_HEAD(tw_flights_wq);

/* -- an entry ---------------------------------------------------------------- */

static void tw_ext_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(tw_ext_cache, container_of(rcu, struct tw_ext, rcu));
}

/* Under the table's lock or RCU. */
static struct tw_ext *tw_ext_find(u64 pfn)
{
	return pfn < TW_MAX_PFN ? xa_load(&tw_exts, pfn) : NULL;
}

/* The node of a frame that has one. */
static int tw_frame_node(u64 pfn)
{
	struct page *page = NULL;

	if (pfn <= ULONG_MAX >> PAGE_SHIFT)
		page = pfn_to_online_page(pfn);
	return page ? page_to_nid(page) : NUMA_NO_NODE;
}

static void tw_ext_count(struct tw_ext *e, int n)
{
	atomic_long_add(n, &e->agent->external[e->tier]);
	tw_global_add(external, n);
	tw_global_add(external_bytes, n * (long)sizeof(*e));
}

/*
 * The second half of putting it into the table: the agent's part. Default
 * agents live only while something is accounted to them, so their external
 * pages hold them together.
 */
static void tw_ext_link(struct tw_ext *e)
{
	struct tw_agent *a = e->agent;

	lockdep_assert_held(&tw_exts.xa_lock);
	if (a->is_default && list_empty(&a->externals))
		tw_agent_get(a);
	list_add_tail(&e->in_agent, &a->externals);
	tw_ext_count(e, 1);
}

/*
 * Takes it out of the table and frees it. Returns an agent that the caller has
 * to put once it has dropped the lock, or NULL.
 */
static struct tw_agent *tw_ext_unlink(struct tw_ext *e)
{
	struct tw_agent *a = e->agent;

	lockdep_assert_held(&tw_exts.xa_lock);
	__xa_erase(&tw_exts, e->pfn);
	list_del(&e->in_agent);
	tw_ext_count(e, -1);
	tw_user_uncharge(e->user, TW_USER_EXTERNAL, 1);
	tw_user_put(e->user);
	call_rcu(&e->rcu, tw_ext_free_rcu);
	return a->is_default && list_empty(&a->externals) ? a : NULL;
}

static void tw_ext_put_agent(struct tw_agent *a)
{
	if (a)
		tw_agent_put(a);
}

/* -- heat -------------------------------------------------------------------- */

/* Its heat by now; *@age: tens of seconds since the last report. */
static unsigned int tw_ext_heat(const struct tw_ext *e, u32 now, unsigned int *age)
{
	/* Another CPU's report may be of a later second than @now. */
	s32 idle = max_t(s32, now - READ_ONCE(e->touched), 0);

	*age = idle / TW_EXT_DECAY;
	return READ_ONCE(e->heat) >> min(*age, 16U);
}

/* Queues of candidates hear of heat by bands, as from tw_rec_touch(). */
static void tw_ext_set_heat(struct tw_ext *e, u64 pfn, unsigned int heat,
			    u32 touched)
{
	unsigned int old = READ_ONCE(e->heat);

	heat = min_t(unsigned int, heat, U16_MAX);
	WRITE_ONCE(e->heat, heat);
	WRITE_ONCE(e->touched, touched);
	if (tw_heat_band(heat) != tw_heat_band(old))
		tw_heat_banded(pfn, READ_ONCE(e->tier), heat);
}

/**
 * tw_external_set_heat - say how hot an external page is
 * @pfn: frame number
 * @heat: heat from now on; with @aged at most 32767
 * @aged: as if it had not been reported for ten seconds, else just reported
 *
 * Any context but NMI.
 *
 * Return: 0, or -ENOENT: not tracked.
 */
int tw_external_set_heat(u64 pfn, unsigned int heat, bool aged)
{
	u32 now = ktime_get_seconds();
	struct tw_ext *e;

	rcu_read_lock();
	e = tw_ext_find(pfn);
	if (e && aged)	/* what is stored halves once by now */
		tw_ext_set_heat(e, pfn, min(heat, U16_MAX / 2U) * 2,
				now - TW_EXT_DECAY);
	else if (e)
		tw_ext_set_heat(e, pfn, heat, now);
	rcu_read_unlock();
	return e ? 0 : -ENOENT;
}

/* -- looking ----------------------------------------------------------------- */

static void tw_ext_describe(const struct tw_ext *e, u64 pfn, struct tw_page *p)
{
	*p = (struct tw_page){
		.page = pfn,
		.pfn = pfn,
		.agent = e->agent->id,
		.tier = READ_ONCE(e->tier),
		.flags = TW_PAGE_EXTERNAL |
			 (READ_ONCE(e->busy) ? TW_PAGE_BUSY : 0),
		.node = READ_ONCE(e->node),
		.best_node = tw_w_best_node(READ_ONCE(e->votes)),
	};
	p->heat = tw_ext_heat(e, ktime_get_seconds(), &p->age);
	p->temperature = tw_heat_class(p->heat, p->age);
}

/**
 * tw_external_describe - what is known of a frame
 * @pfn: frame number
 * @p: filled in
 *
 * Any context but NMI.
 *
 * Return: false when it is not tracked; @p is left alone then.
 */
bool tw_external_describe(u64 pfn, struct tw_page *p)
{
	struct tw_ext *e;

	rcu_read_lock();
	e = tw_ext_find(pfn);
	if (e)
		tw_ext_describe(e, pfn, p);
	rcu_read_unlock();
	return e;
}

/**
 * tw_external_next - walk the external pages in the order of their numbers
 * @pfn: where to begin
 * @p: filled in with the first tracked one from @pfn on
 *
 * Any context but NMI. A page that is given another frame meanwhile may be met
 * under both numbers, or not at all.
 *
 * Return: its frame number, or ULONG_MAX: there is none, @p is left alone.
 */
unsigned long tw_external_next(unsigned long pfn, struct tw_page *p)
{
	struct tw_ext *e;

	rcu_read_lock();
	e = xa_find(&tw_exts, &pfn, ULONG_MAX, XA_PRESENT);
	if (e)
		tw_ext_describe(e, pfn, p);
	rcu_read_unlock();
	return e ? pfn : ULONG_MAX;
}

/* A report for frame @pfn. */
int tw_external_report(u64 pfn)
{
	u32 now = ktime_get_seconds();
	unsigned int heat, age;
	struct tw_ext *e;
	int node;

	rcu_read_lock();
	e = tw_ext_find(pfn);
	if (!e)
		goto out;
	heat = tw_ext_heat(e, now, &age) + TW_HEAT_REPORT;
	tw_ext_set_heat(e, pfn, heat, now);
	WRITE_ONCE(e->votes, tw_w_vote(READ_ONCE(e->votes), numa_node_id()));
	tw_count_irq(READ_ONCE(e->tier), reported, 1);
	tw_agent_reported(e->agent);
	node = READ_ONCE(e->node);
	if (node != NUMA_NO_NODE)
		tw_numa_touch(node);
out:
	rcu_read_unlock();
	return e ? 0 : -ENOENT;
}

/* -- tracking ---------------------------------------------------------------- */

static int tw_ext_insert(struct tw_ext *e)
{
	int err;

	xa_lock(&tw_exts);
	err = __xa_insert(&tw_exts, e->pfn, e, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!err)
		tw_ext_link(e);
	xa_unlock(&tw_exts);
	return err == -EBUSY ? -EEXIST : err;
}

/**
 * tw_external_add - put a frame into the table
 * @want: what to put there
 *
 * May sleep.
 *
 * Return: 0, -EINVAL no frame number, -EEXIST, -EDQUOT or -ENOMEM.
 */
int tw_external_add(const struct tw_external_new *want)
{
	struct tw_ext *e;
	int err;

	if (want->pfn >= TW_MAX_PFN)
		return -EINVAL;
	if (xa_load(&tw_exts, want->pfn))
		return -EEXIST;
	err = tw_user_charge(want->user, TW_USER_EXTERNAL, 1);
	if (err)
		return err;
	err = -ENOMEM;
	e = kmem_cache_alloc(tw_ext_cache, GFP_KERNEL | __GFP_NOWARN);
	if (!e)
		goto uncharge;
	*e = (struct tw_ext){
		.agent = want->agent,
		.user = tw_user_get(want->user),
		.mover = want->mover,
		.pfn = want->pfn,
		.touched = ktime_get_seconds(),
		.node = want->node == NUMA_NO_NODE ? tw_frame_node(want->pfn) :
						     want->node,
		.tier = want->tier,
	};
	err = tw_ext_insert(e);
	if (err)
		goto free;
	return 0;

free:
	tw_user_put(e->user);
	kmem_cache_free(tw_ext_cache, e);
uncharge:
	tw_user_uncharge(want->user, TW_USER_EXTERNAL, 1);
	return err;
}

/**
 * tw_external_remove - take a frame out of the table
 * @pfn: frame number
 *
 * May sleep.
 *
 * Return: 0, -ENOENT, or -EBUSY: it is being moved.
 */
int tw_external_remove(u64 pfn)
{
	struct tw_agent *a = NULL;
	struct tw_ext *e;
	int err = 0;

	xa_lock(&tw_exts);
	e = tw_ext_find(pfn);
	if (!e)
		err = -ENOENT;
	else if (e->busy)
		err = -EBUSY;
	else
		a = tw_ext_unlink(e);
	xa_unlock(&tw_exts);
	tw_ext_put_agent(a);
	return err;
}

/* -- moving ------------------------------------------------------------------ */

static bool tw_mover_leaves(const struct tw_mover *mover)
{
	struct tw_leaving *l;

	lockdep_assert_held(&tw_exts.xa_lock);
	list_for_each_entry(l, &tw_leavings, node)
		if (l->mover == mover)
			return true;
	return false;
}

/* May it go: 0, TW_MOVE_ALREADY or -errno. */
static int tw_ext_may_go(struct tw_ext *e, int to, int from)
{
	lockdep_assert_held(&tw_exts.xa_lock);
	if (!e)
		return -ENOENT;
	if (e->busy)
		return -EBUSY;
	if (from != TW_TIER_NONE && e->tier != from)
		return -EINVAL;
	if (e->tier == to)
		return TW_MOVE_ALREADY;
	if (!e->mover || tw_mover_leaves(e->mover))
		return -EOPNOTSUPP;
	/* Its agent ends, and the page with it. */
	return kref_get_unless_zero(&e->agent->ref) ? 0 : -ENOENT;
}

static int tw_ext_depart(struct tw_flight *f, u64 pfn, int to, int from)
{
	int err;

	xa_lock(&tw_exts);
	f->e = tw_ext_find(pfn);
	err = tw_ext_may_go(f->e, to, from);
	if (!err) {
		f->agent = f->e->agent;
		f->mover = f->e->mover;
		f->from = f->e->tier;
		WRITE_ONCE(f->e->busy, 1);
		list_add(&f->node, &tw_flights);
	}
	xa_unlock(&tw_exts);
	return err;
}

/*
 * Its bytes are in frame @pfn now: so is the entry, under both numbers for a
 * moment. There is no way back any more, so memory must not fail.
 */
static int tw_ext_rekey(struct tw_ext *e, u64 pfn)
{
	int err;

	lockdep_assert_held(&tw_exts.xa_lock);
	if (pfn == e->pfn)
		return 0;
	if (pfn >= TW_MAX_PFN)
		return -EINVAL;
	err = __xa_insert(&tw_exts, pfn, e, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	if (err)
		return err == -EBUSY ? -EEXIST : err;
	__xa_erase(&tw_exts, e->pfn);
	e->pfn = pfn;
	WRITE_ONCE(e->node, tw_frame_node(pfn));
	return 0;
}

/* The mover has returned @err. Returns the move's outcome. */
static int tw_ext_arrive(struct tw_flight *f, int to, u64 pfn, int err)
{
	struct tw_agent *a = NULL;
	struct tw_ext *e = f->e;
	bool lost = false;

	xa_lock(&tw_exts);
	list_del(&f->node);
	if (!err) {
		err = tw_ext_rekey(e, pfn);
		lost = err;
	}
	if (!err) {
		tw_ext_count(e, -1);
		WRITE_ONCE(e->tier, to);
		tw_ext_count(e, 1);
	}
	WRITE_ONCE(e->busy, 0);
	if (lost)
		a = tw_ext_unlink(e);
	xa_unlock(&tw_exts);
	wake_up_all(&tw_flights_wq);	/* pairs with wait_event() in drop_mover */

	if (lost)
		pr_warn_ratelimited("a mover put a page where it cannot be: %d, it is forgotten\n",
				    err);
	tw_ext_put_agent(a);
	return err;
}

/**
 * tw_external_move - move an external page by its owner's mover
 * @pfn: frame number
 * @to: enum tw_tier
 * @from: enum tw_tier, or TW_TIER_NONE for any
 * @reason: enum tw_reason
 *
 * May sleep. What the mover did is counted, traced and published, under the
 * number that the page had. A mover that returns a frame that is tracked
 * already, or none at all, loses the page: it is forgotten.
 *
 * Return: 0, TW_MOVE_ALREADY, -ENOENT not tracked, -EBUSY being moved, -EINVAL
 * not in @from, -EOPNOTSUPP no mover, or the mover's errno.
 */
int tw_external_move(u64 pfn, int to, int from, int reason)
{
	u64 t0 = ktime_get_mono_fast_ns(), to_pfn = pfn;
	struct tw_flight f;
	struct tw_page p;
	int err;

	might_sleep();
	err = tw_ext_depart(&f, pfn, to, from);
	if (err)
		return err;
	err = f.mover->move(f.mover->data, pfn, f.from, to, &to_pfn);
	if (WARN_ON_ONCE(err > 0))
		err = -EIO;
	err = tw_ext_arrive(&f, to, to_pfn, err);
	tw_moved(f.agent, pfn, f.from, to, reason, err,
		 ktime_get_mono_fast_ns() - t0);
	/* Queues of candidates knew it by another tier, and number. */
	if (!err && tw_external_describe(to_pfn, &p))
		tw_heat_banded(to_pfn, p.tier, p.heat);
	tw_agent_put(f.agent);
	return err;
}

/* -- owners that leave --------------------------------------------------------- */

static bool tw_mover_idle(const struct tw_mover *mover)
{
	struct tw_flight *f;
	bool idle = true;

	xa_lock(&tw_exts);
	list_for_each_entry(f, &tw_flights, node)
		if (f->mover == mover)
			idle = false;
	xa_unlock(&tw_exts);
	return idle;
}

static void tw_mover_forget(const struct tw_mover *mover)
{
	XA_STATE(xas, &tw_exts, 0);
	unsigned long n = 0;
	struct tw_ext *e;

	xas_lock(&xas);
	xas_for_each(&xas, e, ULONG_MAX) {
		if (e->mover == mover)
			e->mover = NULL;
		if (++n % XA_CHECK_SCHED)
			continue;
		xas_pause(&xas);
		xas_unlock(&xas);
		cond_resched();
		xas_lock(&xas);
	}
	xas_unlock(&xas);
}

/**
 * tw_external_drop_mover - a mover goes away
 * @mover: which; nothing is tracked with it any more
 *
 * Waits for moves that use it, so it must not be called by the mover itself.
 * Its pages stay tracked, without a mover. Looks at every external page. Sleeps.
 */
void tw_external_drop_mover(const struct tw_mover *mover)
{
	struct tw_leaving leaving = { .mover = mover };

	might_sleep();
	/* From here on none of its pages sets out, so none changes its number. */
	xa_lock(&tw_exts);
	list_add(&leaving.node, &tw_leavings);
	xa_unlock(&tw_exts);
	wait_event(tw_flights_wq, tw_mover_idle(mover));
	tw_mover_forget(mover);
	xa_lock(&tw_exts);
	list_del(&leaving.node);
	xa_unlock(&tw_exts);
}

/**
 * tw_external_drop_agent - an agent ends: its external pages are forgotten
 * @agent: without a reference left, so none of its pages is being moved
 *
 * Sleeps.
 */
void tw_external_drop_agent(struct tw_agent *agent)
{
	unsigned long n = 0;
	struct tw_ext *e;

	might_sleep();
	xa_lock(&tw_exts);
	while ((e = list_first_entry_or_null(&agent->externals, struct tw_ext,
					     in_agent))) {
		WARN_ON_ONCE(e->busy || agent->is_default);
		tw_ext_unlink(e);
		if (++n % XA_CHECK_SCHED)
			continue;
		xa_unlock(&tw_exts);
		cond_resched();
		xa_lock(&tw_exts);
	}
	xa_unlock(&tw_exts);
}

/* -- loading and unloading ----------------------------------------------------- */

/**
 * tw_external_init - at load, after the agents
 *
 * Return: 0 or -ENOMEM.
 */
int tw_external_init(void)
{
	BUILD_BUG_ON(sizeof(struct tw_ext) > 64);
	BUILD_BUG_ON(MAX_NUMNODES > S16_MAX);
	tw_ext_cache = kmem_cache_create("tw_external", sizeof(struct tw_ext), 0,
					 SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	return tw_ext_cache ? 0 : -ENOMEM;
}

/**
 * tw_external_exit - at unload, before the agents
 *
 * What is left belongs to default agents, which have no fd that would keep the
 * module.
 */
void tw_external_exit(void)
{
	struct tw_ext *e;
	unsigned long pfn;

	xa_for_each(&tw_exts, pfn, e) {
		WARN_ON_ONCE(tw_external_remove(pfn));
		cond_resched();
	}
	xa_destroy(&tw_exts);
	rcu_barrier();	/* tw_ext_free_rcu() */
	kmem_cache_destroy(tw_ext_cache);
}
