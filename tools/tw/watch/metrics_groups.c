// SPDX-License-Identifier: GPL-2.0
/*
 * tw metrics: cgroups and users that have limits, and how near to them they are.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_values.h"
#include "base/text.h"
#include "watch/metrics.h"

/* In order of what they have in all tiers together. */
static __u64 sum(const struct tw_group_limits *l)
{
	__u64 all = 0;
	int i;

	for (i = 0; i < TW_NR_TIERS; i++)
		all += l->used[i];
	return all;
}

static int by_size(const void *a, const void *b)
{
	__u64 x = sum(&((const struct metric_group *)a)->limits);
	__u64 y = sum(&((const struct metric_group *)b)->limits);

	return (x < y) - (x > y);
}

int metric_groups_load(struct tw *tw, struct metric_groups *all)
{
	struct metric_group group, *more;
	char path[PATH_MAX];
	__u64 cursor = 0;
	int err;

	while (!(err = tw_group_limits_next(tw, &cursor, path, sizeof(path),
					    &group.limits))) {
		more = realloc(all->group, (all->nr + 1) * sizeof(*more));
		if (more)
			all->group = more;
		group.path = more ? strdup(text_clean(path)) : NULL;
		if (!group.path)
			return -ENOMEM;
		all->group[all->nr++] = group;
	}
	if (all->nr)
		qsort(all->group, all->nr, sizeof(*all->group), by_size);
	/* They are told to administrators only. */
	return err == -ENOENT || err == -EPERM ? 0 : err;
}

void metric_groups_free(struct metric_groups *all)
{
	while (all->nr)
		free(all->group[--all->nr].path);
	free(all->group);
}

/*
 * Has one before it the same name, as far as a label has it? All of the figures would be
 * refused for two alike, and names of cgroups are their owners'.
 */
static bool is_double(const struct metric_groups *all, size_t i)
{
	char mine[METRIC_VALUE_LEN], other[METRIC_VALUE_LEN];
	size_t k;

	if (all->group[i].limits.kind != TW_GROUP_CGROUP)
		return false;
	metric_value(mine, all->group[i].path);
	for (k = 0; k < i; k++)
		if (all->group[k].limits.kind == TW_GROUP_CGROUP &&
		    !strcmp(mine, metric_value(other, all->group[k].path)))
			return true;
	return false;
}

/* Of the tiers in which there is a limit. */
static void put_group(FILE *f, const struct metric *m, const struct metric_group *g,
		      const __u64 v[TW_NR_TIERS], __u32 page_size)
{
	char labels[64 + METRIC_VALUE_LEN], value[METRIC_VALUE_LEN], user[TEXT_LEN];
	bool cgroup = g->limits.kind == TW_GROUP_CGROUP;
	int tier;

	metric_value(value, cgroup ? g->path : text_user(user, g->limits.uid));
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		if (g->limits.pages[tier] == TW_NO_LIMIT)
			continue;
		snprintf(labels, sizeof(labels), "name=\"%s\",kind=\"%s\",tier=\"%s\"", value,
			 cgroup ? "cgroup" : "user", tw_tier_name(tier));
		metric_sample(f, m, labels, v[tier], METRIC_PAGES, page_size);
	}
}

void metrics_groups(FILE *f, const struct metric_groups *all, size_t most, __u32 page_size)
{
	static const struct metric used = {
		"group_used_bytes", false,
		"Memory that a cgroup with all below it, or a user, has in a tier with a limit."
	};
	static const struct metric limit = {
		"group_limit_bytes", false,
		"What a cgroup with all below it, or a user, may have in a tier."
	};
	size_t i;

	metric_begin(f, &used);
	for (i = 0; i < all->nr && i < most; i++)
		if (!is_double(all, i))
			put_group(f, &used, &all->group[i], all->group[i].limits.used, page_size);
	metric_begin(f, &limit);
	for (i = 0; i < all->nr && i < most; i++)
		if (!is_double(all, i))
			put_group(f, &limit, &all->group[i], all->group[i].limits.pages, page_size);
}
