// SPDX-License-Identifier: GPL-2.0
/*
 * Which section of tierwatch.conf speaks of a cgroup, for tw apply and for tierwatchd,
 * which sees to the cgroups that come later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_cgroup.h"
#include "conf/conf_cgroup.h"

const struct conf_agent *conf_pattern_of(const struct conf *c, const char *path)
{
	const struct conf_agent *found = NULL;
	unsigned int i, weight = 0, w;

	for (i = 0; i < c->nr_agents; i++) {
		const struct conf_agent *a = &c->agents[i];

		if (a->whose == CONF_CGROUP && !strcmp(a->path, path))
			return NULL;
		if (a->whose != CONF_PATTERN || !pattern_matches(a->path, path))
			continue;
		w = pattern_weight(a->path);
		if (!found || w >= weight) {
			found = a;
			weight = w;
		}
	}
	return found;
}

int conf_pattern_walk(const struct conf *c, struct pattern_walk *w)
{
	const char **pattern = calloc(c->nr_agents + 1, sizeof(*pattern));
	unsigned int i;
	int ret;

	if (!pattern)
		return -ENOMEM;
	w->nr = 0;
	for (i = 0; i < c->nr_agents; i++)
		if (c->agents[i].whose == CONF_PATTERN)
			pattern[w->nr++] = c->agents[i].path;
	w->pattern = pattern;
	if (!w->top)
		w->top = CGROUPS;
	ret = pattern_walk(w);
	free(pattern);
	return ret;
}

unsigned int conf_limits(const struct conf *c, const struct conf_agent *a,
			 const __u64 now[TW_NR_TIERS], __u64 then[TW_NR_TIERS])
{
	unsigned int i, changed = 0;

	for (i = 0; i < TW_NR_TIERS; i++) {
		then[i] = now[i];
		if (a->set >> i & 1)
			then[i] = a->bytes[i] == TW_NO_LIMIT ? TW_NO_LIMIT :
				  a->bytes[i] / c->page_size;
		if (then[i] != now[i])
			changed |= 1U << i;
	}
	return changed;
}
