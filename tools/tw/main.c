// SPDX-License-Identifier: GPL-2.0
/*
 * tw: look after TierWatch.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

const char *cli_device;

static int cmd_help(int argc, char **argv);

static const struct cli_cmd tier_cmds[] = {
	{ "list", "[--json]", "the tiers and what they are made of",
	  cmd_tier_list, NULL },
	{ "format", "[--force] [--label LABEL] DEV",
	  "sign a block device so that a store tier may use it",
	  cmd_tier_format, NULL },
	{ "bind",
	  "TIER [DEV] [--capacity SIZE] [--nodes LIST] [--movable]",
	  "give a tier its device or NUMA nodes", cmd_tier_bind, NULL },
	{ "unbind", "TIER [--force]",
	  "move a tier's pages away and let its memory go",
	  cmd_tier_unbind, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const struct cli_cmd agent_cmds[] = {
	{ "stats", "[--id N] [--json]",
	  "an agent's memory; without --id the default agent of this cgroup",
	  cmd_agent_stats, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static const struct cli_cmd cmds[] = {
	{ "tier", NULL, NULL, NULL, tier_cmds },
	{ "stats", "[--json]", "counters of all tiers, and the driver's own memory",
	  cmd_stats, NULL },
	{ "pressure", "[TIER] [--json]", "how full the tiers are",
	  cmd_pressure, NULL },
	{ "trace", "[OPTION]...", "events as they happen", cmd_trace, NULL,
	  trace_more },
	{ "record", "[--output FILE] [OPTION]...",
	  "where pages are and how hot, over time, into a file", cmd_record,
	  NULL, record_more },
	{ "heatmap", "[--output PICTURE] [OPTION]... [FILE]",
	  "a recording as a picture, in the terminal or as PNG or SVG",
	  cmd_heatmap, NULL, heatmap_more },
	{ "top", "[OPTION]...", "tiers, agents and heat, live", cmd_top, NULL,
	  top_more },
	{ "bench", "[OPTION]...",
	  "latency and bandwidth between this machine's tiers", cmd_bench,
	  NULL, bench_more },
	{ "agent", NULL, NULL, NULL, agent_cmds },
	{ "migrate", "[--from TIER] TIER PAGE...",
	  "move pages, by the numbers that trace shows", cmd_migrate, NULL },
	{ "page", "[--json] PAGE...", "look pages up", cmd_page, NULL },
	{ "help", "", "this", cmd_help, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static void print_cmds(FILE *f, const struct cli_cmd *list, const char *above)
{
	for (; list->name; list++) {
		if (list->sub)
			print_cmds(f, list->sub, list->name);
		else
			fprintf(f, "  tw %s%s%s %s\n      %s\n", above,
				*above ? " " : "", list->name, list->usage,
				list->help);
	}
}

static void print_help(FILE *f)
{
	fprintf(f, "usage: tw [--device PATH] COMMAND [ARGUMENTS]\n"
		"       tw --version\n\n");
	print_cmds(f, cmds, "");
	fprintf(f, "\nTIER is gpu, cpu, nvme, ssd or hdd. SIZE is in bytes or "
		"like 64M, 1G.\n");
}

static int cmd_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	print_help(stdout);
	return cli_flush(EXIT_SUCCESS);
}

static int run(const struct cli_cmd *list, const char *above, int argc,
	       char **argv)
{
	const struct cli_cmd *c;

	if (argc < 1) {
		fprintf(stderr, "usage:\n");
		print_cmds(stderr, list, above);
		return EXIT_USAGE;
	}
	for (c = list; c->name; c++) {
		if (strcmp(c->name, argv[0]))
			continue;
		if (c->sub)
			return run(c->sub, c->name, argc - 1, argv + 1);
		if (argc == 2 && (!strcmp(argv[1], "--help") ||
				  !strcmp(argv[1], "-h"))) {
			printf("usage: tw %s%s%s %s\n%s\n%s", above,
			       *above ? " " : "", c->name, c->usage, c->help,
			       c->more ? c->more : "");
			return cli_flush(EXIT_SUCCESS);
		}
		return c->run(argc, argv);
	}
	return cli_usage("no such command: %s%s%s", above, *above ? " " : "",
			 argv[0]);
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+d:hV", opts, NULL)) != -1) {
		switch (c) {
		case 'd':
			cli_device = optarg;
			break;
		case 'V':
			printf("tw %s\n", tw_version());
			return cli_flush(EXIT_SUCCESS);
		case 'h':
			return cmd_help(argc, argv);
		default:
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	argc -= optind;
	argv += optind;
	/* The commands scan their own arguments anew. */
	optind = 0;
	return run(cmds, "", argc, argv);
}
