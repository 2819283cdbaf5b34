// SPDX-License-Identifier: GPL-2.0
/*
 * tw metrics: all figures of the statistics, for Prometheus. The text is made
 * in memory and goes out whole, or not at all.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_find.h"
#include "agent/agent_known.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/output.h"
#include "base/stop.h"
#include "program/attachments.h"
#include "tier/tier.h"
#include "watch/commands.h"
#include "watch/metrics.h"

const char metrics_more[] =
	"  --output FILE   written aside and renamed, for the textfile collector of\n"
	"                  node_exporter: give it a name that ends in .prom\n"
	"  --agents N      with the N agents that have the most memory, too, and as many\n"
	"                  of the cgroups and users that have limits\n"
	"  --programs N    the same of attached programs\n"
	"  --json          a list of samples, to stdout\n"
	"Times are in seconds, amounts of memory in bytes. Without the driver all there\n"
	"is to say is tierwatch_up 0, and the exit code is 3.\n";

/**
 * struct source - what the figures are read from
 * @up: the driver is there; without it, there is nothing else
 * @stats: the statistics page
 * @info: the driver
 * @policy: the knobs
 * @tier: by enum tw_tier
 * @agents: the largest ones first
 * @nr_agents: how many of them are shown
 * @known: what they are called
 * @groups: those that have limits
 * @most: how many agents were asked for, and groups
 * @attached: programs, the largest ones first
 * @nr_attached: how many of them are shown
 * @asked_attached: they were asked for
 */
struct source {
	bool up;
	const struct tw_stats *stats;
	struct tw_info info;
	struct tw_policy policy;
	struct tw_stats_tier tier[TW_NR_TIERS];
	struct tw_agent_entry *agents;
	size_t nr_agents;
	struct agents_known known;
	struct metric_groups groups;
	__u64 most;
	struct attachments attached;
	size_t nr_attached;
	bool asked_attached;
};

/* A member of struct tw_stats. */
#define TOTAL(name, counter, member, unit, help)			\
	{ { name, counter, help }, NULL,				\
	  offsetof(struct tw_stats, member), unit }
/* One of several members that are one metric: the first has the help. */
#define PART(name, counter, label, member, unit, help)			\
	{ { name, counter, help }, label,				\
	  offsetof(struct tw_stats, member), unit }

static const struct total {
	struct metric m;
	const char *labels;
	size_t offset;
	enum metric_unit unit;
} totals[] = {
	TOTAL("regions", false, regions, METRIC_PLAIN, "Regions alive."),
	TOTAL("agents", false, agents, METRIC_PLAIN, "Agents alive."),
	TOTAL("streams", false, streams, METRIC_PLAIN,
	      "Streams of events alive."),
	TOTAL("external_pages", false, external, METRIC_PLAIN,
	      "External pages tracked."),
	TOTAL("lost_pages_total", true, lost, METRIC_PLAIN,
	      "Pages whose bytes were lost."),
	PART("driver_memory_bytes", false, "use=\"records\"", record_bytes,
	     METRIC_PLAIN, "Memory that the driver itself takes."),
	PART("driver_memory_bytes", false, "use=\"external\"", external_bytes,
	     METRIC_PLAIN, NULL),
	PART("driver_memory_bytes", false, "use=\"stores\"", store_bytes,
	     METRIC_PLAIN, NULL),
	PART("driver_memory_bytes", false, "use=\"streams\"", stream_bytes,
	     METRIC_PLAIN, NULL),
	TOTAL("requests_queued", false, requests_queued, METRIC_PLAIN,
	      "Requests to move a page, waiting or under way."),
	TOTAL("requests_done_total", true, requests_done, METRIC_PLAIN,
	      "Requests that ended well."),
	TOTAL("requests_failed_total", true, requests_failed, METRIC_PLAIN,
	      "Requests that ended otherwise, cancelled ones included."),
	TOTAL("requests_cancelled_total", true, requests_cancelled,
	      METRIC_PLAIN, "Requests whose page went away."),
	TOTAL("scans_total", true, scans, METRIC_PLAIN,
	      "Times that all pages were scanned."),
	TOTAL("scan_seconds_total", true, scan_ns, METRIC_NS,
	      "CPU time spent scanning."),
	TOTAL("scan_pages_total", true, scan_pages, METRIC_PLAIN,
	      "Pages that scans looked at."),
	TOTAL("scan_skipped_pages_total", true, scan_skipped, METRIC_PLAIN,
	      "Pages known to be untouched by their 2 MiB."),
	TOTAL("scan_period_seconds", false, scan_period_ms, METRIC_MS,
	      "From one scan to the next at present."),
	TOTAL("scan_window_seconds", false, scan_window_us, METRIC_US,
	      "Within which a touch counts in full; 0: the whole period."),
	TOTAL("policy_considered_pages_total", true, auto_considered,
	      METRIC_PLAIN, "Pages that the policy wanted elsewhere."),
	PART("policy_moved_pages_total", true, "direction=\"up\"",
	     auto_promoted, METRIC_PLAIN, "Pages that the policy moved."),
	PART("policy_moved_pages_total", true, "direction=\"down\"",
	     auto_demoted, METRIC_PLAIN, NULL),
	PART("policy_left_pages_total", true, "reason=\"busy\"", auto_busy,
	     METRIC_PLAIN, "Pages that the policy left where they were."),
	PART("policy_left_pages_total", true, "reason=\"full\"", auto_full,
	     METRIC_PLAIN, NULL),
	PART("policy_left_pages_total", true, "reason=\"unpaid\"", auto_unpaid,
	     METRIC_PLAIN, NULL),
	PART("policy_left_pages_total", true, "reason=\"stayed\"", auto_stayed,
	     METRIC_PLAIN, NULL),
	PART("policy_left_pages_total", true, "reason=\"limited\"",
	     auto_limited, METRIC_PLAIN, NULL),
	TOTAL("policy_thrash_pages_total", true, auto_thrash, METRIC_PLAIN,
	      "Pages demoted soon after they were promoted."),
	TOTAL("policy_margin_heat", false, auto_margin, METRIC_PLAIN,
	      "Heat by which a page must be clear of the cut to move."),
	TOTAL("room_bytes", false, room, METRIC_PAGES,
	      "What all bound tiers hold together."),
	TOTAL("room_taken_bytes", false, room_taken, METRIC_PAGES,
	      "Of it, in use by regions or reserved for them."),
	TOTAL("room_reserved_bytes", false, room_reserved, METRIC_PAGES,
	      "Of it, reserved for regions, touched or not."),
	TOTAL("policy_seconds_total", true, auto_ns, METRIC_NS,
	      "Time that the policy's moves have taken."),
};

#define COUNTER(name, member, unit, help)				\
	{ { name, true, help }, NULL,					\
	  offsetof(struct tw_stats_counters, member), unit }
#define FAULTS(kind, access, member, help)				\
	{ { "faults_total", true, help },				\
	  "kind=\"" kind "\",access=\"" access "\"",			\
	  offsetof(struct tw_stats_counters, member), METRIC_PLAIN }

static const struct total counters[] = {
	FAULTS("minor", "read", minor_read,
	       "Faults served; minor from memory, major from a store."),
	FAULTS("minor", "write", minor_write, NULL),
	FAULTS("major", "read", major_read, NULL),
	FAULTS("major", "write", major_write, NULL),
	COUNTER("first_touches_total", first, METRIC_PLAIN,
		"Faults that were a page's first touch."),
	COUNTER("fault_seconds_total", fault_ns, METRIC_NS,
		"Time spent in faults."),
	COUNTER("reported_faults_total", reported, METRIC_PLAIN,
		"Faults reported by programs."),
	COUNTER("moved_in_pages_total", moves_in, METRIC_PLAIN,
		"Pages moved into the tier."),
	COUNTER("moved_out_pages_total", moves_out, METRIC_PLAIN,
		"Pages moved out of the tier."),
	COUNTER("failed_moves_total", moves_failed, METRIC_PLAIN,
		"Moves out of the tier that failed."),
	COUNTER("move_seconds_total", move_ns, METRIC_NS,
		"Time spent moving out of the tier."),
	COUNTER("read_bytes_total", bytes_read, METRIC_PLAIN,
		"Bytes read from the store."),
	COUNTER("written_bytes_total", bytes_written, METRIC_PLAIN,
		"Bytes written to the store."),
	COUNTER("io_errors_total", io_errors, METRIC_PLAIN,
		"Reads and writes that failed, and wrong checksums."),
	COUNTER("stalls_total", stalls, METRIC_PLAIN,
		"Faults that waited for a demotion out of the tier."),
	COUNTER("stall_seconds_total", waited_ns, METRIC_NS,
		"Time that faults waited for room in the tier, or for pages that left it too soon."),
	COUNTER("taken_back_pages_total", taken_back, METRIC_PLAIN,
		"Pages touched while they were written to the store."),
	COUNTER("refaults_total", refaults, METRIC_PLAIN,
		"Pages brought back from the store by a fault."),
	COUNTER("early_refaults_total", refaults_early, METRIC_PLAIN,
		"Refaults of pages that memory should have kept."),
	COUNTER("swap_in_pages_total", swap_in, METRIC_PLAIN,
		"Pages of the swap device read back from the store."),
	COUNTER("swap_out_pages_total", swap_out, METRIC_PLAIN,
		"Pages swapped out to the store."),
	COUNTER("swap_sunk_pages_total", swap_sunk, METRIC_PLAIN,
		"Pages of the swap device moved on to a slower store."),
};

#define GAUGE(name, member, unit, help)					\
	{ { name, false, help }, NULL,					\
	  offsetof(struct tw_stats_tier, member), unit }

/* Members of struct tw_stats_tier, all of 64 bits. */
static const struct total gauges[] = {
	GAUGE("tier_capacity_bytes", capacity, METRIC_PAGES,
	      "Size of the tier."),
	GAUGE("tier_used_bytes", used, METRIC_PAGES,
	      "Memory of pages that are in the tier."),
	GAUGE("tier_kept_bytes", kept, METRIC_PAGES,
	      "Clean copies of pages that are in memory."),
	GAUGE("tier_swap_used_bytes", swap_used, METRIC_PAGES,
	      "Of the memory in use, what the swap device has there."),
	GAUGE("tier_latency_seconds", latency_ns, METRIC_NS,
	      "Latency measured when the tier was bound."),
	GAUGE("tier_bandwidth_bytes_per_second", bandwidth, METRIC_PLAIN,
	      "Bandwidth measured when the tier was bound."),
	{ { "tier_level_changes_total", true,
	    "Changes of the tier's level of pressure." }, NULL,
	  offsetof(struct tw_stats_tier, level_changes), METRIC_PLAIN },
};

static void put_totals(FILE *f, const struct source *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(totals); i++) {
		const struct total *t = &totals[i];
		const __u64 *v = (const __u64 *)((const char *)s->stats +
						 t->offset);

		if (t->m.help)
			metric_begin(f, &t->m);
		metric_sample(f, &t->m, t->labels,
			      __atomic_load_n(v, __ATOMIC_RELAXED), t->unit,
			      s->info.page_size);
	}
}

/* All samples of a metric stand together, as the format wants them. */
static void put_counters(FILE *f, const struct source *s)
{
	char labels[64];
	size_t i;
	int tier;

	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		const struct total *t = &counters[i];

		if (t->m.help)
			metric_begin(f, &t->m);
		for (tier = 0; tier < TW_NR_TIERS; tier++) {
			snprintf(labels, sizeof(labels), "tier=\"%s\"%s%s",
				 tw_tier_name(tier), t->labels ? "," : "",
				 t->labels ? t->labels : "");
			metric_sample(f, &t->m, labels,
				      tw_stats_counter(s->stats, tier,
						       t->offset),
				      t->unit, s->info.page_size);
		}
	}
}

static void put_gauges(FILE *f, const struct source *s)
{
	char labels[32];
	size_t i;
	int tier;

	for (i = 0; i < ARRAY_SIZE(gauges); i++) {
		const struct total *t = &gauges[i];

		metric_begin(f, &t->m);
		for (tier = 0; tier < TW_NR_TIERS; tier++) {
			snprintf(labels, sizeof(labels), "tier=\"%s\"",
				 tw_tier_name(tier));
			metric_sample(f, &t->m, labels,
				      *(const __u64 *)((const char *)
						       &s->tier[tier] +
						       t->offset),
				      t->unit, s->info.page_size);
		}
	}
}

/* Questions with a yes or no for each tier, and for each of its levels. */
static void put_states(FILE *f, const struct source *s)
{
	static const struct metric bound = {
		"tier_bound", false, "1: the tier has memory or a device."
	};
	static const struct metric avoided = {
		"tier_avoided", false,
		"1: nothing goes there for now, its device has failed."
	};
	static const struct metric pressure = {
		"tier_pressure", false, "1 for the level that the tier is at."
	};
	__u64 now = now_ns();
	char labels[64];
	int tier, level;

	metric_begin(f, &bound);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		snprintf(labels, sizeof(labels), "tier=\"%s\"",
			 tw_tier_name(tier));
		metric_sample(f, &bound, labels, !!s->tier[tier].bound,
			      METRIC_PLAIN, 0);
	}
	metric_begin(f, &avoided);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		snprintf(labels, sizeof(labels), "tier=\"%s\"",
			 tw_tier_name(tier));
		metric_sample(f, &avoided, labels,
			      s->tier[tier].avoided_until_ns > now,
			      METRIC_PLAIN, 0);
	}
	metric_begin(f, &pressure);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		for (level = 0; level <= TW_PRESSURE_CRITICAL; level++) {
			snprintf(labels, sizeof(labels),
				 "tier=\"%s\",level=\"%s\"", tw_tier_name(tier),
				 tw_level_name(level));
			metric_sample(f, &pressure, labels,
				      s->tier[tier].bound &&
				      (int)s->tier[tier].level == level,
				      METRIC_PLAIN, 0);
		}
	}
}

static void put_stalled(FILE *f, const struct source *s)
{
	static const struct metric stalled = {
		"tier_stalled_ratio", false,
		"Share of the time that faults wait since the tier is short of room."
	};
	int tier;

	metric_begin(f, &stalled);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		char labels[64];

		if (!can_be_memory(tier))
			continue;
		snprintf(labels, sizeof(labels), "tier=\"%s\",window=\"10s\"",
			 tw_tier_name(tier));
		metric_sample(f, &stalled, labels, s->tier[tier].stalled10,
			      METRIC_MS, 0);
		snprintf(labels, sizeof(labels), "tier=\"%s\",window=\"60s\"",
			 tw_tier_name(tier));
		metric_sample(f, &stalled, labels, s->tier[tier].stalled60,
			      METRIC_MS, 0);
	}
}

static void put_up(FILE *f, const struct source *s)
{
	static const struct metric up = {
		"up", false, "1: the driver is there and has told its figures."
	};

	metric_begin(f, &up);
	metric_sample(f, &up, NULL, s->up, METRIC_PLAIN, 0);
}

static void put_driver(FILE *f, const struct source *s)
{
	static const struct metric info = {
		"build_info", false, "Versions, as labels of a 1."
	};
	static const struct metric enabled = {
		"policy_enabled", false, "1: pages are scanned and moved."
	};
	static const struct metric watching = {
		"policy_watching", false,
		"1: pages are scanned, and none is moved by itself."
	};
	static const struct metric events = {
		"events_total", true, "Events published to streams."
	};
	static const struct metric sigbus = {
		"sigbus_total", true, "Faults that ended in SIGBUS."
	};
	char labels[64];

	metric_begin(f, &info);
	snprintf(labels, sizeof(labels), "version=\"%s\",abi=\"%u\"",
		 tw_version(), s->info.abi_version);
	metric_sample(f, &info, labels, 1, METRIC_PLAIN, 0);
	metric_begin(f, &enabled);
	metric_sample(f, &enabled, NULL, s->policy.enabled == TW_POLICY_ON,
		      METRIC_PLAIN, 0);
	metric_begin(f, &watching);
	metric_sample(f, &watching, NULL, s->policy.enabled == TW_POLICY_WATCH,
		      METRIC_PLAIN, 0);
	metric_begin(f, &events);
	metric_sample(f, &events, NULL, tw_stats_events(s->stats),
		      METRIC_PLAIN, 0);
	metric_begin(f, &sigbus);
	metric_sample(f, &sigbus, NULL, tw_stats_sigbus(s->stats),
		      METRIC_PLAIN, 0);
}

static int by_size(const void *a, const void *b)
{
	const struct tw_agent_entry *x = a, *y = b;
	__u64 m = agent_pages(x), n = agent_pages(y);

	if (m != n)
		return m < n ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

static int read_source(struct tw *tw, struct source *s, size_t most)
{
	int i, err, nr;

	err = tw_info(tw, &s->info);
	if (!err)
		err = tw_policy_get(tw, &s->policy);
	if (!err)
		err = tw_stats_map(tw, &s->stats);
	if (err)
		return err;
	s->up = true;
	s->known.tw = tw;
	err = s->asked_attached ? attachments_list(tw, &s->attached) : 0;
	if (err)
		return err;
	attachments_sort(tw, &s->attached);
	for (i = 0; i < TW_NR_TIERS; i++)
		tw_stats_tier_read(s->stats, i, &s->tier[i]);
	if (!most)
		return 0;
	nr = agents_load(tw, &s->agents);
	if (nr < 0)
		return nr;
	qsort(s->agents, nr, sizeof(*s->agents), by_size);
	s->nr_agents = (size_t)nr < most ? (size_t)nr : most;
	s->most = most;
	return metric_groups_load(tw, &s->groups);
}

/* To @f, or as JSON. */
static void put_samples(FILE *f, struct source *s)
{
	put_up(f, s);
	if (!s->up)
		return;
	put_driver(f, s);
	put_states(f, s);
	put_stalled(f, s);
	put_gauges(f, s);
	put_counters(f, s);
	put_totals(f, s);
	metrics_latency(f, s->stats);
	if (s->nr_agents)
		metrics_agents(f, &s->known, s->agents, s->nr_agents,
			       s->info.page_size);
	if (s->groups.nr)
		metrics_groups(f, &s->groups, s->most, s->info.page_size);
	if (s->asked_attached)
		metrics_attached(f, &s->attached, s->nr_attached,
				 s->info.page_size);
}

static int put_json(struct source *s)
{
	json_open(NULL, '[');
	put_samples(NULL, s);
	json_close(']');
	json_end();
	return cli_flush(EXIT_SUCCESS);
}

static int put_text(struct source *s, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int c = EXIT_SUCCESS;

	if (!f)
		return cli_errno(-ENOMEM, "metrics");
	put_samples(f, s);
	if (fclose(f)) {
		free(text);
		return cli_errno(-ENOMEM, "metrics");
	}
	if (path)
		c = output_write(path, text, len);
	else
		fwrite(text, 1, len, stdout);
	free(text);
	return cli_flush(c);
}

static int put(struct source *s, const char *path, bool json)
{
	return json ? put_json(s) : put_text(s, path);
}

int cmd_metrics(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "agents", required_argument, NULL, 'a' },
		{ "programs", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = NULL;
	struct source s = { 0 };
	bool json = false;
	__u64 most = 0, programs = 0;
	struct tw *tw;
	int c, err;

	while ((c = getopt_long(argc, argv, "o:a:p:j", opts, NULL)) != -1) {
		switch (c) {
		case 'o':
			path = optarg;
			break;
		case 'a':
			if (parse_u64(optarg, &most))
				return cli_usage("not a number of agents: %s",
						 optarg);
			break;
		case 'p':
			if (parse_u64(optarg, &programs))
				return cli_usage("not a number of programs: %s",
						 optarg);
			s.asked_attached = true;
			break;
		case 'j':
			json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc)
		return cli_usage("metrics takes options only");
	if (json && path)
		return cli_usage("--output is for the text, without --json");
	s.nr_attached = programs;
	c = cli_open(&tw);
	/* That it is not there is a figure, too; an old file would hide it. */
	if (c == EXIT_NO_DEVICE)
		return put(&s, path, json) ? EXIT_FAILURE : c;
	if (c)
		return c;
	err = read_source(tw, &s, most);
	if (err)
		c = cli_errno(err, "reading the statistics");
	else
		c = put(&s, path, json);
	free(s.agents);
	metric_groups_free(&s.groups);
	attachments_free(&s.attached);
	agents_known_free(&s.known);
	tw_close(tw);
	return c;
}
