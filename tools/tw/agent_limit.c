// SPDX-License-Identifier: GPL-2.0
/*
 * tw agent limit: how much of each tier an agent takes.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "agents.h"

const char agent_limit_more[] =
	"Sets the limits that are given, all at once, and shows what they are then;\n"
	"without any it only shows them. SIZE is like 64M, none is no limit. What is\n"
	"over a limit goes to the next tier; nothing is refused or killed for it.\n"
	"ID is one of your own agents, default that of this cgroup. Above HARD takes\n"
	"CAP_SYS_RESOURCE, and who has that sets both.\n";

/**
 * struct limit_args - what is to be set
 * @set: bit by tier
 * @bytes: by tier; TW_NO_LIMIT: none
 */
struct limit_args {
	unsigned int set;
	__u64 bytes[TW_NR_TIERS];
};

const char *text_limit(char *buf, __u64 pages, __u32 page_size)
{
	if (pages == TW_NO_LIMIT)
		return "none";
	return text_bytes(buf, pages * page_size);
}

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

/* In pages, onto what there was. */
static int apply_args(const struct limit_args *args, __u32 page_size,
		      __u64 pages[TW_NR_TIERS])
{
	int i;

	for (i = 0; i < TW_NR_TIERS; i++) {
		if (!(args->set & 1U << i))
			continue;
		if (args->bytes[i] == TW_NO_LIMIT)
			pages[i] = TW_NO_LIMIT;
		else if (args->bytes[i] % page_size)
			return cli_usage("%s: a limit is a multiple of the page size, %u bytes",
					 tw_tier_name(i), page_size);
		else
			pages[i] = args->bytes[i] / page_size;
	}
	return 0;
}

static int set_limits(struct tw *tw, const struct agent_name *name,
		      const __u64 pages[TW_NR_TIERS])
{
	if (name->is_default)
		return tw_agent_limits_set(tw, NULL, pages);
	return tw_agent_limits_set_by_id(tw, name->id, pages);
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
	json_open(NULL, '{');
	json_u64("id", a->id);
	json_u64("uid", a->uid);
	json_u64("page_size", page_size);
	json_tiers("pages", a->pages);
	json_limits("limits", a->limit);
	json_limits("hard_limits", a->hard);
	json_close('}');
	json_end();
}

static int set(struct tw *tw, struct agent_name *name,
	       const struct limit_args *args, __u32 page_size,
	       struct tw_agent_entry *a)
{
	__u64 pages[TW_NR_TIERS];
	int c, err;

	if (!(a->flags & TW_AGENT_IS_MINE))
		return cli_error("agent %llu is another user's, who alone sets its limits",
				 (unsigned long long)a->id);
	memcpy(pages, a->limit, sizeof(pages));
	c = apply_args(args, page_size, pages);
	if (c)
		return c;
	err = set_limits(tw, name, pages);
	if (err == -ENOENT)
		return agent_none(name);
	if (err == -EPERM)
		return cli_no_permission("that is above a hard limit, which takes CAP_SYS_RESOURCE; nothing was changed. See: tw agent limit %llu",
				 (unsigned long long)a->id);
	if (err)
		return cli_errno(err, "setting the limits");
	return agent_find(tw, name, a);
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
	c = agent_find(tw, name, &agent);
	if (!c && args->set)
		c = set(tw, name, args, info.page_size, &agent);
	if (c)
		return c;
	if (json)
		json_all(&agent, info.page_size);
	else
		print_limits(&agent, info.page_size);
	return cli_flush(EXIT_SUCCESS);
}

int cmd_agent_limit(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct limit_args args = { 0 };
	struct agent_name name;
	bool json = false;
	struct tw *tw;
	int c, i;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind == argc)
		return cli_usage("agent limit takes an agent: its number, or default");
	c = parse_agent(argv[optind], &name);
	for (i = optind + 1; !c && i < argc; i++)
		c = parse_limit(argv[i], &args);
	if (c)
		return c;
	c = cli_open(&tw);
	if (c)
		return c;
	c = limit(tw, &name, &args, json);
	tw_close(tw);
	return c;
}
