// SPDX-License-Identifier: GPL-2.0
/*
 * Comparing what is with what tierwatch.conf says. Nothing is changed here, and
 * whatever can be found wrong is found here.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/agent_find.h"
#include "base/cli.h"
#include "conf/conf.h"
#include "conf/plan.h"

static void plan_policy(struct plan *p)
{
	struct tw_policy *then = &p->policy_then;
	int err = tw_policy_get(p->tw, &p->policy_now);

	if (err) {
		conf_error(p->conf, p->conf->policy_line,
			   "asking for the policy: %s", strerror(-err));
		return;
	}
	*then = p->policy_now;
	p->policy_changed = conf_policy(p->conf, then);
	/* With what the file doesn't say, too. */
	if (then->cold_threshold >= then->hot_threshold)
		conf_error(p->conf, p->conf->policy_line,
			   "cold_threshold, %u, has to be below hot_threshold, %u",
			   then->cold_threshold, then->hot_threshold);
	if (then->scan_min_ms > then->scan_max_ms)
		conf_error(p->conf, p->conf->policy_line,
			   "scan_min_ms, %u, is more than scan_max_ms, %u",
			   then->scan_min_ms, then->scan_max_ms);
	p->steps += p->policy_changed != 0;
}

int plan_make(struct plan *p)
{
	unsigned int i;
	int err;

	p->code = EXIT_FAILURE;
	for (i = 0; i < TW_NR_TIERS; i++) {
		err = tw_tier_info(p->tw, i, &p->now[i]);
		if (err)
			return cli_errno(err, "asking for the tiers");
	}
	for (i = 0; i < TW_NR_TIERS; i++)
		plan_find(p, i);
	for (i = 0; i < TW_NR_TIERS; i++)
		plan_tier(p, i);
	if (p->conf->swap.line)
		plan_swap(p);
	if (p->conf->policy_line)
		plan_policy(p);
	if (p->conf->nr_agents) {
		p->nr_list = agents_load(p->tw, &p->list);
		if (p->nr_list < 0)
			return cli_errno(p->nr_list, "listing the agents");
	}
	plan_limits(p);
	return p->conf->errors ? p->code : 0;
}

void plan_free(struct plan *p)
{
	while (p->nr_agents)
		free(p->agents[--p->nr_agents].path);
	free(p->agents);
	free(p->list);
}
