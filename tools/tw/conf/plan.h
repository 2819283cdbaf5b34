/* SPDX-License-Identifier: GPL-2.0 */
/* What tw apply will do. */
#ifndef _TW_PLAN_H
#define _TW_PLAN_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/text.h"
#include "conf/conf.h"
#include "swap/turn_on.h"
#include "tier/bind.h"
#include "tw.h"

/**
 * struct tier_step - what happens to a tier
 * @path: its device's, as it is named or was found; empty: none
 * @absent: its device is not there, and need not be: nothing
 * @undo: it is unbound
 * @make: then it is bound as @b says
 * @sign: after @b.path was signed
 * @level: it gets other thresholds of pressure
 * @levels: these
 * @b: what it is to be made of
 */
struct tier_step {
	char path[PATH_MAX];
	bool absent;
	bool undo;
	bool make;
	bool sign;
	bool level;
	struct tw_thresholds levels;
	struct binding b;
};

/**
 * struct swap_step - what happens to swap
 * @make: it is turned on as @wish says
 * @wish: how it is to be
 */
struct swap_step {
	bool make;
	struct swap_wish wish;
};

/**
 * struct agent_step - what happens to limits
 * @conf: what the file says
 * @path: of a cgroup, to be freed; NULL: they are of an agent or a user
 * @absent: the agent is not there now: nothing
 * @changed: bit by tier
 * @uid: whose they are
 * @agent: the agent, if it is one's
 * @now: pages, by tier
 * @then: pages, by tier
 */
struct agent_step {
	const struct conf_agent *conf;
	char *path;
	bool absent;
	unsigned int changed;
	uid_t uid;
	struct tw_agent_entry agent;
	__u64 now[TW_NR_TIERS];
	__u64 then[TW_NR_TIERS];
};

/**
 * struct plan - from how it is to how the file says it should be
 * @tw: the device
 * @conf: the file
 * @code: exit code when @conf has errors
 * @steps: how many changes
 * @now: the tiers
 * @tiers: by enum tw_tier
 * @swap: after the tiers
 * @policy_now: the policy
 * @policy_then: and how it should be
 * @policy_changed: values that differ
 * @agents: in the file's order; a pattern has a step for each cgroup that matches it
 * @nr_agents: how many
 * @list: the agents there are
 * @nr_list: how many
 */
struct plan {
	struct tw *tw;
	struct conf *conf;
	int code;
	unsigned int steps;
	struct tw_tier_info now[TW_NR_TIERS];
	struct tier_step tiers[TW_NR_TIERS];
	struct swap_step swap;
	struct tw_policy policy_now;
	struct tw_policy policy_then;
	unsigned int policy_changed;
	struct agent_step *agents;
	unsigned int nr_agents;
	struct tw_agent_entry *list;
	int nr_list;
};

/*
 * plan_make() changes nothing. 0, or the exit code and it has said all that is
 * wrong. Free it in any case.
 */
int plan_make(struct plan *p);
void plan_free(struct plan *p);

/* These add to @p, and to the errors of @p->conf. */

/* plan_tier.c */
void plan_tier(struct plan *p, int tier);

/* plan_store.c: find the devices of all, before the first of them is planned. */
void plan_find(struct plan *p, int tier);
void plan_store(struct plan *p, int tier);

/* plan_swap.c: once all tiers are planned. */
void plan_swap(struct plan *p);

/* plan_limits.c: of all that the file has limits of. */
void plan_limits(struct plan *p);
/* "agent 7 of root", "user nobody", "cgroup /a"; into a buffer of LIMITS_LEN. */
#define LIMITS_LEN	(PATH_MAX + TEXT_LEN)
const char *text_limits(char *buf, const struct agent_step *step);
/* Sets them as planned: 0 or -errno. */
int limits_write(struct plan *p, const struct agent_step *step);

#endif /* _TW_PLAN_H */
