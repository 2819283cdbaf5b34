// SPDX-License-Identifier: GPL-2.0
/*
 * external.c - external pages: frames that other software owns
 *
 * Owns the table of external pages, an xarray by frame number. An entry takes one
 * cache line, since there may be tens of millions.
 *
 * Locks: external_entry.h describes them. Doors, policy and moving call it.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "agents/agent.h"
#include "base/stats.h"
#include "base/user.h"
#include "pages/external.h"
#include "pages/external_entry.h"
#include "pages/heat.h"
#include "pages/record.h"
#include "tiers/nodes.h"

/* The half-life of an external page's heat: seconds without a report. */
#define TW_EXT_DECAY	10U

DEFINE_XARRAY_FLAGS(tw_exts, XA_FLAGS_ACCOUNT);
static struct kmem_cache *tw_ext_cache;

/* -- an entry ---------------------------------------------------------------- */

static void tw_ext_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(tw_ext_cache, container_of(rcu, struct tw_ext, rcu));
}

int tw_frame_node(u64 pfn)
{
	struct page *page = NULL;

	if (pfn <= ULONG_MAX >> PAGE_SHIFT)
		page = pfn_to_online_page(pfn);
	return page ? page_to_nid(page) : NUMA_NO_NODE;
}

/*
 * Adds an entry that is in the table to its agent. A default agent lives only while
 * something is accounted to it, so its external pages together hold one reference.
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

struct tw_agent *tw_ext_unlink(struct tw_ext *e)
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

/* -- heat -------------------------------------------------------------------- */

/* The heat at second @now, and in *@age how many half-lives the last report is old. */
static unsigned int tw_ext_heat(const struct tw_ext *e, u32 now, unsigned int *age)
{
	/* Another CPU's report may be of a later second than @now. */
	s32 idle = max_t(s32, now - READ_ONCE(e->touched), 0);

	*age = idle / TW_EXT_DECAY;
	return READ_ONCE(e->heat) >> min(*age, 16U);
}

/* Sets the heat, and tells the queues of candidates if it is in another band now. */
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
 * tw_external_set_heat - set the heat of an external page
 * @pfn: frame number
 * @heat: its heat from now on, cut to 65535, or with @aged to 32767
 * @aged: set its last report to ten seconds ago instead of now
 *
 * Any context but NMI.
 *
 * Return: 0, or -ENOENT if it is not tracked.
 */
int tw_external_set_heat(u64 pfn, unsigned int heat, bool aged)
{
	u32 now = ktime_get_seconds();
	struct tw_ext *e;

	rcu_read_lock();
	e = tw_ext_find(pfn);
	if (e && aged)	/* a report ten seconds ago has lost half its heat */
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
 * Return: false if it is not tracked; @p is unchanged then.
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

/* The part of it that candidates need, for many frames in a row; see external.h. */
bool tw_external_glance(u64 pfn, u32 now, struct tw_page *p)
{
	struct tw_ext *e;

	rcu_read_lock();
	e = tw_ext_find(pfn);
	if (e) {
		p->page = pfn;
		p->agent = e->agent->id;
		p->tier = READ_ONCE(e->tier);
		p->flags = TW_PAGE_EXTERNAL;
		p->node = READ_ONCE(e->node);
		p->heat = tw_ext_heat(e, now, &p->age);
	}
	rcu_read_unlock();
	return e;
}

/**
 * tw_external_next - walk the external pages in the order of their numbers
 * @pfn: where to begin
 * @p: describes the first tracked frame from @pfn on
 *
 * Any context but NMI. A page that is moved to another frame between two calls may be
 * found twice or not at all.
 *
 * Return: its frame number, or ULONG_MAX if there is none; @p is unchanged then.
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

/**
 * tw_external_report - count a touch of an external page by this CPU
 * @pfn: frame number
 *
 * Any context but NMI.
 *
 * Return: 0, or -ENOENT if it is not tracked.
 */
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
 * @want: describes it
 *
 * May sleep.
 *
 * Return: 0, -EINVAL if ->pfn is no frame number, -EEXIST if it is tracked already,
 * -EDQUOT or -ENOMEM.
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
 * Return: 0, -ENOENT if it is not tracked, or -EBUSY if it is being moved.
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

/* -- an agent that ends ------------------------------------------------------- */

/**
 * tw_external_drop_agent - take the external pages of an agent that ends out of the table
 * @agent: agent without references, so that none of its pages is being moved
 *
 * Sleeps.
 */
static void tw_external_drop_agent(struct tw_agent *agent)
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
 * tw_external_init - prepare the table at load, after the agents
 *
 * Return: 0 or -ENOMEM.
 */
int tw_external_init(void)
{
	BUILD_BUG_ON(sizeof(struct tw_ext) > 64);
	BUILD_BUG_ON(MAX_NUMNODES > S16_MAX);
	tw_ext_cache = kmem_cache_create("tw_external", sizeof(struct tw_ext), 0,
					 SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	if (!tw_ext_cache)
		return -ENOMEM;
	tw_agent_on_end(tw_external_drop_agent);
	return 0;
}

/**
 * tw_external_exit - empty the table at unload, before the agents
 *
 * The pages that are left belong to default agents. Those of other agents have ended
 * with the agents' fds, which hold the module.
 */
void tw_external_exit(void)
{
	struct tw_ext *e;
	unsigned long pfn;

	xa_for_each(&tw_exts, pfn, e) {
		WARN_ON_ONCE(tw_external_remove(pfn));
		cond_resched();
	}
	tw_agent_on_end(NULL);
	xa_destroy(&tw_exts);
	rcu_barrier();	/* tw_ext_free_rcu() */
	kmem_cache_destroy(tw_ext_cache);
}
