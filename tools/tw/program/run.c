// SPDX-License-Identifier: GPL-2.0
/*
 * tw run: a command that knows nothing of tiers runs over them, within a limit if
 * wanted, and watched.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "agent/agent_cgroup.h"
#include "base/cli.h"
#include "base/number.h"
#include "base/stop.h"
#include "base/text.h"
#include "machine/sysfs.h"
#include "program/commands.h"
#include "program/run_child.h"
#include "program/run_group.h"
#include "program/run_shared.h"
#include "program/run_tiers.h"
#include "program/run_watch.h"

/* The first looks come sooner: commands fork when they begin. */
#define FIRST_LOOK_NS	(NS_PER_SEC / 8)
#define LOOK_NS		NS_PER_SEC

#define SHARED_LEAST	(1ULL << 20)

const char run_more[] =
"Runs COMMAND and attaches it and what it forks (tw help attach). It ends with\n"
"COMMAND's exit code; signals are handed on.\n"
"  --limit SIZE  memory that it has at most, with all that it starts; what is\n"
"                beyond is swapped out (tw help swap)\n"
"  --tiers TIER,...\n"
"                keep its memory to these: of the stores all that are bound, or\n"
"                none\n"
"  --agent ID    hold the agent of this number, and hand it on as a descriptor,\n"
"                TIERWATCH_AGENT_FD\n"
"  --no-attach   do not watch it\n"
"  --shared[=MIN]\n"
"                memory that its processes share becomes regions, which are on\n"
"                all tiers without swap: what is mapped MAP_SHARED|MAP_ANONYMOUS\n"
"                and is at least MIN large (1M)\n"
"  --huge        with --shared: in pages of 2 MiB, where they fit\n"
"A limit and tiers take a cgroup, made for it and removed again. Where none may\n"
"be made: systemd-run --scope -p Delegate=yes tw run ..., for users with --user\n";

/**
 * struct run - a run
 * @limit: bytes; 0: none
 * @tiers: a bit by tier; 0: any
 * @agent_id: with @has_agent
 * @attach: it is watched
 * @shared: bytes of the smallest shared memory that becomes a region; 0: none does
 * @huge: in pages of 2 MiB
 * @tw: the device, or NULL
 * @agent: or NULL
 */
struct run {
	__u64 limit;
	unsigned int tiers;
	__u64 agent_id;
	bool has_agent;
	bool attach;
	__u64 shared;
	bool huge;
	struct tw *tw;
	struct tw_agent *agent;
	struct run_group group;
	struct run_child child;
};

static int parse(int argc, char **argv, struct run *r)
{
	static const struct option opts[] = {
		{ "limit", required_argument, NULL, 'l' },
		{ "tiers", required_argument, NULL, 't' },
		{ "agent", required_argument, NULL, 'a' },
		{ "no-attach", no_argument, NULL, 'n' },
		{ "shared", optional_argument, NULL, 's' },
		{ "huge", no_argument, NULL, 'H' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", opts, NULL)) != -1) {
		switch (c) {
		case 'l':
			if (parse_size(optarg, &r->limit) || !r->limit)
				return cli_usage("not a size: %s. Write it like 512M or 2G",
						 optarg);
			break;
		case 't':
			if (parse_tiers(optarg, &r->tiers))
				return EXIT_USAGE;
			break;
		case 'a':
			if (parse_u64(optarg, &r->agent_id))
				return cli_usage("not an agent's number: %s",
						 optarg);
			r->has_agent = true;
			break;
		case 'n':
			r->attach = false;
			break;
		case 's':
			r->shared = SHARED_LEAST;
			if (optarg && (parse_size(optarg, &r->shared) || !r->shared))
				return cli_usage("not a size: %s. Write it like --shared=16M",
						 optarg);
			break;
		case 'H':
			r->huge = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	/* tw takes its own options out of what does not stand behind it. */
	if (optind < argc && strcmp(argv[optind - 1], "--"))
		return cli_usage("write -- before the command, so that its options are its own: tw run [OPTION]... -- %s ...",
				 argv[optind]);
	if (optind == argc)
		return cli_usage("run takes a command: tw run [OPTION]... -- COMMAND [ARGUMENT]...");
	if (r->huge && !r->shared)
		return cli_usage("--huge is for the regions that --shared makes: tw run --shared --huge -- COMMAND ...");
	r->child.argv = argv + optind;
	return 0;
}

/* 0, or the exit code and it has said what is wrong. */
static int open_device(struct run *r)
{
	bool needed = r->has_agent || r->tiers || r->shared;
	struct tw_policy policy;
	int code, err;

	if (!needed && !r->attach)
		return 0;
	code = cli_open(&r->tw);
	if (code) {
		r->tw = NULL;
		if (needed)
			return code;
		cli_error("the command runs all the same, and is not watched. Without this message: tw run --no-attach");
		return 0;
	}
	if (r->attach && !tw_policy_get(r->tw, &policy) && !policy.enabled)
		cli_error("warning: automatic migration is off, so nothing is scanned: tw policy set enabled=watch, or enabled=on to have pages moved, too");
	err = r->has_agent ? tw_agent_join(r->tw, r->agent_id, &r->agent) : 0;
	if (err)
		return cli_errno(err, "agent %llu",
				 (unsigned long long)r->agent_id);
	if (r->agent)
		r->child.agent_fd = tw_agent_fd(r->agent);
	return 0;
}

/* Writes to the cgroup; 0, or the exit code and it has said what is wrong. */
static int set(const struct run *r, const char *file, const char *value)
{
	int err = run_group_set(&r->group, file, value);

	return err ? cli_errno(err, "writing %s to %s of cgroup %s", value,
			       file, r->group.path) : 0;
}

/*
 * memory.high and not memory.max: what is beyond is swapped out, and a command that
 * grows faster than that is slowed down rather than killed. So there is no kill that
 * memory.oom.group would spread over all of its processes; and where the machine runs
 * out of memory, one that can do without a child, as a database without the one that
 * saves it, is better off without that.
 */
static int set_limit(const struct run *r)
{
	struct sysinfo info;
	char bytes[32];

	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)r->limit);
	if (!sysinfo(&info) && !info.totalswap)
		cli_error("warning: there is no swap: beyond its limit the command gets slow, and may stand still. To have some: tw swap on");
	return set(r, "memory.high", bytes);
}

static int set_tiers(const struct run *r, const struct run_tiers *t)
{
	char nodes[NODES_LEN], line[NODES_LEN];
	__u64 effective;
	int code;

	code = set(r, "cpuset.mems", text_nodes(nodes, t->nodes));
	if (!code && !t->swap)
		code = set(r, "memory.swap.max", "0");
	if (code)
		return code;
	sysfs_line(line, sizeof(line), "%s/cpuset.mems.effective",
		   r->group.path);
	if (parse_nodes(line, &effective) || effective != t->nodes)
		return cli_error("the tiers have the nodes %s, and the cgroup may use %s only, as one above it says",
				 nodes, line);
	return 0;
}

/* 0, or the exit code and it has said what is wrong. */
static int make_group(struct run *r, const struct run_tiers *t)
{
	unsigned int controllers = 0;
	int code;

	if (r->limit || (r->tiers && !t->swap))
		controllers |= RUN_MEMORY;
	if (r->tiers)
		controllers |= RUN_CPUSET;
	if (!controllers)
		return 0;
	code = run_group_make(&r->group, controllers);
	if (!code && r->limit)
		code = set_limit(r);
	if (!code && r->tiers)
		code = set_tiers(r, t);
	return code;
}

/* The command's exit code. */
static int watch(struct run *r)
{
	struct run_watch w = {
		.tw = r->attach ? r->tw : NULL,
		.cgroup = *r->group.path ?
			  r->group.path + strlen(CGROUPS) : NULL,
		.pid = r->child.pid,
	};
	__u64 pause = FIRST_LOOK_NS;
	int code;

	do {
		if (w.tw)
			run_watch_look(&w);
		code = run_child_wait(&r->child,
				      w.tw ? now_ns() + pause : ~0ULL);
		if (pause < LOOK_NS)
			pause *= 2;
	} while (code < 0);
	return code;
}

int cmd_run(int argc, char **argv)
{
	struct run r = { .attach = true, .child.agent_fd = -1 };
	struct run_tiers t = { 0 };
	int code;

	code = parse(argc, argv, &r);
	if (code)
		return code;
	code = open_device(&r);
	if (!code && r.tiers)
		code = run_tiers_find(r.tw, r.tiers, &t);
	if (!code && r.shared)
		code = run_shared(r.shared, r.huge);
	if (code)
		goto close;
	/* From here on nothing is left behind, whatever comes. */
	code = run_child_signals(&r.child);
	if (code)
		goto close;
	r.child.group = &r.group;
	code = make_group(&r, &t);
	if (!code)
		code = run_child_start(&r.child);
	if (!code)
		code = watch(&r);
	run_group_remove(&r.group);
	run_child_signals_end(&r.child);
close:
	if (r.agent)
		tw_agent_close(r.agent);
	if (r.tw)
		tw_close(r.tw);
	return code;
}
