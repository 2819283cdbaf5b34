// SPDX-License-Identifier: GPL-2.0
/*
 * tw watch: events as they happen.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define WATCH_SLOTS	8192

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void print_fault(const struct tw_event *e)
{
	char page[TEXT_LEN], ns[TEXT_LEN];

	printf(" %s %s in %s", e->flags & TW_FAULT_WRITE ? "write" : "read",
	       text_page(page, e->page), tw_tier_name(e->tier));
	if (e->to_tier != e->tier)
		printf(" -> %s", tw_tier_name(e->to_tier));
	printf("%s%s, addr 0x%llx, %s",
	       e->flags & TW_FAULT_MAJOR ? " major" : "",
	       e->flags & TW_FAULT_FIRST ? " first" : "",
	       (unsigned long long)e->addr, text_ns(ns, e->latency_ns));
}

static void print_event(const struct tw_event *e, unsigned int cpu)
{
	char page[TEXT_LEN], ns[TEXT_LEN];

	printf("%llu.%09llu cpu %u %s", (unsigned long long)e->time_ns / 1000000000,
	       (unsigned long long)e->time_ns % 1000000000, cpu,
	       tw_event_name(e->type));
	switch (e->type) {
	case TW_EVENT_FAULT:
		print_fault(e);
		break;
	case TW_EVENT_MIGRATE:
		printf(" %s %s -> %s, %s, %s", text_page(page, e->page),
		       tw_tier_name(e->tier), tw_tier_name(e->to_tier),
		       tw_reason_name(e->reason), text_ns(ns, e->latency_ns));
		if (e->status < 0)
			printf(", failed: %s", strerror(-e->status));
		break;
	case TW_EVENT_PRESSURE:
		printf(" %s: %s, %llu pages used", tw_tier_name(e->tier),
		       tw_level_name(e->status), (unsigned long long)e->addr);
		break;
	case TW_EVENT_TIER_BOUND:
		printf(" %s: %llu pages", tw_tier_name(e->tier),
		       (unsigned long long)e->addr);
		break;
	case TW_EVENT_TIER_UNBOUND:
		printf(" %s", tw_tier_name(e->tier));
		break;
	case TW_EVENT_TIER_ERROR:
		printf(" %s: %s", tw_tier_name(e->tier),
		       strerror(e->status < 0 ? -e->status : e->status));
		break;
	case TW_EVENT_LIMIT:
		printf(" %s, addr 0x%llx", text_page(page, e->page),
		       (unsigned long long)e->addr);
		break;
	default:
		break;
	}
	if (e->agent)
		printf(", agent %llu", (unsigned long long)e->agent);
	if (e->pid)
		printf(", pid %u", e->pid);
	putchar('\n');
}

static void json_event(const struct tw_event *e, unsigned int cpu)
{
	json_open(NULL, '{');
	json_u64("time_ns", e->time_ns);
	json_u64("cpu", cpu);
	json_u64("number", e->seq / 2 - 1);
	json_str("type", tw_event_name(e->type));
	json_str("tier", tw_tier_name(e->tier));
	json_str("to_tier", tw_tier_name(e->to_tier));
	json_str("reason", tw_reason_name(e->reason));
	json_page("page", e->page);
	json_page("addr", e->addr);
	json_u64("agent", e->agent);
	json_u64("pid", e->pid);
	json_u64("latency_ns", e->latency_ns);
	json_s64("status", e->status);
	if (e->type == TW_EVENT_PRESSURE)
		json_str("level", tw_level_name(e->status));
	json_bool("write", e->flags & TW_FAULT_WRITE);
	json_bool("major", e->flags & TW_FAULT_MAJOR);
	json_bool("first", e->flags & TW_FAULT_FIRST);
	json_close('}');
	json_end();
}

/* Shows what there is; 0, or an error when the output is gone. */
static int show_events(struct tw_stream *stream, bool json, __u64 *left)
{
	const struct tw_event *event;
	unsigned int cpu;

	while (*left && !stop && (event = tw_stream_peek(stream, &cpu))) {
		struct tw_event copy = *event;

		if (!tw_stream_ok(stream, event))
			continue;
		if (json)
			json_event(&copy, cpu);
		else
			print_event(&copy, cpu);
		if (*left != ~0ULL)
			--*left;
	}
	return fflush(stdout) || ferror(stdout) ? -EPIPE : 0;
}

static int watch(struct tw_stream *stream, bool json, __u64 left)
{
	__u64 lost = 0, now;
	int err = 0;

	while (left && !stop && !err) {
		err = tw_stream_wait(stream, 1000);
		if (err == -EINTR)
			err = 0;
		else if (err >= 0)
			err = show_events(stream, json, &left);
		now = tw_stream_lost(stream);
		if (now != lost)
			fprintf(stderr, "tw: %llu events came too fast to be shown\n",
				(unsigned long long)(now - lost));
		lost = now;
	}
	if (err == -EPIPE)
		return EXIT_FAILURE;
	if (err)
		return cli_errno(err, "waiting for events");
	return stop ? EXIT_INTERRUPTED : EXIT_SUCCESS;
}

/* Joining would make an agent that isn't there yet. */
static int find_agent(struct tw *tw, __u64 id, struct tw_agent **agent)
{
	struct tw_agent_stats stats;
	int err = tw_agent_stats_by_id(tw, id, &stats);

	if (!err)
		err = tw_agent_join(tw, id, agent);
	if (err == -ENOENT)
		return cli_error("you have no agent %llu. An agent lives as long as a program holds it or memory of it",
				 (unsigned long long)id);
	if (err)
		return cli_errno(err, "agent %llu", (unsigned long long)id);
	return 0;
}

int cmd_watch(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "mask", required_argument, NULL, 'm' },
		{ "agent", required_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	__u64 mask = TW_EVENT_ALL, left = ~0ULL, id = 0;
	struct sigaction sa = { .sa_handler = on_signal };
	struct tw_stream *stream = NULL;
	struct tw_agent *agent = NULL;
	bool json = false, by_id = false;
	struct tw *tw;
	int c, err;

	while ((c = getopt_long(argc, argv, "m:a:c:j", opts, NULL)) != -1) {
		switch (c) {
		case 'm':
			if (parse_events(optarg, &mask))
				return cli_usage("not a list of events: %s. Events are all, fault, migrate, pressure, limit, tier-bound, tier-unbound, tier-error, agent-created and agent-ended",
						 optarg);
			break;
		case 'a':
			if (parse_u64(optarg, &id))
				return cli_usage("not an agent's number: %s",
						 optarg);
			by_id = true;
			break;
		case 'c':
			if (parse_u64(optarg, &left) || !left)
				return cli_usage("not a count: %s", optarg);
			break;
		case 'j':
			json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc)
		return cli_usage("watch takes options only");
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	c = cli_open(&tw);
	if (c)
		return c;
	if (by_id)
		c = find_agent(tw, id, &agent);
	if (c)
		goto out;
	err = tw_stream_create(tw, mask, agent, WATCH_SLOTS, &stream);
	if ((err == -EPERM || err == -EACCES) && !by_id)
		c = cli_error("no permission to watch everybody's events: it needs CAP_PERFMON or CAP_SYS_ADMIN. Be root, or watch an agent of yours with --agent N");
	else if (err)
		c = cli_errno(err, "making a stream");
	else
		c = watch(stream, json, left);
out:
	tw_stream_close(stream);
	tw_agent_close(agent);
	tw_close(tw);
	return c;
}
