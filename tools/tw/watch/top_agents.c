// SPDX-License-Identifier: GPL-2.0
/*
 * What tw top shows of agents.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/agent_find.h"
#include "tw.h"
#include "watch/top.h"

void top_agent_of(struct top_agent *a, const struct tw_agent_entry *e,
		  const struct agent_known *known)
{
	int t;

	*a = (struct top_agent){
		.id = e->id,
		.uid = e->uid,
		.user_ns = e->user_ns,
		.is_default = e->flags & TW_AGENT_IS_DEFAULT,
		.regions = e->regions,
	};
	if (known)
		a->known = *known;
	else
		a->known.is_default = a->is_default;
	for (t = 0; t < TW_NR_TIERS; t++) {
		a->pages[t] = e->pages[t] + e->external[t];
		a->faults += e->faults_minor[t] + e->faults_major[t];
	}
}

int top_agents(struct agents_known *known, struct top_agent **agents,
	       size_t *nr)
{
	struct tw_agent_entry *entries;
	int n, i;

	*agents = NULL;
	*nr = 0;
	n = agents_load(known->tw, &entries);
	if (n <= 0)
		return n;
	*agents = calloc(n, sizeof(**agents));
	if (*agents)
		*nr = n;
	for (i = 0; i < (int)*nr; i++)
		top_agent_of(&(*agents)[i], &entries[i],
			     agent_known(known, &entries[i]));
	free(entries);
	return *agents ? 0 : -ENOMEM;
}
