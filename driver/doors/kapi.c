// SPDX-License-Identifier: GPL-2.0
/*
 * kapi.c - the documented API's pages, for other kernel modules
 *
 * A thin layer over the rooms: pages tracked, looked at and moved. It acts with the
 * kernel's credentials, so that whose process a module happens to run in makes no
 * difference.
 *
 * Owns nothing. Called by other modules, as each function says. No locks.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "agents/agent.h"
#include "base/usercopy.h"
#include "doors/kapi.h"
#include "doors/page_list.h"
#include "doors/request.h"
#include "doors/track.h"
#include "moving/external_move.h"
#include "pages/external.h"
#include "pages/lookup.h"
#include "pages/space.h"
#include "policy/candidates.h"
#include "tier_watch.h"
#include "tier_watch_hooks.h"
#include "tiers/tier.h"

static_assert((int)TIER_ANY == (int)TW_TIER_NONE);

/* -- tracking ------------------------------------------------------------------ */

static int tw_kapi_track(u64 pfn, int tier, u64 agent_id, int node,
			 const struct tw_mover *mover)
{
	const struct cred *old;
	struct tw_agent *a;
	int err;

	if (!tw_tier_valid(tier))
		return -EINVAL;
	a = tw_kapi_agent(agent_id);
	if (IS_ERR(a))
		return PTR_ERR(a);
	old = override_creds(tw_kapi_cred);
	err = tw_external_track(pfn, tier, node, a, mover);
	revert_creds(old);
	tw_agent_put(a);
	return err;
}

/**
 * tier_watch_track_page - keep track of a page
 * @pfn: page number
 * @tier: enum tier_watch_tier that it is in
 * @agent_id: label of the kernel's agent that it is accounted to
 *
 * A region's page is tracked for life: 0 when tier and agent are right.
 *
 * Return: 0, -EINVAL wrong tier or no frame number, -EEXIST tracked already,
 * -EACCES a region's page of another agent, -ENOMEM.
 */
int tier_watch_track_page(u64 pfn, int tier, u64 agent_id)
{
	return tw_kapi_track(pfn, tier, agent_id, NUMA_NO_NODE, NULL);
}
EXPORT_SYMBOL_GPL(tier_watch_track_page);

/**
 * tier_watch_track_page_numa - keep track of a page on a node
 * @pfn: page number
 * @tier: enum tier_watch_tier that it is in
 * @agent_id: label of the kernel's agent that it is accounted to
 * @node: NUMA node, -1: the frame's own
 *
 * Return: as tier_watch_track_page().
 */
int tier_watch_track_page_numa(u64 pfn, int tier, u64 agent_id, int node)
{
	return tw_kapi_track(pfn, tier, agent_id, node, NULL);
}
EXPORT_SYMBOL_GPL(tier_watch_track_page_numa);

/**
 * tier_watch_track_owned - keep track of a page that its owner can move
 * @pfn: frame number
 * @tier: enum tier_watch_tier that it is in
 * @agent_id: label of the kernel's agent that it is accounted to
 * @node: NUMA node, -1: the frame's own
 * @mover: moves it; lives until tier_watch_drop_mover()
 *
 * Return: as tier_watch_track_page().
 */
int tier_watch_track_owned(u64 pfn, int tier, u64 agent_id, int node,
			   const struct tier_watch_mover *mover)
{
	BUILD_BUG_ON(sizeof(struct tier_watch_mover) != sizeof(struct tw_mover));
	BUILD_BUG_ON(offsetof(struct tier_watch_mover, data) !=
		     offsetof(struct tw_mover, data));
	return tw_kapi_track(pfn, tier, agent_id, node,
			     (const struct tw_mover *)mover);
}
EXPORT_SYMBOL_GPL(tier_watch_track_owned);

/**
 * tier_watch_drop_mover - a mover goes away
 * @mover: as given to tier_watch_track_owned()
 *
 * Waits for moves that use it. Its pages stay tracked, without a mover.
 */
void tier_watch_drop_mover(const struct tier_watch_mover *mover)
{
	tw_external_drop_mover((const struct tw_mover *)mover);
}
EXPORT_SYMBOL_GPL(tier_watch_drop_mover);

/**
 * tier_watch_untrack_page - forget an external page
 * @pfn: frame number
 *
 * Return: 0, -ENOENT, -EBUSY it is being moved, -EOPNOTSUPP a region's page.
 */
int tier_watch_untrack_page(u64 pfn)
{
	return tw_external_untrack(pfn);
}
EXPORT_SYMBOL_GPL(tier_watch_untrack_page);

/**
 * tier_watch_handle_fault - a page was touched by this CPU
 * @pfn: page number
 * @vaddr: where; for the record only
 * @flags: FAULT_FLAG_*; for the record only
 *
 * Any context but NMI.
 *
 * Return: 0 or -ENOENT.
 */
int tier_watch_handle_fault(u64 pfn, u64 vaddr, unsigned int flags)
{
	return tw_page_report(0, pfn, true);
}
EXPORT_SYMBOL_GPL(tier_watch_handle_fault);

/* -- pages --------------------------------------------------------------------- */

static int tw_kapi_page(u64 pfn, struct tw_page *p)
{
	struct tw_space *sp;
	unsigned long idx;

	sp = tw_page_lookup(pfn, &idx, true);
	if (!sp)
		return tw_external_describe(pfn, p) ? 0 : -ENOENT;
	tw_page_describe(sp, idx, p, true);
	tw_space_put(sp);
	return 0;
}

/**
 * tier_watch_get_page_info - what is known of a page
 * @pfn: page number
 * @info: out
 *
 * Return: 0 or -ENOENT.
 */
int tier_watch_get_page_info(u64 pfn, struct page_info *info)
{
	struct tw_page p;
	int err = tw_kapi_page(pfn, &p);

	if (err)
		return err;
	*info = (struct page_info){
		.pfn = p.page,
		.frame = p.pfn,
		.agent_id = p.agent,
		.tier = p.tier,
		.heat = p.heat,
		.age = p.age,
		.flags = p.flags,
		.node = p.node,
		.optimal_node = p.best_node,
		.temperature = p.temperature,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_get_page_info);

/**
 * tier_watch_get_optimal_numa_node - the node whose CPUs touch a page most
 * @pfn: page number
 *
 * Return: the node; where the page is when nobody has touched it; -ENOENT: no
 * such page; -ENODATA: nothing is known.
 */
int tier_watch_get_optimal_numa_node(u64 pfn)
{
	struct tw_page p;
	int err = tw_kapi_page(pfn, &p);

	if (err)
		return err;
	if (p.best_node >= 0)
		return p.best_node;
	return p.node >= 0 ? p.node : -ENODATA;
}
EXPORT_SYMBOL_GPL(tier_watch_get_optimal_numa_node);

/**
 * tier_watch_mark_hot - call a page hot
 * @pfn: page number
 *
 * Return: 0 or -ENOENT.
 */
int tier_watch_mark_hot(u64 pfn)
{
	return tw_mark_page(0, pfn, true, true);
}
EXPORT_SYMBOL_GPL(tier_watch_mark_hot);

/**
 * tier_watch_mark_cold - call a page cold
 * @pfn: page number
 *
 * Return: 0 or -ENOENT.
 */
int tier_watch_mark_cold(u64 pfn)
{
	return tw_mark_page(0, pfn, false, true);
}
EXPORT_SYMBOL_GPL(tier_watch_mark_cold);

/**
 * tier_watch_get_migration_candidates - pages worth moving, best first
 * @from_tier: enum tier_watch_tier
 * @to_tier: another one: hot pages when it is faster, cold ones when slower
 * @candidates: out
 * @max: room there
 *
 * Return: how many, -EINVAL, or -ENOMEM.
 */
int tier_watch_get_migration_candidates(int from_tier, int to_tier,
					struct migration_candidate *candidates,
					int max)
{
	struct tw_candidate *found;
	int n, i;

	if (max <= 0 || (u32)max > TW_CALL_PAGES)
		return -EINVAL;
	found = kvmalloc_array(max, sizeof(*found), GFP_KERNEL);
	if (!found)
		return -ENOMEM;
	n = tw_candidates_get(from_tier, to_tier, found, max, true);
	for (i = 0; i < n; i++)
		candidates[i] = (struct migration_candidate){
			.pfn = found[i].page,
			.agent_id = found[i].agent,
			.benefit_ns = found[i].benefit_ns,
			.heat = found[i].heat,
			.age = found[i].age,
			.from_tier = found[i].from_tier,
			.to_tier = found[i].to_tier,
			.node = found[i].node,
		};
	kvfree(found);
	return n;
}
EXPORT_SYMBOL_GPL(tier_watch_get_migration_candidates);

/* -- moving ---------------------------------------------------------------------- */

static struct tw_request tw_kapi_request(const struct migration_request *req)
{
	return (struct tw_request){
		.page = req->pfn,
		.from_tier = req->from_tier,
		.to_tier = req->to_tier,
		.priority = req->priority,
		.reason = req->reason,
	};
}

/**
 * tier_watch_migrate_batch - move pages and wait for it
 * @reqs: what is to be moved
 * @results: out: their outcomes, when 0 is returned
 * @nr: how many, at most TW_REQUEST_MAX
 *
 * They go through the queue, by priority and in batches: all of them or none.
 *
 * Return: 0, -EINVAL, -ENOENT no such page, -EOPNOTSUPP tier not bound, -EAGAIN
 * queue full, -EINTR, or -ENOMEM.
 */
int tier_watch_migrate_batch(const struct migration_request *reqs,
			     struct migration_result *results, int nr)
{
	const struct cred *old;
	struct tw_request *r;
	int i, err;

	if (nr <= 0 || nr > TW_REQUEST_MAX)
		return -EINVAL;
	r = kvmalloc_array(nr, sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		r[i] = tw_kapi_request(&reqs[i]);
	old = override_creds(tw_kapi_cred);
	err = tw_request_many(r, nr, true, true);
	revert_creds(old);
	for (i = 0; !err && i < nr; i++)
		results[i] = (struct migration_result){
			.status = r[i].status,
			.from_tier = reqs[i].from_tier,
			.to_tier = reqs[i].to_tier,
			.pfn = r[i].pfn,
			.latency_ns = r[i].latency_ns,
			.id = r[i].id,
		};
	kvfree(r);
	return err;
}
EXPORT_SYMBOL_GPL(tier_watch_migrate_batch);

/**
 * tier_watch_migrate_page - move a page and wait for it
 * @req: what is to be moved
 * @result: out: what came of it, when it was carried out; or NULL
 *
 * Return: 0 it is there now, the negative status of @result, or an errno as of
 * tier_watch_migrate_batch().
 */
int tier_watch_migrate_page(const struct migration_request *req,
			    struct migration_result *result)
{
	struct migration_result own;
	int err = tier_watch_migrate_batch(req, &own, 1);

	if (err)
		return err;
	if (result)
		*result = own;
	return min(own.status, 0);
}
EXPORT_SYMBOL_GPL(tier_watch_migrate_page);

/**
 * tier_watch_queue_migration - have a page moved by and by
 * @req: what is to be moved
 * @id: out: the request's number; or NULL
 *
 * Return: 0 or an errno as of tier_watch_migrate_batch().
 */
int tier_watch_queue_migration(const struct migration_request *req, u64 *id)
{
	struct tw_request r = tw_kapi_request(req);
	const struct cred *old = override_creds(tw_kapi_cred);
	int err = tw_request_one(&r, false, true);

	revert_creds(old);
	if (!err && id)
		*id = r.id;
	return err;
}
EXPORT_SYMBOL_GPL(tier_watch_queue_migration);
