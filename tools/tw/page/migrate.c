// SPDX-License-Identifier: GPL-2.0
/*
 * tw migrate: moves pages, a batch at a time, so that it can be followed and
 * stopped.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_find.h"
#include "base/cli.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/stop.h"
#include "machine/borrow.h"
#include "page/commands.h"
#include "page/migrate.h"
#include "page/pages.h"
#include "page/procmap.h"

const char migrate_more[] =
	"PAGE is a number as watch shows it, RANGE is A..B without B.\n"
	"  --from TIER   only those that are there\n"
	"  --pid PID     they are addresses in this process, which must be yours;\n"
	"                without any, all of its regions are moved\n"
	"  --agent ID    all that this agent of yours has; default: this cgroup's\n"
	"  --user USER, --user-ns NS  whose agent it is, as for tw agent show\n"
	"Ctrl-C stops after the batch under way; what has moved stays moved.\n";

/* Of a range, what was never touched is no failure. */
static void count(struct migration *m, const struct span *s, int status)
{
	m->done++;
	if (s->single)
		m->status[m->nr_status++] = status;
	if (!status)
		m->moved++;
	else if (status == TW_MOVE_ALREADY)
		m->already++;
	else if (status == -ENOENT && !s->single)
		m->untouched++;
	else
		migration_failed(m, status, 1);
}

/*
 * Pages whose turn had not come when there was a signal are left for the next
 * step, if there is one: it may have been somebody else's signal.
 */
static int move_step(struct tw *tw, struct migration *m,
		     const struct pages_step *step)
{
	__s32 status[PAGES_STEP];
	struct tw_move_sum sum;
	size_t i;
	int err;

	err = tw_migrate_pages(tw, step->page, step->nr, m->to, m->from,
			       TW_REASON_MANUAL, status, &sum);
	for (i = 0; i < sum.done && status[i] != -EINTR; i++)
		count(m, step->span[i], status[i]);
	return err == -EINTR ? 0 : err;
}

static int move_spans(struct tw *tw, struct migration *m,
		      const struct spans *spans, struct progress *progress)
{
	struct pages_step step;
	int err = 0;

	while (!err && m->done < m->total) {
		if (stop_signal())
			return -EINTR;
		spans_step(spans, m->done, m->page_size, &step);
		err = move_step(tw, m, &step);
		progress_show(progress, m->done);
	}
	return err;
}

/* Each call begins anew: its failures are those of the calls before, too. */
static int move_agent(struct tw *tw, struct migration *m,
		      const struct tw_agent *agent, struct progress *progress)
{
	__u64 moved, failed = 0;
	int err;

	do {
		if (stop_signal())
			return -EINTR;
		err = tw_agent_migrate(tw, agent, m->to, m->from,
				       TW_REASON_MANUAL, PAGES_STEP, &moved,
				       &failed);
		if (err == -EINTR) {
			moved = PAGES_STEP;
			continue;
		}
		if (err)
			return err;
		m->moved += moved;
		m->done += moved;
		progress_show(progress, m->done);
	} while (moved >= PAGES_STEP);
	m->done += failed;
	if (failed)
		migration_failed(m, 0, failed);
	return 0;
}

static int finish(struct migration *m, const struct spans *spans, int err,
		  bool json)
{
	int c = EXIT_SUCCESS;

	m->interrupted = err == -EINTR;
	migration_show(m, spans, json);
	if (err == -EOPNOTSUPP)
		return cli_error("the %s tier is not bound. See: tw tier list",
				 tw_tier_name(m->to));
	if (err && !m->interrupted)
		return cli_errno(err, "moving to %s", tw_tier_name(m->to));
	if (m->failed || (m->done && m->untouched == m->done && !m->by_pid))
		c = cli_error("%llu of %llu pages could not be moved",
			      (unsigned long long)(m->failed ? m->failed :
						   m->untouched),
			      (unsigned long long)m->total);
	return cli_flush(m->interrupted ? EXIT_INTERRUPTED : c);
}

static int migrate_spans(struct tw *tw, struct migration *m,
			 const struct spans *spans, bool json)
{
	struct progress progress = { .what = "moving" };
	int err;

	m->total = spans_pages(spans);
	progress.total = m->total;
	m->status = calloc(spans->nr ? spans->nr : 1, sizeof(*m->status));
	if (!m->status)
		return cli_errno(-ENOMEM, "pages");
	err = move_spans(tw, m, spans, &progress);
	progress_end(&progress);
	err = finish(m, spans, err, json);
	free(m->status);
	return err;
}

static int migrate_agent(struct tw *tw, struct migration *m,
			 struct agent_name *name, bool json)
{
	struct progress progress = { .what = "moving" };
	struct tw_agent_entry agent;
	struct tw_agent *opened;
	int c, err, i;

	c = agent_open(tw, name, &agent, &opened);
	if (c)
		return c;
	for (i = 0; i < TW_NR_TIERS; i++)
		if (i != m->to && (m->from == TW_TIER_NONE || i == m->from))
			m->total += agent.pages[i];
	progress.total = m->total;
	err = move_agent(tw, m, opened, &progress);
	tw_agent_close(opened);
	progress_end(&progress);
	return finish(m, NULL, err, json);
}

/* All that the process has mapped. */
static int all_spans(const struct proc_maps *maps, __u32 page_size,
		     struct spans *spans)
{
	size_t i;
	int c = 0;

	if (!maps->nr)
		return cli_error("process %u has no regions mapped", maps->pid);
	for (i = 0; !c && i < maps->nr; i++)
		c = spans_between(spans, maps, maps->map[i].at.start,
				  maps->map[i].at.end, page_size);
	return c;
}

static int migrate_pages(struct tw *tw, struct migration *m, unsigned int pid,
			 const struct range *ranges, int nr, bool json)
{
	struct proc_maps maps = { 0 };
	struct borrowed files = { 0 };
	struct spans spans = { 0 };
	int c = 0;

	m->by_pid = pid;
	if (pid)
		c = proc_maps_read(&maps, tw, pid);
	if (!c && pid && borrow_of(&files, pid))
		c = cli_errno(-ENOMEM, "looking into process %u", pid);
	if (!c && !nr)
		c = all_spans(&maps, m->page_size, &spans);
	else if (!c)
		c = spans_resolve(&spans, ranges, nr, pid ? &maps : NULL,
				  m->page_size);
	if (!c)
		c = migrate_spans(tw, m, &spans, json);
	spans_free(&spans);
	borrow_return(&files);
	proc_maps_free(&maps);
	return c;
}

/**
 * struct migrate_args - the command line
 * @m: where to and from
 * @agent: whose pages, with @by_agent
 * @by_agent: an agent was named
 * @pid: whose addresses; 0: they are page numbers
 * @json: for programs
 * @ranges: what is to be moved
 * @nr: how many of these
 */
struct migrate_args {
	struct migration m;
	struct agent_name agent;
	bool by_agent;
	unsigned int pid;
	bool json;
	struct range *ranges;
	int nr;
};

static int parse_options(int argc, char **argv, struct migrate_args *a)
{
	static const struct option opts[] = {
		{ "from", required_argument, NULL, 'f' },
		{ "pid", required_argument, NULL, 'p' },
		{ "agent", required_argument, NULL, 'a' },
		{ "user", required_argument, NULL, 'u' },
		{ "user-ns", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "f:p:a:u:n:j", opts,
					NULL)) != -1) {
		switch (c) {
		case 'f':
			ret = parse_tier_arg(optarg, &a->m.from);
			break;
		case 'p':
			ret = parse_pid(optarg, &a->pid);
			break;
		case 'a':
			ret = parse_agent(optarg, &a->agent);
			a->by_agent = true;
			break;
		case 'u':
			ret = parse_agent_user(optarg, &a->agent);
			break;
		case 'n':
			ret = parse_agent_ns(optarg, &a->agent);
			break;
		case 'j':
			a->json = true;
			break;
		default:
			ret = EXIT_USAGE;
		}
	}
	return ret;
}

static int parse_args(int argc, char **argv, struct migrate_args *a)
{
	int c = parse_options(argc, argv, a);

	if (c)
		return c;
	if (optind == argc)
		return cli_usage("migrate takes a tier and what is to be moved there");
	c = parse_tier_arg(argv[optind], &a->m.to);
	if (c)
		return c;
	optind++;
	a->nr = argc - optind;
	if (a->by_agent && (a->pid || a->nr))
		return cli_usage("migrate takes an agent, or pages, not both");
	if (!a->by_agent && (a->agent.by_user || a->agent.user_ns))
		return cli_usage("--user and --user-ns say whose agent it is, and go with --agent");
	if (!a->by_agent && !a->pid && !a->nr)
		return cli_usage("migrate takes page numbers, or --pid, or --agent");
	return ranges_parse(a->nr, argv + optind, a->pid, &a->ranges);
}

int cmd_migrate(int argc, char **argv)
{
	struct migrate_args a = { .m.from = TW_TIER_NONE };
	struct tw_info info;
	struct tw *tw;
	int c, err;

	c = parse_args(argc, argv, &a);
	if (c)
		return c;
	stop_catch();
	c = cli_open(&tw);
	if (c)
		goto out;
	err = tw_info(tw, &info);
	a.m.page_size = info.page_size;
	if (err)
		c = cli_errno(err, "moving to %s", tw_tier_name(a.m.to));
	else if (a.by_agent)
		c = migrate_agent(tw, &a.m, &a.agent, a.json);
	else
		c = migrate_pages(tw, &a.m, a.pid, a.ranges, a.nr, a.json);
	tw_close(tw);
out:
	free(a.ranges);
	return c;
}
