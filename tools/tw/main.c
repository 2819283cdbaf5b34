// SPDX-License-Identifier: GPL-2.0
/*
 * tw: look after TierWatch. The table of commands, the options they all have,
 * and the way from a word to its command.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "agent/commands.h"
#include "base/cli.h"
#include "base/help.h"
#include "base/suggest.h"
#include "base/term.h"
#include "bench/commands.h"
#include "conf/commands.h"
#include "page/commands.h"
#include "program/commands.h"
#include "swap/commands.h"
#include "tier/commands.h"
#include "watch/commands.h"

static int cmd_help(int argc, char **argv);

static const struct cli_cmd tier_cmds[] = {
	{ "list", "[--json]", "the tiers and what they are made of",
	  cmd_tier_list, NULL, tier_list_more },
	{ "detect", "[--conf | --json]",
	  "propose tiers for this machine; changes nothing",
	  cmd_tier_detect, NULL, tier_detect_more },
	{ "format", "[--force] [--label LABEL] [--tier TIER] DEV",
	  "sign a block device or a file so that a store tier may use it",
	  cmd_tier_format, NULL, tier_format_more },
	{ "bind",
	  "TIER [DEV] [--capacity SIZE | --leave PERCENT] [--format] [--nodes LIST] [--movable] [--opencl [PLATFORM:DEVICE] --size SIZE] [--yield[=FREE] [--free-from FILE]]",
	  "give a tier its device, file, NUMA nodes or card",
	  cmd_tier_bind, NULL, tier_bind_more },
	{ "resize", "TIER SIZE", "make a bound store larger or smaller",
	  cmd_tier_resize, NULL, tier_resize_more },
	{ "unbind", "TIER [--force]",
	  "move a tier's pages away and let its memory go",
	  cmd_tier_unbind, NULL, tier_unbind_more },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

static const struct cli_cmd swap_cmds[] = {
	{ "on", "[--size SIZE] [--priority N] [--json]",
	  "have the kernel swap over the tiers", cmd_swap_on, NULL,
	  swap_on_more },
	{ "off", "[--force] [--json]",
	  "bring back what is swapped out, and stop", cmd_swap_off, NULL,
	  swap_off_more },
	{ "status", "[--json]", "how it is, and where its pages are",
	  cmd_swap_status, NULL, swap_status_more },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

static const struct cli_cmd agent_cmds[] = {
	{ "list", "[--json]", "the agents there are, and their memory",
	  cmd_agent_list, NULL, agent_list_more },
	{ "show", "[--user USER] [--user-ns NS] [--json] ID|default",
	  "an agent's memory, limits, faults and moves", cmd_agent_show,
	  NULL, agent_show_more },
	{ "limit",
	  "[--user USER] [--user-ns NS] [--cgroup PATH | --all] [--json] [ID|default] [TIER=SIZE|TIER=none]...",
	  "show or set how much of each tier an agent takes",
	  cmd_agent_limit, NULL, agent_limit_more },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

static const struct cli_cmd policy_cmds[] = {
	{ "show", "[--json]", "what moves pages by itself, and how",
	  cmd_policy_show, NULL, policy_show_more },
	{ "set", "[--json] KEY=VALUE...", "set all of these, or none",
	  cmd_policy_set, NULL, policy_set_more },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

static const struct cli_cmd cmds[] = {
	{ "status", "[--json]", "all that matters, on one screen", cmd_status,
	  NULL, status_more },
	{ "tier", NULL, "what tiers are made of: list, detect, format, bind, resize, unbind",
	  NULL, tier_cmds, NULL },
	{ "swap", NULL, "unmodified programs over the tiers: on, off, status",
	  NULL, swap_cmds, NULL },
	{ "run",
	  "[--limit SIZE] [--tiers TIER,...] [--agent ID] [--no-attach] [--shared[=MIN] [--huge]] -- COMMAND [ARGUMENT]...",
	  "run a command over the tiers, watched, within a limit", cmd_run,
	  NULL, run_more },
	{ "attach", "[--json] [PID... | --cgroup PATH]",
	  "watch programs that know nothing of tiers, or show these",
	  cmd_attach, NULL, attach_more },
	{ "detach", "[--json] PID... | --id ID... | --cgroup PATH | --all",
	  "watch them no more", cmd_detach, NULL, detach_more },
	{ "stats", "[--json]", "counters of all tiers, and the driver's own memory",
	  cmd_stats, NULL, NULL },
	{ "pressure",
	  "[--wait LEVEL [--falling] [--timeout SECONDS]] [--json] [TIER | set TIER [LEVEL=ENTER[,LEAVE]]...]",
	  "how short of room the tiers are, or wait until one is", cmd_pressure,
	  NULL, pressure_more },
	{ "top", "[OPTION]...", "tiers, agents and heat, live", cmd_top, NULL,
	  top_more },
	{ "trace", "[OPTION]...", "events as they happen", cmd_trace, NULL,
	  trace_more },
	{ "record", "[--output FILE] [OPTION]...",
	  "where pages are and how hot, over time, into a file", cmd_record,
	  NULL, record_more },
	{ "heatmap", "[--output PICTURE] [OPTION]... [FILE]",
	  "a recording as a picture, in the terminal or as PNG or SVG",
	  cmd_heatmap, NULL, heatmap_more },
	{ "agent", NULL, "groups of programs: list, show, limit", NULL, agent_cmds,
	  NULL },
	{ "migrate",
	  "[--from TIER] [--pid PID | --agent ID [--user USER] [--user-ns NS]] [--json] TIER [PAGE|RANGE]...",
	  "move pages: by number, by address or an agent's", cmd_migrate,
	  NULL, migrate_more },
	{ "page", "[--pid PID] [--json] [PAGE|RANGE]...",
	  "where pages are, and how hot", cmd_page, NULL, page_more },
	{ "policy", NULL, "what moves pages by itself: show, set", NULL, policy_cmds,
	  NULL },
	{ "metrics", "[--output FILE | --json] [--agents N] [--programs N]",
	  "all figures, for Prometheus", cmd_metrics, NULL, metrics_more },
	{ "bench", "[OPTION]...",
	  "latency and bandwidth between this machine's tiers", cmd_bench,
	  NULL, bench_more },
	{ "apply", "[--dry-run] [--conf PATH] [--json]",
	  "set tiers, policy and limits as /etc/tierwatch.conf says",
	  cmd_apply, NULL, apply_more },
	{ "help", "[COMMAND [SUBCOMMAND]]", "this, or more of a command",
	  cmd_help, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL, NULL },
};

/* The command of this name, or NULL and it has said what might be meant. */
static const struct cli_cmd *find(const struct cli_cmd *list,
				  const char *above, const char *name)
{
	const char *names[32], *meant;
	const struct cli_cmd *c;
	size_t nr = 0;

	for (c = list; c->name; c++) {
		if (!strcmp(c->name, name))
			return c;
		if (nr < ARRAY_SIZE(names))
			names[nr++] = c->name;
	}
	meant = suggest(name, names, nr);
	cli_usage("no such command: %s%s%s%s%s%s", above, *above ? " " : "",
		  name, meant ? ". Did you mean " : "", meant ? meant : "",
		  meant ? "?" : "");
	return NULL;
}

static int cmd_help(int argc, char **argv)
{
	const struct cli_cmd *c, *sub;

	if (argc == 1) {
		help_all(stdout, cmds);
		return cli_flush(EXIT_SUCCESS);
	}
	c = find(cmds, "", argv[1]);
	if (!c)
		return EXIT_USAGE;
	if (argc == 2) {
		help_cmd(stdout, "", c);
		return cli_flush(EXIT_SUCCESS);
	}
	if (argc > 3 || !c->sub)
		return cli_usage("help takes a command, and where there is one a subcommand");
	sub = find(c->sub, c->name, argv[2]);
	if (!sub)
		return EXIT_USAGE;
	help_cmd(stdout, c->name, sub);
	return cli_flush(EXIT_SUCCESS);
}

static bool wants_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help"))
			return true;
	return argc == 2 && !strcmp(argv[1], "-h");
}

/*
 * --human and --color may stand after the command as well, and no command
 * needs to know them: they are taken out. Returns how many words are left.
 */
static int take_globals(int argc, char **argv)
{
	int from, to = 1;

	for (from = 1; from < argc; from++) {
		const char *word = argv[from];

		if (!strcmp(word, "--"))
			break;
		if (!strcmp(word, "--human"))
			cli_human = true;
		else if (strncmp(word, "--color=", 8))
			argv[to++] = argv[from];
		else if (color_parse(word + 8))
			return -EINVAL;
	}
	while (from < argc)
		argv[to++] = argv[from++];
	argv[to] = NULL;
	return to;
}

/*
 * --json before the command is the command's own --json. argv[-1] is a word
 * before the command, and so there is room for one more. getopt's complaints
 * begin with argv[0].
 */
static int run_cmd(const struct cli_cmd *c, const char *above, int argc,
		   char **argv, bool json)
{
	static char json_word[8], name[64];

	argc = take_globals(argc, argv);
	if (argc < 0)
		return cli_usage("--color is auto, always or never");
	if (json) {
		argv--;
		argc++;
		strcpy(json_word, "--json");
		argv[1] = json_word;
	}
	snprintf(name, sizeof(name), "tw %s%s%s", above, *above ? " " : "",
		 c->name);
	argv[0] = name;
	cli_command = name + strlen("tw ");
	/* The commands scan their own arguments anew. */
	optind = 0;
	return c->run(argc, argv);
}

static int run(const struct cli_cmd *list, const struct cli_cmd *parent,
	       int argc, char **argv, bool json)
{
	const char *above = parent ? parent->name : "";
	const struct cli_cmd *c;

	if (argc < 1 || (parent && !strcmp(argv[0], "--help"))) {
		help_cmd(argc < 1 ? stderr : stdout, "", parent);
		return argc < 1 ? EXIT_USAGE : cli_flush(EXIT_SUCCESS);
	}
	c = find(list, above, argv[0]);
	if (!c)
		return EXIT_USAGE;
	if (c->sub)
		return run(c->sub, c, argc - 1, argv + 1, json);
	if (wants_help(argc, argv)) {
		help_cmd(stdout, above, c);
		return cli_flush(EXIT_SUCCESS);
	}
	return run_cmd(c, above, argc, argv, json && c->run != cmd_help);
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "human", no_argument, NULL, 'H' },
		{ "color", required_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "+d:jhV", opts, NULL)) != -1) {
		switch (c) {
		case 'd':
			cli_device = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'H':
			cli_human = true;
			break;
		case 'c':
			if (color_parse(optarg))
				return cli_usage("--color is auto, always or never");
			break;
		case 'V':
			printf("tw %s\n", tw_version());
			return cli_flush(EXIT_SUCCESS);
		case 'h':
			help_all(stdout, cmds);
			return cli_flush(EXIT_SUCCESS);
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		help_all(stderr, cmds);
		return EXIT_USAGE;
	}
	return run(cmds, NULL, argc - optind, argv + optind, json);
}
