// SPDX-License-Identifier: GPL-2.0
/*
 * tw stats.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/term.h"
#include "base/text.h"
#include "watch/commands.h"
#include "watch/latency.h"

/**
 * struct counter - a counter and how it is shown
 * @name: in JSON
 * @offset: in struct tw_stats_counters
 */
static const struct counter {
	const char *name;
	size_t offset;
} counters[] = {
#define COUNTER(m) { #m, offsetof(struct tw_stats_counters, m) }
	COUNTER(minor_read),
	COUNTER(minor_write),
	COUNTER(major_read),
	COUNTER(major_write),
	COUNTER(first),
	COUNTER(fault_ns),
	COUNTER(moves_in),
	COUNTER(moves_out),
	COUNTER(moves_failed),
	COUNTER(move_ns),
	COUNTER(bytes_read),
	COUNTER(bytes_written),
	COUNTER(io_errors),
	COUNTER(stalls),
	COUNTER(taken_back),
	COUNTER(refaults),
	COUNTER(refaults_early),
	COUNTER(swap_in),
	COUNTER(swap_out),
	COUNTER(swap_sunk),
	COUNTER(waited_ns),
#undef COUNTER
};

static void json_tier(const struct tw_stats *s, int tier)
{
	struct tw_stats_tier t;
	size_t i;

	tw_stats_tier_read(s, tier, &t);
	json_open(NULL, '{');
	json_str("tier", tw_tier_name(tier));
	json_bool("bound", t.bound);
	json_str("level", tw_level_name(t.level));
	json_u64("level_changes", t.level_changes);
	json_u64("capacity", t.capacity);
	json_u64("used", t.used);
	json_u64("kept", t.kept);
	json_u64("swap_used", t.swap_used);
	json_u64("avoided_until_ns", t.avoided_until_ns);
	json_u64("stalled10_permille", t.stalled10);
	json_u64("stalled60_permille", t.stalled60);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		json_u64(counters[i].name,
			 tw_stats_counter(s, tier, counters[i].offset));
	json_close('}');
}

static void json_stats(const struct tw_stats *s)
{
	int i;

	json_begin(JSON_STATS);
	json_open("tiers", '[');
	for (i = 0; i < TW_NR_TIERS; i++)
		json_tier(s, i);
	json_close(']');
	json_u64("events", tw_stats_events(s));
	json_u64("sigbus", tw_stats_sigbus(s));
#define TOTAL(m) json_u64(#m, __atomic_load_n(&s->m, __ATOMIC_RELAXED))
	TOTAL(regions);
	TOTAL(agents);
	TOTAL(streams);
	TOTAL(record_bytes);
	TOTAL(store_bytes);
	TOTAL(stream_bytes);
	TOTAL(lost);
#undef TOTAL
	latency_json(s);
	json_close('}');
	json_end();
}

static __u64 average(__u64 sum, __u64 nr)
{
	return nr ? sum / nr : 0;
}

static void print_tier(const struct tw_stats *s, int tier)
{
	char fault[TEXT_LEN], move[TEXT_LEN], n[6][TEXT_LEN];
	struct tw_stats_counters c;
	__u64 minor, major;

	tw_stats_sum(s, tier, &c);
	minor = c.minor_read + c.minor_write;
	major = c.major_read + c.major_write;
	printf("%-5s %11s %11s %11s %8s %11s %11s %9s %8s\n",
	       tw_tier_name(tier), text_count(n[0], minor),
	       text_count(n[1], major), text_count(n[2], c.first),
	       text_ns(fault, average(c.fault_ns, minor + major)),
	       text_count(n[3], c.moves_in), text_count(n[4], c.moves_out),
	       text_count(n[5], c.moves_failed),
	       text_ns(move, average(c.move_ns,
				     c.moves_out + c.moves_failed)));
}

static void print_store(const struct tw_stats *s, int tier)
{
	char in[TEXT_LEN], out[TEXT_LEN];
	struct tw_stats_counters c;

	tw_stats_sum(s, tier, &c);
	printf("%-5s %10s %10s %10llu %10llu %10llu\n", tw_tier_name(tier),
	       text_bytes(in, c.bytes_read), text_bytes(out, c.bytes_written),
	       (unsigned long long)c.io_errors, (unsigned long long)c.stalls,
	       (unsigned long long)c.taken_back);
}

/* Of the swap device, see tw swap status; only once there is something to tell. */
static void print_swap(const struct tw_stats *s)
{
	char used[TEXT_LEN], in[TEXT_LEN], out[TEXT_LEN], sunk[TEXT_LEN];
	struct tw_stats_counters c;
	struct tw_stats_tier t;
	bool head = false;
	int i;

	for (i = 0; i < TW_NR_TIERS; i++) {
		tw_stats_sum(s, i, &c);
		tw_stats_tier_read(s, i, &t);
		if (!t.swap_used && !c.swap_in && !c.swap_out && !c.swap_sunk)
			continue;
		if (!head)
			printf("\n%-5s %10s %10s %10s %10s\n", "TIER",
			       "SWAP USED", "SWAP IN", "SWAP OUT", "SUNK");
		head = true;
		printf("%-5s %10s %10s %10s %10s\n", tw_tier_name(i),
		       text_count(used, t.swap_used),
		       text_count(in, c.swap_in), text_count(out, c.swap_out),
		       text_count(sunk, c.swap_sunk));
	}
}

static void print_stats(const struct tw_stats *s)
{
	char a[TEXT_LEN], b[TEXT_LEN], c[TEXT_LEN];
	int i;

	printf("%-5s %11s %11s %11s %8s %11s %11s %9s %8s\n", "TIER", "MINOR",
	       "MAJOR", "FIRST", "A FAULT", "MOVES IN", "MOVES OUT", "FAILED",
	       "A MOVE");
	for (i = 0; i < TW_NR_TIERS; i++)
		print_tier(s, i);
	printf("\n%-5s %10s %10s %10s %10s %10s\n", "TIER", "READ", "WRITTEN",
	       "ERRORS", "STALLS", "TAKEN BACK");
	for (i = 0; i < TW_NR_TIERS; i++)
		print_store(s, i);
	print_swap(s);
	latency_print(s);
#define TOTAL(m) ((unsigned long long)__atomic_load_n(&s->m, __ATOMIC_RELAXED))
	printf("\n%llu regions, %llu agents, %llu streams; %llu events, %llu SIGBUS, %llu pages lost\n",
	       TOTAL(regions), TOTAL(agents), TOTAL(streams),
	       (unsigned long long)tw_stats_events(s),
	       (unsigned long long)tw_stats_sigbus(s), TOTAL(lost));
	printf("The driver's own memory: records %s, stores %s, streams %s\n",
	       text_bytes(a, TOTAL(record_bytes)),
	       text_bytes(b, TOTAL(store_bytes)),
	       text_bytes(c, TOTAL(stream_bytes)));
#undef TOTAL
}

int cmd_stats(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const struct tw_stats *stats;
	bool json = false;
	struct tw *tw;
	int c, err;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind != argc)
		return cli_usage("stats takes no arguments");
	c = cli_open(&tw);
	if (c)
		return c;
	err = tw_stats_map(tw, &stats);
	if (err) {
		tw_close(tw);
		return cli_errno(err, "mapping the statistics");
	}
	if (json)
		json_stats(stats);
	else
		print_stats(stats);
	tw_close(tw);
	return cli_flush(EXIT_SUCCESS);
}
