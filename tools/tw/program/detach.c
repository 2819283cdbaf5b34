// SPDX-License-Identifier: GPL-2.0
/*
 * tw detach: programs are watched no more.
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
#include "program/attachments.h"
#include "program/commands.h"
#include "program/procs.h"
#include "program/show.h"

const char detach_more[] =
"Ends attachments: the programs go on as they are, without temperatures.\n"
"  PID            processes, by their numbers\n"
"  --id ID        attachments, by the ids that tw attach shows\n"
"  --cgroup PATH  all processes of a cgroup, and of those below it\n"
"  --all          all that you may see\n"
"  --json         all that is attached then, as one document\n"
"Those of other programs need CAP_SYS_PTRACE.\n";

/**
 * struct detaching - what is to be detached
 * @tw: the device
 * @all: what was attached when it began
 * @quiet: print nothing of those that are detached
 */
struct detaching {
	struct tw *tw;
	struct attachments all;
	bool quiet;
};

/* 0, or the exit code and it has said why not. */
static int detach(const struct detaching *d, const struct tw_attached *a)
{
	char what[PROCESS_TEXT_LEN];
	int err = tw_detach(d->tw, a->id);

	if (a->pid)
		text_process(what, a->pid);
	else
		snprintf(what, sizeof(what), "attachment %llu",
			 (unsigned long long)a->id);
	/* It has ended by itself since. */
	if (err && err != -ENOENT)
		return cli_errno(err, "detaching %s", what);
	if (!d->quiet)
		printf("%s: detached\n", what);
	return 0;
}

static int detach_all(const struct detaching *d)
{
	int code = 0;
	size_t i;

	for (i = 0; i < d->all.nr && !code; i++)
		code = detach(d, &d->all.one[i]);
	return code;
}

static int detach_cgroup(const struct detaching *d, const char *path)
{
	const struct tw_attached *a;
	struct procs p = { 0 };
	int code;
	size_t i;

	code = procs_or_say(&p, path);
	for (i = 0; i < p.nr && !code; i++) {
		a = attachments_find(&d->all, p.pid[i]);
		if (a)
			code = detach(d, a);
	}
	procs_free(&p);
	return code;
}

static const struct tw_attached *find_id(const struct attachments *all,
					 __u64 id)
{
	size_t i;

	for (i = 0; i < all->nr; i++)
		if (all->one[i].id == id)
			return &all->one[i];
	return NULL;
}

/* Of each number there has to be one, or nothing is changed. */
static int find_each(const struct detaching *d, bool ids, size_t nr,
		     const __u64 *number, const struct tw_attached **found)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		found[i] = ids ? find_id(&d->all, number[i]) :
				 attachments_find(&d->all, number[i]);
		if (!found[i])
			return cli_error("%s %llu is not attached, or you may not see it. See: tw attach",
					 ids ? "attachment" : "process",
					 (unsigned long long)number[i]);
	}
	return 0;
}

static int detach_each(const struct detaching *d, bool ids, size_t nr,
		       const __u64 *number)
{
	const struct tw_attached **found = calloc(nr, sizeof(*found));
	int code;
	size_t i;

	if (!found)
		return cli_errno(-ENOMEM, "the attachments");
	code = find_each(d, ids, nr, number, found);
	for (i = 0; i < nr && !code; i++)
		code = detach(d, found[i]);
	free(found);
	return code;
}

/**
 * struct detach_args - what the command line says
 * @cgroup: a cgroup's path was given, in @path
 * @all: all are meant
 * @ids: the words are ids
 * @json: print all that is attached then
 * @path: as cgroup_path() has it
 * @number: @nr processes or ids
 */
struct detach_args {
	bool cgroup, all, ids, json;
	char path[PATH_MAX];
	__u64 *number;
	size_t nr;
};

/* 0, or the exit code and it has said what is wrong. */
static int parse_numbers(struct detach_args *args, size_t nr, char **words)
{
	__u32 pid;

	args->number = calloc(nr, sizeof(*args->number));
	if (!args->number)
		return cli_errno(-ENOMEM, "the arguments");
	for (; args->nr < nr; args->nr++) {
		if (args->ids) {
			if (parse_u64(words[args->nr], &args->number[args->nr]))
				return cli_usage("not the id of an attachment: %s. See: tw attach",
						 words[args->nr]);
			continue;
		}
		if (parse_pid(words[args->nr], &pid))
			return EXIT_USAGE;
		args->number[args->nr] = pid;
	}
	return 0;
}

static int parse(int argc, char **argv, struct detach_args *args)
{
	static const struct option opts[] = {
		{ "id", no_argument, NULL, 'i' },
		{ "cgroup", required_argument, NULL, 'c' },
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "ic:aj", opts, NULL)) != -1) {
		switch (c) {
		case 'i':
			args->ids = true;
			break;
		case 'c':
			if (parse_cgroup(optarg, args->path))
				return EXIT_USAGE;
			args->cgroup = true;
			break;
		case 'a':
			args->all = true;
			break;
		case 'j':
			args->json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if ((optind < argc) + args->cgroup + args->all != 1 ||
	    (args->ids && optind == argc))
		return cli_usage("detach takes processes, or --id and ids, or --cgroup, or --all");
	return optind < argc ?
	       parse_numbers(args, argc - optind, argv + optind) : 0;
}

int cmd_detach(int argc, char **argv)
{
	struct detach_args args = { 0 };
	struct detaching d = { 0 };
	int c;

	c = parse(argc, argv, &args);
	if (!c)
		c = cli_open(&d.tw);
	if (c)
		goto out;
	d.quiet = args.json;
	c = attachments_load(d.tw, &d.all);
	if (c)
		goto close;
	if (args.all)
		c = detach_all(&d);
	else if (args.cgroup)
		c = detach_cgroup(&d, args.path);
	else
		c = detach_each(&d, args.ids, args.nr, args.number);
	if (!c && args.json)
		c = attachments_show(d.tw, true);
close:
	attachments_free(&d.all);
	tw_close(d.tw);
out:
	free(args.number);
	return cli_flush(c);
}
