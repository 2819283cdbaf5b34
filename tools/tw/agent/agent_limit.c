// SPDX-License-Identifier: GPL-2.0
/*
 * tw agent limit: how much of each tier an agent takes.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_find.h"
#include "agent/agent_values.h"
#include "agent/commands.h"
#include "agent/group_limit.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

const char agent_limit_more[] =
	"Sets the limits that are given, all at once, and shows what they are then;\n"
	"without any it only shows them. SIZE is like 64M, none is no limit. What is\n"
	"over a limit goes to the next tier; nothing is refused or killed for it.\n"
	"ID is one of your agents, as for tw agent show. Above HARD takes\n"
	"CAP_SYS_RESOURCE, and who has that sets both. An agent's limit is its own:\n"
	"  --cgroup PATH  of all in this cgroup and below it, also of cgroups that come\n"
	"                 later; PATH is as in /proc/PID/cgroup or /sys/fs/cgroup\n"
	"  --user USER    without ID: of all agents of this user\n"
	"  --all          shows all cgroups and users that have limits\n"
	"These take CAP_SYS_RESOURCE. With ID, whose agent it is, as for tw agent show:\n"
	"  --user USER, --user-ns NS\n";

static int parse_limit(const char *arg, struct limit_args *args)
{
	const char *value = strchr(arg, '=');
	char name[8];
	int c, tier;

	if (!value || value - arg >= (int)sizeof(name))
		return cli_usage("not a limit: %s. Limits are like cpu=64M or nvme=none",
				 arg);
	snprintf(name, sizeof(name), "%.*s", (int)(value - arg), arg);
	c = parse_tier_arg(name, &tier);
	if (c)
		return c;
	if (args->set & 1U << tier)
		return cli_usage("two limits for %s", name);
	args->set |= 1U << tier;
	value++;
	args->bytes[tier] = TW_NO_LIMIT;
	if (strcmp(value, "none") && parse_size(value, &args->bytes[tier]))
		return cli_usage("not a size: %s. Sizes are like 4096, 64M or 1G, or none",
				 value);
	return 0;
}

static void print_limits(const struct tw_agent_entry *a, __u32 page_size)
{
	char used[TEXT_LEN], soft[TEXT_LEN], hard[TEXT_LEN], user[TEXT_LEN];
	int i;

	printf("agent %llu of %s\n%-5s %10s %10s %10s\n",
	       (unsigned long long)a->id, text_user(user, a->uid), "TIER",
	       "MEMORY", "LIMIT", "HARD");
	for (i = 0; i < TW_NR_TIERS; i++)
		printf("%-5s %10s %10s %10s\n", tw_tier_name(i),
		       text_bytes(used, a->pages[i] * page_size),
		       text_limit(soft, a->limit[i], page_size),
		       text_limit(hard, a->hard[i], page_size));
}

static void json_all(const struct tw_agent_entry *a, __u32 page_size)
{
	json_begin(JSON_AGENT_LIMIT);
	json_u64("id", a->id);
	json_u64("uid", a->uid);
	json_u64("page_size", page_size);
	json_tiers("pages", a->pages);
	json_limits("limits", a->limit);
	json_limits("hard_limits", a->hard);
	json_close('}');
	json_end();
}

/* While it is open it stays. */
static int set(struct tw *tw, struct agent_name *name,
	       const struct limit_args *args, __u32 page_size,
	       struct tw_agent_entry *a)
{
	__u64 pages[TW_NR_TIERS];
	struct tw_agent *agent;
	int c, err;

	c = agent_open(tw, name, a, &agent);
	if (c)
		return c;
	memcpy(pages, a->limit, sizeof(pages));
	c = limits_apply(args, page_size, pages);
	err = c ? 0 : tw_agent_limits_set(tw, agent, pages);
	if (!c && !err)
		c = agent_find(tw, name, a);
	tw_agent_close(agent);
	if (c)
		return c;
	if (err == -EPERM)
		return cli_no_permission("that is above a hard limit, which takes CAP_SYS_RESOURCE; nothing was changed. See: tw agent limit %llu",
				 (unsigned long long)a->id);
	if (err)
		return cli_errno(err, "setting the limits");
	return 0;
}

static int limit(struct tw *tw, struct agent_name *name,
		 const struct limit_args *args, bool json)
{
	struct tw_agent_entry agent;
	struct tw_info info;
	int c, err;

	err = tw_info(tw, &info);
	if (err)
		return cli_errno(err, "asking for the agent");
	if (args->set)
		c = set(tw, name, args, info.page_size, &agent);
	else
		c = agent_find(tw, name, &agent);
	if (c)
		return c;
	if (json)
		json_all(&agent, info.page_size);
	else
		print_limits(&agent, info.page_size);
	return cli_flush(EXIT_SUCCESS);
}

/**
 * struct limit_cmd - the command line
 * @args: what is to be set
 * @name: of an agent
 * @group: whose limits, with @by_group
 * @path: room for a cgroup's path
 * @by_group: not an agent's
 * @all: the groups there are
 * @json: for programs
 */
struct limit_cmd {
	struct limit_args args;
	struct agent_name name;
	struct group_name group;
	char path[PATH_MAX];
	bool by_group;
	bool all;
	bool json;
};

static int parse_options(int argc, char **argv, struct limit_cmd *l)
{
	static const struct option opts[] = {
		{ "user", required_argument, NULL, 'u' },
		{ "user-ns", required_argument, NULL, 'n' },
		{ "cgroup", required_argument, NULL, 'c' },
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "u:n:c:aj", opts,
					NULL)) != -1) {
		switch (c) {
		case 'u':
			ret = parse_agent_user(optarg, &l->name);
			break;
		case 'n':
			ret = parse_agent_ns(optarg, &l->name);
			break;
		case 'c':
			ret = parse_cgroup(optarg, l->path);
			l->group.path = l->path;
			l->by_group = true;
			break;
		case 'a':
			l->all = true;
			break;
		case 'j':
			l->json = true;
			break;
		default:
			ret = EXIT_USAGE;
		}
	}
	return ret;
}

/* An agent, or a user when there is none before the limits. */
static int parse_whose(int argc, char **argv, struct limit_cmd *l)
{
	bool id = optind < argc && !strchr(argv[optind], '=');

	if (l->all && (l->by_group || l->name.by_user || l->name.user_ns ||
		       optind < argc))
		return cli_usage("agent limit --all takes nothing but --json");
	if (l->by_group && (id || l->name.by_user || l->name.user_ns))
		return cli_usage("agent limit takes a cgroup, a user or an agent, and only one of them");
	if (l->all || l->by_group)
		return 0;
	if (id)
		return parse_agent(argv[optind++], &l->name);
	if (!l->name.by_user || l->name.user_ns)
		return cli_usage("agent limit takes an agent: its number, or default");
	l->by_group = true;
	l->group.uid = l->name.uid;
	return 0;
}

int cmd_agent_limit(int argc, char **argv)
{
	struct limit_cmd l = { 0 };
	struct tw *tw;
	int c;

	c = parse_options(argc, argv, &l);
	if (!c)
		c = parse_whose(argc, argv, &l);
	for (; !c && optind < argc; optind++)
		c = parse_limit(argv[optind], &l.args);
	if (c)
		return c;
	c = cli_open(&tw);
	if (c)
		return c;
	if (l.all)
		c = group_limits_list(tw, l.json);
	else if (l.by_group)
		c = group_limit(tw, &l.group, &l.args, l.json);
	else
		c = limit(tw, &l.name, &l.args, l.json);
	tw_close(tw);
	return c;
}
