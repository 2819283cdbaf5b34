// SPDX-License-Identifier: GPL-2.0
/*
 * limit.c - how much of each tier an agent takes
 *
 * Owns the setting of an agent's limits, hard and soft, and the notice that a limit
 * has been exceeded. The rooms above use it through limit.h.
 *
 * Locks. tw_limits_mutex orders callers that set limits. They are read without a
 * lock where pages are placed (tw_agent_room()). A limit never makes a page wait:
 * the page goes to another tier instead, and pages beyond a limit are demoted in
 * the background (policy/limits.c).
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/mutex.h>

#include "agents/agent.h"
#include "agents/limit.h"
#include "events/hooks.h"
#include "events/stream.h"
#include "tiers/headroom.h"

static DEFINE_MUTEX(tw_limits_mutex);

static void tw_limits_store(struct tw_agent *a, const u64 *limit, bool hard)
{
	int tier;

	lockdep_assert_held(&tw_limits_mutex);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		WRITE_ONCE(a->limit[tier], limit[tier]);
		if (hard)
			a->hard[tier] = limit[tier];
	}
}

/**
 * tw_agent_set_limits - set an agent's limits
 * @a: agent
 * @limit: pages by tier, TW_NO_LIMIT for none
 * @hard: make these the hard limits, too
 *
 * Pages beyond them are demoted in the background. Sleeps.
 */
void tw_agent_set_limits(struct tw_agent *a, const u64 *limit, bool hard)
{
	mutex_lock(&tw_limits_mutex);
	tw_limits_store(a, limit, hard);
	mutex_unlock(&tw_limits_mutex);
	tw_demote_queue();
}

static bool tw_limits_allowed(struct tw_agent *a, const u64 *limit)
{
	int tier;

	lockdep_assert_held(&tw_limits_mutex);
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		if (limit[tier] > a->hard[tier])
			return false;
	return true;
}

/*
 * A caller without CAP_SYS_RESOURCE may not exceed the hard limits. The check and the
 * setting are under one lock, since another caller may lower the hard limits.
 */
static int tw_limits_set(struct tw_agent *a, const struct tw_agent_limits *arg)
{
	bool hard = capable(CAP_SYS_RESOURCE);
	int err = 0;

	mutex_lock(&tw_limits_mutex);
	if (hard || tw_limits_allowed(a, arg->pages))
		tw_limits_store(a, arg->pages, hard);
	else
		err = -EPERM;
	mutex_unlock(&tw_limits_mutex);
	if (!err)
		tw_demote_queue();
	return err;
}

/**
 * tw_agent_get_limits - read an agent's limits
 * @a: agent
 * @limit: out: pages by tier, TW_NO_LIMIT for none
 * @hard: out: how high the caller of TW_IOC_AGENT_LIMITS may set them, by tier
 *
 * Sleeps.
 */
void tw_agent_get_limits(struct tw_agent *a, u64 *limit, u64 *hard)
{
	int tier;

	mutex_lock(&tw_limits_mutex);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		limit[tier] = a->limit[tier];
		hard[tier] = a->hard[tier];
	}
	mutex_unlock(&tw_limits_mutex);
}

/**
 * tw_agent_limits_ioctl - TW_IOC_AGENT_LIMITS
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_agent_limits_ioctl(struct tw_agent_limits *arg)
{
	struct tw_agent *a;
	int err = 0;

	if ((arg->flags & ~TW_LIMITS_FLAGS) || arg->reserved)
		return -EINVAL;
	a = tw_agent_named(arg->flags & TW_AGENT_BY_ID, arg->agent_fd, arg->id);
	if (IS_ERR(a))
		return PTR_ERR(a);
	if (arg->flags & TW_LIMITS_SET)
		/* A default agent with no other reference would end with this call. */
		err = a->is_default && kref_read(&a->ref) == 1 ? -ENOENT :
		      tw_limits_set(a, arg);
	if (err)
		goto put;
	arg->id = a->id;
	tw_agent_get_limits(a, arg->pages, arg->hard);
put:
	tw_agent_put(a);
	return err;
}

static void tw_limit_told(struct tw_agent *a, int tier, u64 pages)
{
	struct tw_event ev = {
		.addr = pages,
		.type = TW_EVENT_LIMIT,
		.tier = tier,
		.to_tier = TW_TIER_NONE,
		.status = -EDQUOT,
	};

	if (tw_event_wanted(TW_EVENT_LIMIT))
		tw_agent_emit(a, &ev);
	tw_hook_call(TW_HOOK_LIMIT, a->id, a->uid, tier, pages);
}

/**
 * tw_agent_excess - pages of an agent beyond its limit in a tier
 * @a: agent, referenced
 * @tier: enum tw_tier
 *
 * Sends a notice when the agent exceeds the limit, and the next one only after its
 * pages have been an eighth below the limit. Without that margin, an agent that
 * demotion and faults keep around its limit would cause a notice in each round of the
 * background. Process context; may sleep.
 *
 * Return: pages, 0 if it is within the limit.
 */
unsigned long tw_agent_excess(struct tw_agent *a, int tier)
{
	long pages = max(atomic_long_read(&a->pages[tier]), 0L);
	u64 limit = READ_ONCE(a->limit[tier]);

	if (pages <= limit) {
		if (pages <= limit - limit / 8)
			clear_bit(tier, &a->over);
		return 0;
	}
	if (!test_and_set_bit(tier, &a->over))
		tw_limit_told(a, tier, pages);
	return pages - limit;
}
