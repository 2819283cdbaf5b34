// SPDX-License-Identifier: GPL-2.0
/*
 * tw trace: events as they happen, read in place out of the mapped rings.
 *
 * Owns the options, when it waits and when it ends, and the account of what was
 * lost. While nothing happens it sleeps; while much does, and nobody looks on
 * at a terminal, it lets a part of a ring fill before it reads on, so that
 * waking up doesn't cost more than the events.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/stop.h"
#include "watch/commands.h"
#include "watch/trace.h"

#define EXIT_LOST	5
#define SLOTS		8192
/* Of the first PID namespace, the same in every kernel. */
#define PROC_PID_INIT_INO	0xEFFFFFFCU
/* Events between two looks at the clock and the signals. */
#define BATCH		4096
#define GATHER_NS	(50 * 1000000ULL)
#define SAY_LOST_NS	NS_PER_SEC

const char trace_more[] =
"  --event EVENT,...  only these: all, fault, migrate, pressure, limit,\n"
"                     tier-bound, tier-unbound, tier-error, agent-created,\n"
"                     agent-ended, request\n"
"  --tier TIER        only what happened there\n"
"  --agent N          only agents with this number; one's own needs no right\n"
"  --pid PID          only what a process's threads did\n"
"  --slower TIME      only what took longer: 20us, 5ms, ...\n"
"  --count N          end after so many events\n"
"  --duration TIME    end after this time: 500ms, 10, 2m, ...\n"
"  --slots N          events that each CPU's ring holds, a power of two (8192)\n"
"  --quiet            no events, only the account at the end\n"
"  --json             an object a line\n";

/**
 * struct trace_job - what was asked for, and how far it is
 * @filter: which events
 * @mask: types, for the driver
 * @slots: per ring
 * @left: events still to be shown
 * @duration_ns: ~0: without end
 * @json: lines of JSON
 * @quiet: only count
 * @at_terminal: somebody waits for each line
 * @shown: events shown
 * @lost_said: of the lost ones, reported
 * @said_ns: when
 * @agents: what they are called
 * @cpu_ns: CPU time of this process when it began to listen
 */
struct trace_job {
	struct trace_filter filter;
	__u64 mask;
	__u64 slots;
	__u64 left;
	__u64 duration_ns;
	bool json;
	bool quiet;
	bool at_terminal;
	__u64 shown;
	__u64 lost_said;
	__u64 said_ns;
	__u64 cpu_ns;
	struct agents_known agents;
};

static void show(struct trace_job *job, const struct tw_event *e,
		 unsigned int cpu)
{
	job->shown++;
	if (job->left != ~0ULL)
		job->left--;
	if (job->quiet)
		return;
	if (job->json)
		trace_json(e, cpu, &job->agents);
	else
		trace_print(e, cpu, &job->agents);
}

/* Shows up to @most of the events there are; how many it has looked at. */
static __u64 show_events(struct trace_job *job, struct tw_stream *stream,
			 __u64 most)
{
	const struct tw_event *event;
	struct tw_event copy;
	unsigned int cpu;
	__u64 n;

	for (n = 0; n < most && job->left; n++) {
		event = tw_stream_peek(stream, &cpu);
		if (!event)
			break;
		copy = *event;
		if (tw_stream_ok(stream, event) &&
		    trace_wanted(&job->filter, &copy))
			show(job, &copy, cpu);
	}
	return n;
}

static void say_lost(struct trace_job *job, struct tw_stream *stream, bool last)
{
	__u64 lost = tw_stream_lost(stream), now;

	if (lost == job->lost_said)
		return;
	now = now_ns();
	if (!last && job->said_ns && now - job->said_ns < SAY_LOST_NS)
		return;
	if (job->json) {
		json_begin(JSON_TRACE);
		json_str("type", "lost");
		json_u64("lost", lost - job->lost_said);
		json_close('}');
		json_end();
	} else {
		fflush(stdout);
		fprintf(stderr, "tw: %llu events were lost: they came faster than they were read\n",
			(unsigned long long)(lost - job->lost_said));
	}
	job->lost_said = lost;
	job->said_ns = now;
}

static void say_summary(const struct trace_job *job, struct tw_stream *stream,
			__u64 start_ns)
{
	__u64 seen = tw_stream_seen(stream), lost = tw_stream_lost(stream);
	__u64 ns = now_ns() - start_ns, cpu = cpu_ns() - job->cpu_ns;

	if (!job->json) {
		fflush(stdout);
		fprintf(stderr, "tw: %llu events shown of %llu read in %llu.%03llu s (CPU time %llu.%03llu s), %llu lost\n",
			(unsigned long long)job->shown,
			(unsigned long long)seen,
			(unsigned long long)ns / NS_PER_SEC,
			(unsigned long long)ns / 1000000 % 1000,
			(unsigned long long)cpu / NS_PER_SEC,
			(unsigned long long)cpu / 1000000 % 1000,
			(unsigned long long)lost);
		if (lost)
			fprintf(stderr, "tw: to lose fewer: ask for less with --event or --agent, or for larger rings with --slots\n");
		return;
	}
	json_begin(JSON_TRACE);
	json_str("type", "summary");
	json_u64("shown", job->shown);
	json_u64("read", seen);
	json_u64("lost", lost);
	json_u64("elapsed_ns", ns);
	json_u64("cpu_ns", cpu);
	json_close('}');
	json_end();
}

static __u64 pending(struct tw_stream *stream)
{
	unsigned int i;
	__u64 sum = 0;

	for (i = 0; i < tw_stream_nr_rings(stream); i++)
		sum += tw_ring_pending(tw_stream_ring(stream, i));
	return sum;
}

/* Until enough is there, or it is time; 0 or -errno. */
static int wait_events(struct trace_job *job, struct tw_stream *stream,
		       bool busy, __u64 deadline)
{
	int n;

	if (busy && now_ns() + GATHER_NS < deadline)
		deadline = now_ns() + GATHER_NS;
	tw_stream_set_watermark(stream, busy ? job->slots / 8 : 1);
	if (tw_stream_arm(stream))
		return 0;
	n = stop_wait(tw_stream_fd(stream), deadline);
	return n < 0 ? n : 0;
}

static int trace(struct trace_job *job, struct tw_stream *stream)
{
	__u64 start = now_ns(), deadline = ~0ULL;
	bool busy = false;
	int err = 0;

	job->cpu_ns = cpu_ns();
	if (job->duration_ns < ~0ULL - start)
		deadline = start + job->duration_ns;
	while (job->left && !stop_signal() && now_ns() < deadline) {
		err = wait_events(job, stream, busy, deadline);
		if (err)
			break;
		busy = show_events(job, stream, BATCH) && !job->at_terminal;
		say_lost(job, stream, false);
		if (fflush(stdout) || ferror(stdout))
			break;
	}
	/* What had happened by then, but to who interrupts a flood. */
	if (!job->at_terminal || !stop_signal())
		show_events(job, stream, pending(stream));
	say_lost(job, stream, true);
	say_summary(job, stream, start);
	if (err)
		return cli_errno(err, "waiting for events");
	if (!stop_signal() && cli_flush(EXIT_SUCCESS))
		return EXIT_FAILURE;
	fflush(stdout);
	return stop_code(tw_stream_lost(stream) ? EXIT_LOST : EXIT_SUCCESS);
}

/*
 * The agent itself when it is the caller's, so that no capability is needed; a
 * cgroup's default one if no other has the number.
 */
static int own_agent(struct tw *tw, __u64 id, struct tw_agent **agent)
{
	struct tw_agent_entry entry = { .id = id, .flags = TW_AGENT_IS_MINE };
	int err = tw_agent_open(tw, &entry, agent);

	if (err != -ENOENT)
		return err;
	entry.flags |= TW_AGENT_IS_DEFAULT;
	return tw_agent_open(tw, &entry, agent);
}

/* A stream of what was asked for, or says why not and returns the exit code. */
static int make_stream(struct trace_job *job, struct tw *tw,
		       struct tw_stream **stream)
{
	unsigned long long id = job->filter.agent;
	struct tw_agent *agent = NULL;
	int err, agent_err = 0;

	if (job->filter.by_agent) {
		agent_err = own_agent(tw, job->filter.agent, &agent);
		if (agent_err && agent_err != -ENOENT)
			return cli_errno(agent_err, "agent %llu", id);
	}
	err = tw_stream_create(tw, job->mask, agent, job->slots, stream);
	tw_agent_close(agent);
	if (agent)
		job->filter.by_agent = false;	/* the driver sees to it */
	if (!err && agent_err)
		fprintf(stderr, "tw: you have no agent %llu: waiting for other users' agents of this number, or one to come\n",
			id);
	if ((err == -EPERM || err == -EACCES) && agent_err) {
		cli_error("you have no agent %llu. An agent lives as long as a program holds it or memory of it. Other users' agents need CAP_PERFMON or CAP_SYS_ADMIN",
			  id);
		return EXIT_NO_PERMISSION;
	}
	if (err == -EPERM || err == -EACCES) {
		cli_error("no permission to trace everybody's events: it needs CAP_PERFMON or CAP_SYS_ADMIN. Be root, or trace an agent of yours with --agent N");
		return EXIT_NO_PERMISSION;
	}
	if (err == -EDQUOT)
		return cli_error("you have too many streams, or too much memory in their rings. End another tw trace, or take smaller rings with --slots");
	if (err)
		return cli_errno(err, "making a stream");
	return 0;
}

static int parse_slower(const char *s, __u32 *ns)
{
	__u64 value;

	if (parse_span(s, 1, &value) || value > ~0U)
		return cli_usage("not a time to be slower than: %s. Say for example 20us or 5ms, 4s at most",
				 s);
	*ns = value;
	return 0;
}

static int parse_slots(const char *s, __u64 *slots)
{
	if (parse_u64(s, slots) || *slots < TW_STREAM_MIN_EVENTS ||
	    *slots > TW_STREAM_MAX_EVENTS || *slots & (*slots - 1))
		return cli_usage("not a size of rings: %s. It is a power of two from %u to %u",
				 s, TW_STREAM_MIN_EVENTS, TW_STREAM_MAX_EVENTS);
	return 0;
}

/*
 * Events name threads as the first PID namespace does. In another one the same
 * number is somebody else's, and nothing here tells which is which. And a process
 * that isn't there does nothing that could be waited for.
 */
static int check_pid(__u32 pid)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		return cli_error("--pid takes /proc, which is not mounted");
	if (st.st_ino != PROC_PID_INIT_INO)
		return cli_error("--pid works in the first PID namespace only: events have its numbers, and here are others. Run tw outside the container, or trace an agent with --agent N");
	if (kill(pid, 0) && errno == ESRCH)
		return cli_error("there is no process %u", pid);
	return 0;
}

/* 0, or an exit code. */
static int trace_option(struct trace_job *job, int c)
{
	switch (c) {
	case 'e':
		if (parse_events(optarg, &job->mask))
			return cli_usage("not a list of events: %s. Events are all, fault, migrate, pressure, limit, tier-bound, tier-unbound, tier-error, agent-created, agent-ended and request",
					 optarg);
		return 0;
	case 't':
		return parse_tier_arg(optarg, &job->filter.tier);
	case 'a':
		if (parse_u64(optarg, &job->filter.agent))
			return cli_usage("not an agent's number: %s", optarg);
		job->filter.by_agent = true;
		return 0;
	case 'p':
		return parse_pid(optarg, &job->filter.pid);
	case 's':
		return parse_slower(optarg, &job->filter.slower_ns);
	case 'c':
		if (parse_u64(optarg, &job->left) || !job->left)
			return cli_usage("not a count: %s", optarg);
		return 0;
	case 'd':
		if (parse_span(optarg, NS_PER_SEC, &job->duration_ns) ||
		    !job->duration_ns)
			return cli_usage("not a duration: %s. Say for example 10 or 500ms",
					 optarg);
		return 0;
	case 'r':
		return parse_slots(optarg, &job->slots);
	case 'q':
		job->quiet = true;
		return 0;
	case 'j':
		job->json = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

int cmd_trace(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "event", required_argument, NULL, 'e' },
		{ "tier", required_argument, NULL, 't' },
		{ "agent", required_argument, NULL, 'a' },
		{ "pid", required_argument, NULL, 'p' },
		{ "slower", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "duration", required_argument, NULL, 'd' },
		{ "slots", required_argument, NULL, 'r' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct trace_job job = {
		.filter.tier = TW_TIER_NONE,
		.mask = TW_EVENT_ALL,
		.slots = SLOTS,
		.left = ~0ULL,
		.duration_ns = ~0ULL,
		.at_terminal = isatty(STDOUT_FILENO),
	};
	struct tw_stream *stream = NULL;
	struct tw *tw;
	int c;

	while ((c = getopt_long(argc, argv, "e:t:a:p:s:c:d:r:qj", opts,
				NULL)) != -1) {
		c = trace_option(&job, c);
		if (c)
			return c;
	}
	if (optind != argc)
		return cli_usage("trace takes options only");
	if (job.filter.pid && job.filter.by_agent)
		return cli_usage("--pid and --agent don't go together: an agent's events don't say whose they are");
	c = job.filter.pid ? check_pid(job.filter.pid) : 0;
	if (!c)
		c = cli_open(&tw);
	if (c)
		return c;
	/* First: from when others can see the stream there is an account. */
	stop_catch();
	job.agents.tw = tw;
	/* Names first: while they are looked up, events would have to wait. */
	if (!job.quiet)
		agent_known_label(&job.agents, 0);
	c = make_stream(&job, tw, &stream);
	if (!c)
		c = trace(&job, stream);
	tw_stream_close(stream);
	agents_known_free(&job.agents);
	tw_close(tw);
	return c;
}
