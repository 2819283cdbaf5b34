// SPDX-License-Identifier: GPL-2.0
/*
 * tw attach: programs that know nothing of tiers are watched, or those that are.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "agent/agent_cgroup.h"
#include "agent/group_limit.h"
#include "base/cli.h"
#include "base/number.h"
#include "base/text.h"
#include "program/attachments.h"
#include "program/commands.h"
#include "program/procs.h"
#include "program/show.h"

const char attach_more[] =
"Has the private anonymous memory of programs watched that know nothing of\n"
"tiers: its pages have temperatures then, and the kernel still places them.\n"
"It lasts until tw detach, or until the program ends or becomes another one.\n"
"  PID            processes, by their numbers\n"
"  --cgroup PATH  all processes of a cgroup, and of those below it, at this time\n"
"  --json         all that is attached then, as one document\n"
"Without any it shows what is attached: where the memory is, what is swapped\n"
"out, and what could not be seen. Other users' programs need CAP_SYS_PTRACE, and\n"
"so do your own but tw itself.\n";

/* The worse of two exit codes is the one that says what to do. */
static int worse(int a, int b)
{
	return a > b ? a : b;
}

/* Would it be the same with any other process? */
static bool is_general(int err)
{
	return err == -EDQUOT || err == -EOPNOTSUPP || err == -ENOTTY;
}

/**
 * struct attaching - what is to be attached, and how it went
 * @tw: the device
 * @may_end: processes come and go there: one that has ended, or has no memory of its
 *	own, is no error
 * @quiet: print nothing of those that are attached then
 * @nr: out: processes with memory of their own
 */
struct attaching {
	struct tw *tw;
	bool may_end;
	bool quiet;
	size_t nr;
};

/* 0, or the exit code and it has said why not. */
static int attach_these(struct attaching *a, const struct procs *p)
{
	char process[PROCESS_TEXT_LEN];
	int code = 0, err;
	size_t i;
	__u64 id;

	for (i = 0; i < p->nr; i++) {
		err = tw_attach(a->tw, p->pid[i], &id);
		if (err == -ESRCH && a->may_end)
			continue;
		a->nr++;
		if (err && err != -EEXIST) {
			code = worse(code, attach_failed(p->pid[i], err));
			if (is_general(err))
				break;
		} else if (!a->quiet) {
			printf("%s: %sattached, id %llu\n",
			       text_process(process, p->pid[i]),
			       err ? "already " : "", (unsigned long long)id);
		}
	}
	return code;
}

static int attach_cgroup(struct attaching *a, const char *path)
{
	struct procs p = { 0 };
	int code = procs_or_say(&p, path);

	/* The root cgroup has the kernel's threads. */
	a->may_end = true;
	if (!code)
		code = attach_these(a, &p);
	procs_free(&p);
	if (!code && !a->nr)
		code = cli_error("cgroup %s has no processes with memory of their own",
				 path);
	return code;
}

/* 0, or the exit code and it has said what is wrong. */
static int parse_pids(struct procs *p, int nr, char **words)
{
	__u32 pid;
	int i;

	for (i = 0; i < nr; i++) {
		if (parse_pid(words[i], &pid))
			return EXIT_USAGE;
		if (procs_add(p, pid))
			return cli_errno(-ENOMEM, "the processes");
	}
	return 0;
}

int cmd_attach(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "cgroup", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false, in_cgroup = false;
	struct attaching a = { 0 };
	struct procs p = { 0 };
	char path[PATH_MAX];
	int c;

	while ((c = getopt_long(argc, argv, "c:j", opts, NULL)) != -1) {
		if (c == 'j') {
			json = true;
		} else if (c == 'c') {
			if (parse_cgroup(optarg, path))
				return EXIT_USAGE;
			in_cgroup = true;
		} else {
			return EXIT_USAGE;
		}
	}
	if (in_cgroup && optind < argc)
		return cli_usage("attach takes processes or a cgroup, not both");
	c = parse_pids(&p, argc - optind, argv + optind);
	if (!c)
		c = cli_open(&a.tw);
	if (c)
		goto out;
	a.quiet = json;
	c = in_cgroup ? attach_cgroup(&a, path) : attach_these(&a, &p);
	if (!c && (json || (!in_cgroup && !p.nr)))
		c = attachments_show(a.tw, json);
	tw_close(a.tw);
out:
	procs_free(&p);
	return cli_flush(c);
}
