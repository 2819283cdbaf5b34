// SPDX-License-Identifier: GPL-2.0
/*
 * tw agent list, tw agent show.
 */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

#include "agent/agent_cgroup.h"
#include "agent/agent_find.h"
#include "agent/agent_values.h"
#include "agent/commands.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/text.h"

const char agent_list_more[] =
	"Each agent that you may see, in the order of making: your own, as root all.\n"
	"KIND cgroup is the default agent of a cgroup, whose id is its number.\n"
	"Amounts are the memory of its regions in each tier.\n";

const char agent_show_more[] =
	"ID is the number that tw agent list shows; default is the agent of the\n"
	"cgroup that tw runs in, default:ID that of the cgroup with this number when\n"
	"another agent has it, too.\n"
	"  --user USER   whose agent, when several users have one of that number\n"
	"  --user-ns NS  of which user namespace, by the number that\n"
	"                tw agent list --json and ls -i /proc/PID/ns/user show\n";

static void json_agent(const struct tw_agent_entry *a, __u32 page_size,
		       const char *cgroup)
{
	char user[TEXT_LEN];

	json_begin(JSON_AGENT);
	json_u64("id", a->id);
	json_u64("uid", a->uid);
	json_str("user", text_user(user, a->uid));
	json_u64("user_ns", a->user_ns);
	json_bool("default", a->flags & TW_AGENT_IS_DEFAULT);
	json_bool("mine", a->flags & TW_AGENT_IS_MINE);
	if (cgroup)
		json_str("cgroup", cgroup);
	json_u64("regions", a->regions);
	json_u64("page_size", page_size);
	json_tiers("pages", a->pages);
	json_tiers("external", a->external);
	json_limits("limits", a->limit);
	json_limits("hard_limits", a->hard);
	json_tiers("faults_minor", a->faults_minor);
	json_tiers("faults_major", a->faults_major);
	json_tiers("moves_in", a->moves_in);
	json_tiers("moves_out", a->moves_out);
	json_u64("fault_ns", a->fault_ns);
	json_u64("reported", a->reported);
	json_close('}');
}

static const char *kind_of(const struct tw_agent_entry *a)
{
	return a->flags & TW_AGENT_IS_DEFAULT ? "cgroup" : "agent";
}

static void print_line(const struct tw_agent_entry *a, __u32 page_size)
{
	char user[TEXT_LEN], buf[TEXT_LEN];
	int i;

	printf("%-11llu %-8s %-6s", (unsigned long long)a->id,
	       text_user(user, a->uid), kind_of(a));
	for (i = 0; i < TW_NR_TIERS; i++)
		printf(" %8s", text_bytes(buf, a->pages[i] * page_size));
	printf(" %7llu\n", (unsigned long long)a->regions);
}

static void print_list(const struct tw_agent_entry *a, int nr, __u32 page_size)
{
	int i;

	if (!nr) {
		printf("There are no agents that you may see. A program has one when it makes a region.\n");
		return;
	}
	printf("%-11s %-8s %-6s %8s %8s %8s %8s %8s %7s\n", "AGENT", "USER",
	       "KIND", "GPU", "CPU", "NVME", "SSD", "HDD", "REGIONS");
	for (i = 0; i < nr; i++)
		print_line(&a[i], page_size);
}

int cmd_agent_list(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct tw_agent_entry *list = NULL;
	int c, i, nr, err;
	bool json = false;
	struct tw_info info;
	struct tw *tw;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind != argc)
		return cli_usage("agent list takes no arguments but --json");
	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_info(tw, &info);
	nr = err ? err : agents_load(tw, &list);
	tw_close(tw);
	if (nr < 0)
		return cli_errno(nr, "listing the agents");
	if (json) {
		json_open(NULL, '[');
		for (i = 0; i < nr; i++)
			json_agent(&list[i], info.page_size, NULL);
		json_close(']');
		json_end();
	} else {
		print_list(list, nr, info.page_size);
	}
	free(list);
	return cli_flush(EXIT_SUCCESS);
}

static void print_agent(const struct tw_agent_entry *a, __u32 page_size,
			const char *cgroup)
{
	char buf[TEXT_LEN], limit[TEXT_LEN], user[TEXT_LEN];
	int i;

	printf("agent %llu of %s%s: %llu regions, %s in faults, %llu faults reported\n",
	       (unsigned long long)a->id, text_user(user, a->uid),
	       a->flags & TW_AGENT_IS_DEFAULT ? ", default of a cgroup" : "",
	       (unsigned long long)a->regions, text_ns(buf, a->fault_ns),
	       (unsigned long long)a->reported);
	if (cgroup)
		printf("cgroup %s\n", cgroup);
	printf("%-5s %10s %10s %10s %9s %9s %9s %9s\n", "TIER", "MEMORY",
	       "LIMIT", "EXTERNAL", "MINOR", "MAJOR", "MOVES IN", "MOVES OUT");
	for (i = 0; i < TW_NR_TIERS; i++) {
		printf("%-5s %10s %10s", tw_tier_name(i),
		       text_bytes(buf, a->pages[i] * page_size),
		       text_limit(limit, a->limit[i], page_size));
		printf(" %10s %9llu %9llu %9llu %9llu\n",
		       text_bytes(buf, a->external[i] * page_size),
		       (unsigned long long)a->faults_minor[i],
		       (unsigned long long)a->faults_major[i],
		       (unsigned long long)a->moves_in[i],
		       (unsigned long long)a->moves_out[i]);
	}
}

static int show(struct tw *tw, struct agent_name *name, bool json)
{
	char buf[PATH_MAX], *cgroup = NULL;
	struct tw_agent_entry agent;
	struct tw_info info;
	int c, err;

	err = tw_info(tw, &info);
	if (err)
		return cli_errno(err, "asking for the agent");
	c = agent_find(tw, name, &agent);
	if (c)
		return c;
	if (agent.flags & TW_AGENT_IS_DEFAULT &&
	    text_cgroup(buf, sizeof(buf), agent.id))
		cgroup = buf;
	if (json) {
		json_agent(&agent, info.page_size, cgroup);
		json_end();
	} else {
		print_agent(&agent, info.page_size, cgroup);
	}
	return cli_flush(EXIT_SUCCESS);
}

int cmd_agent_show(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "user", required_argument, NULL, 'u' },
		{ "user-ns", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct agent_name name = { 0 };
	bool json = false;
	int c, ret = 0;
	struct tw *tw;

	while (!ret && (c = getopt_long(argc, argv, "u:n:j", opts,
					NULL)) != -1) {
		switch (c) {
		case 'u':
			ret = parse_agent_user(optarg, &name);
			break;
		case 'n':
			ret = parse_agent_ns(optarg, &name);
			break;
		case 'j':
			json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (ret)
		return ret;
	if (argc - optind != 1)
		return cli_usage("agent show takes one agent: its number, or default");
	c = parse_agent(argv[optind], &name);
	if (c)
		return c;
	c = cli_open(&tw);
	if (c)
		return c;
	c = show(tw, &name, json);
	tw_close(tw);
	return c;
}
