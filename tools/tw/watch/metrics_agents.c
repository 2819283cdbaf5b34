// SPDX-License-Identifier: GPL-2.0
/*
 * tw metrics: agents, the largest ones.
 */
#include <stdio.h>

#include "agent/agent_known.h"
#include "watch/metrics.h"

/*
 * A number and a user name one agent in a user namespace only, and two samples
 * with the same labels make a whole scrape fail. Of limits, those that there are.
 */
static void put_agent(FILE *f, const struct metric *m, struct agents_known *known,
		      const struct tw_agent_entry *a, const __u64 v[TW_NR_TIERS],
		      enum metric_unit unit, __u32 page_size)
{
	char labels[160 + METRIC_VALUE_LEN], value[METRIC_VALUE_LEN];
	char name[AGENT_TEXT_LEN];
	int tier;

	metric_value(value, agent_name(name, agent_known(known, a), a->id));
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		if (v[tier] == TW_NO_LIMIT)
			continue;
		snprintf(labels, sizeof(labels),
			 "agent=\"%llu\",name=\"%s\",uid=\"%u\",userns=\"%llu\",kind=\"%s\",tier=\"%s\"",
			 (unsigned long long)a->id, value, a->uid,
			 (unsigned long long)a->user_ns,
			 a->flags & TW_AGENT_IS_DEFAULT ? "cgroup" : "agent",
			 tw_tier_name(tier));
		metric_sample(f, m, labels, v[tier], unit, page_size);
	}
}

void metrics_agents(FILE *f, struct agents_known *known,
		    const struct tw_agent_entry *a, size_t nr, __u32 page_size)
{
	static const struct metric used = {
		"agent_used_bytes", false,
		"Memory of the agent's regions in a tier; the largest agents."
	};
	static const struct metric limit = {
		"agent_limit_bytes", false,
		"What the agent may have in a tier, where it has a limit."
	};
	static const struct metric major = {
		"agent_major_faults_total", true,
		"Faults of the agent that waited for a store."
	};
	size_t i;

	metric_begin(f, &used);
	for (i = 0; i < nr; i++)
		put_agent(f, &used, known, &a[i], a[i].pages, METRIC_PAGES,
			  page_size);
	metric_begin(f, &limit);
	for (i = 0; i < nr; i++)
		put_agent(f, &limit, known, &a[i], a[i].limit, METRIC_PAGES,
			  page_size);
	metric_begin(f, &major);
	for (i = 0; i < nr; i++)
		put_agent(f, &major, known, &a[i], a[i].faults_major,
			  METRIC_PLAIN, page_size);
}
