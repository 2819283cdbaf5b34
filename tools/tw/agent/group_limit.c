// SPDX-License-Identifier: GPL-2.0
/*
 * tw agent limit --cgroup, --user and --all: limits that hold for many agents.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_cgroup.h"
#include "agent/agent_values.h"
#include "agent/group_limit.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/text.h"

int parse_cgroup(const char *s, char *path)
{
	if (cgroup_path(s, path))
		return cli_usage("not a cgroup: %s. Its path is like /system.slice, as in /proc/PID/cgroup",
				 s);
	return 0;
}

const char *text_group(char *buf, const struct group_name *g)
{
	char user[TEXT_LEN];

	if (g->path)
		snprintf(buf, PATH_MAX + TEXT_LEN, "cgroup %s", g->path);
	else
		snprintf(buf, PATH_MAX + TEXT_LEN, "user %s",
			 text_user(user, g->uid));
	return text_clean(buf);
}

static int ask(struct tw *tw, const struct group_name *g,
	       struct tw_group_limits *limits)
{
	return g->path ? tw_cgroup_limits_get(tw, g->path, limits) :
			 tw_user_limits_get(tw, g->uid, limits);
}

static int failed(int err, const struct group_name *g)
{
	char buf[PATH_MAX + TEXT_LEN];

	text_group(buf, g);
	if (err == -EPERM)
		return cli_no_permission("%s: setting limits of cgroups and users needs CAP_SYS_RESOURCE, and so does seeing those of others; nothing was changed. Be root",
					 buf);
	if (err == -EINVAL && g->path)
		return cli_error("%s: not the path of a cgroup. It is like /system.slice/x.service, as in /proc/PID/cgroup",
				 buf);
	if (err == -ENOSPC)
		return cli_error("%s: too many cgroups and users have limits. See: tw agent limit --all",
				 buf);
	return cli_errno(err, "the limits of %s", buf);
}

static void print_group(const struct group_name *g,
			const struct tw_group_limits *l, __u32 page_size)
{
	char buf[PATH_MAX + TEXT_LEN], used[TEXT_LEN], limit[TEXT_LEN];
	bool counted = false;
	int i;

	for (i = 0; i < TW_NR_TIERS; i++)
		counted |= l->pages[i] != TW_NO_LIMIT;
	printf("%s\n%-5s %10s %10s\n", text_group(buf, g), "TIER", "MEMORY",
	       "LIMIT");
	for (i = 0; i < TW_NR_TIERS; i++)
		printf("%-5s %10s %10s\n", tw_tier_name(i),
		       counted ? text_bytes(used, l->used[i] * page_size) : "-",
		       text_limit(limit, l->pages[i], page_size));
}

static void json_group(const struct group_name *g,
		       const struct tw_group_limits *l, __u32 page_size)
{
	char buf[PATH_MAX + TEXT_LEN];

	json_begin(JSON_GROUP_LIMIT);
	if (g->path) {
		snprintf(buf, sizeof(buf), "%s", g->path);
		json_str("cgroup", text_clean(buf));
	} else {
		json_u64("uid", g->uid);
		json_str("user", text_user(buf, g->uid));
	}
	json_u64("page_size", page_size);
	json_tiers("pages", l->used);
	json_limits("limits", l->pages);
	json_close('}');
}

int group_limit(struct tw *tw, const struct group_name *g,
		const struct limit_args *args, bool json)
{
	struct tw_group_limits limits;
	struct tw_info info;
	int c, err;

	err = tw_info(tw, &info);
	if (!err)
		err = ask(tw, g, &limits);
	if (!err && args->set) {
		c = limits_apply(args, info.page_size, limits.pages);
		if (c)
			return c;
		err = g->path ?
		      tw_cgroup_limits_set(tw, g->path, limits.pages) :
		      tw_user_limits_set(tw, g->uid, limits.pages);
		if (!err)
			err = ask(tw, g, &limits);
	}
	if (err)
		return failed(err, g);
	if (json) {
		json_group(g, &limits, info.page_size);
		json_end();
	} else {
		print_group(g, &limits, info.page_size);
	}
	return cli_flush(EXIT_SUCCESS);
}

int group_limits_list(struct tw *tw, bool json)
{
	struct tw_group_limits limits;
	struct tw_info info;
	char path[PATH_MAX];
	__u64 cursor = 0;
	int err;

	err = tw_info(tw, &info);
	if (!err)
		err = tw_group_limits_next(tw, &cursor, path, sizeof(path),
					   &limits);
	if (err == -EPERM)
		return cli_no_permission("seeing all limits needs CAP_SYS_RESOURCE. Be root");
	if (err && err != -ENOENT)
		return cli_errno(err, "listing the limits");
	if (json)
		json_open(NULL, '[');
	else if (err)
		printf("No cgroup and no user has limits.\n");
	while (!err) {
		const struct group_name g = {
			.path = limits.kind == TW_GROUP_CGROUP ? path : NULL,
			.uid = limits.uid,
		};

		if (json)
			json_group(&g, &limits, info.page_size);
		else
			print_group(&g, &limits, info.page_size);
		err = tw_group_limits_next(tw, &cursor, path, sizeof(path),
					   &limits);
	}
	if (err != -ENOENT)
		return cli_errno(err, "listing the limits");
	if (json) {
		json_close(']');
		json_end();
	}
	return cli_flush(EXIT_SUCCESS);
}
