// SPDX-License-Identifier: GPL-2.0
/*
 * kapi_agent.c - the documented API's agents, for other kernel modules
 *
 * A thin layer over the rooms. Owns the kernel's credentials, with which the API acts,
 * and the agents that modules have named: each is held until it is released, or until
 * unload.
 *
 * Locks: tw_kapi_lock (a mutex) guards the agents and orders changes of limits; it is
 * taken before that of limit.c. Called by other modules, as each function says.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/sched/task.h>
#include <linux/xarray.h>

#include "agents/agent.h"
#include "agents/limit.h"
#include "doors/agent_migrate.h"
#include "doors/kapi.h"
#include "tier_watch.h"
#include "tier_watch_hooks.h"
#include "tiers/tier.h"

static DEFINE_XARRAY(tw_kapi_agents);	/* by label, referenced */
static DEFINE_MUTEX(tw_kapi_lock);
const struct cred *tw_kapi_cred;

/* Holds @a by its label, unless that is done: 0 or -ENOMEM. */
static int tw_kapi_hold(struct tw_agent *a)
{
	int err = 0;

	mutex_lock(&tw_kapi_lock);
	if (!xa_load(&tw_kapi_agents, a->id)) {
		err = xa_err(xa_store(&tw_kapi_agents, a->id, a, GFP_KERNEL));
		if (!err)
			tw_agent_get(a);
	}
	mutex_unlock(&tw_kapi_lock);
	return err;
}

struct tw_agent *tw_kapi_agent(u64 id)
{
	const struct cred *old = override_creds(tw_kapi_cred);
	struct tw_agent *a = tw_agent_join(id);
	int err;

	revert_creds(old);
	if (IS_ERR(a))
		return a;
	err = tw_kapi_hold(a);
	if (err) {
		tw_agent_put(a);
		return ERR_PTR(err);
	}
	return a;
}

/**
 * tier_watch_release_agent - the module does not need an agent any more
 * @agent_id: label
 *
 * Its external pages are forgotten, unless somebody else has it open.
 *
 * Return: 0 or -ENOENT.
 */
int tier_watch_release_agent(u64 agent_id)
{
	struct tw_agent *a;

	mutex_lock(&tw_kapi_lock);
	a = xa_erase(&tw_kapi_agents, agent_id);
	mutex_unlock(&tw_kapi_lock);
	if (!a)
		return -ENOENT;
	tw_agent_put(a);
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_release_agent);

/**
 * tier_watch_get_agent_memory - an agent's memory
 * @agent_id: label of one of the kernel's agents
 * @stats: out
 *
 * Return: 0 or -ENOENT.
 */
int tier_watch_get_agent_memory(u64 agent_id, struct agent_memory_stats *stats)
{
	struct tw_agent_stats s = {
		.size = sizeof(s),
		.flags = TW_AGENT_BY_ID,
		.agent_fd = -1,
		.id = agent_id,
	};
	struct tw_agent_limits l = {
		.size = sizeof(l),
		.flags = TW_AGENT_BY_ID,
		.agent_fd = -1,
		.id = agent_id,
	};
	const struct cred *old = override_creds(tw_kapi_cred);
	int err = tw_agent_get_stats(&s), tier;

	if (!err)
		err = tw_agent_limits_ioctl(&l);
	revert_creds(old);
	if (err)
		return err;
	*stats = (struct agent_memory_stats){
		.agent_id = agent_id,
		.faults_reported = s.reported,
	};
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		stats->pages[tier] = s.pages[tier];
		stats->external[tier] = s.external[tier];
		stats->faults_minor[tier] = s.faults_minor[tier];
		stats->faults_major[tier] = s.faults_major[tier];
		stats->migrations_in[tier] = s.moves_in[tier];
		stats->migrations_out[tier] = s.moves_out[tier];
		stats->limit[tier] = l.pages[tier];
		stats->total_pages += s.pages[tier] + s.external[tier];
	}
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_get_agent_memory);

static void tw_kapi_limit(struct tw_agent *a, int tier, u64 pages)
{
	u64 limit[TW_NR_TIERS];
	int i;

	/* One tier after the other: two modules must not undo each other. */
	mutex_lock(&tw_kapi_lock);
	for (i = 0; i < TW_NR_TIERS; i++)
		limit[i] = i == tier ? pages : READ_ONCE(a->limit[i]);
	tw_agent_set_limits(a, limit, true);
	mutex_unlock(&tw_kapi_lock);
}

/**
 * tier_watch_set_agent_limit - limit one of the kernel's agents
 * @agent_id: label, made if need be
 * @tier: enum tier_watch_tier
 * @pages: of regions that it should not exceed, ~0: no limit
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
int tier_watch_set_agent_limit(u64 agent_id, int tier, u64 pages)
{
	struct tw_agent *a;

	if (!tw_tier_valid(tier))
		return -EINVAL;
	a = tw_kapi_agent(agent_id);
	if (IS_ERR(a))
		return PTR_ERR(a);
	tw_kapi_limit(a, tier, pages);
	tw_agent_put(a);
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_set_agent_limit);

/**
 * tier_watch_set_user_agent_limit - limit an agent of any user
 * @uid: its owner, in the initial user namespace
 * @agent_id: its label
 * @tier: enum tier_watch_tier
 * @pages: of regions that it should not exceed, ~0: no limit; a hard limit
 *
 * Return: 0, -EINVAL, or -ENOENT: there is no such agent.
 */
int tier_watch_set_user_agent_limit(kuid_t uid, u64 agent_id, int tier, u64 pages)
{
	struct tw_agent *a;

	if (!tw_tier_valid(tier))
		return -EINVAL;
	a = tw_agent_of_user(uid, agent_id);
	if (!a)
		return -ENOENT;
	tw_kapi_limit(a, tier, pages);
	tw_agent_put(a);
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_set_user_agent_limit);

/**
 * tier_watch_migrate_agent - move the pages of an agent's regions
 * @agent_id: label of one of the kernel's agents
 * @from_tier: enum tier_watch_tier, or TIER_ANY
 * @to_tier: enum tier_watch_tier
 * @max: most pages to move, 0: all
 * @moved: out: pages moved; or NULL
 *
 * Return: 0, -ENOENT, -EINVAL, -EOPNOTSUPP, -EINTR, or -ENOMEM.
 */
int tier_watch_migrate_agent(u64 agent_id, int from_tier, int to_tier,
			     unsigned int max, u64 *moved)
{
	struct tw_agent_migrate arg = {
		.size = sizeof(arg),
		.flags = TW_AGENT_BY_ID,
		.agent_fd = -1,
		.id = agent_id,
		.from_tier = from_tier,
		.to_tier = to_tier,
		.nr = max,
	};
	const struct cred *old = override_creds(tw_kapi_cred);
	int err = tw_agent_migrate_ioctl(&arg);

	revert_creds(old);
	if (!err && moved)
		*moved = arg.moved;
	return err;
}
EXPORT_SYMBOL_GPL(tier_watch_migrate_agent);

/* -- load and unload --------------------------------------------------------------- */

/**
 * tw_kapi_init - at load
 *
 * Return: 0 or -ENOMEM.
 */
int tw_kapi_init(void)
{
	tw_kapi_cred = prepare_kernel_cred(&init_task);
	return tw_kapi_cred ? 0 : -ENOMEM;
}

/**
 * tw_kapi_exit - at unload, when no module uses this API any more
 */
void tw_kapi_exit(void)
{
	struct tw_agent *a;
	unsigned long id;

	xa_for_each(&tw_kapi_agents, id, a)
		tier_watch_release_agent(id);
	xa_destroy(&tw_kapi_agents);
	put_cred(tw_kapi_cred);
}
