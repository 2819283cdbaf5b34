// SPDX-License-Identifier: GPL-2.0
/*
 * tw bench: latency and bandwidth of this machine's own tiers.
 *
 * Owns the options, the order of things and the table. See bench_run.c for how
 * it is measured.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/stop.h"
#include "base/text.h"
#include "bench/bench.h"
#include "bench/commands.h"

#define DEFAULT_SIZE	(8ULL << 20)

const char bench_more[] =
"  --size SIZE         of the region that is moved to and fro (8M)\n"
"  --time TIME         for each measurement (1s)\n"
"  --tiers TIER,...    only these\n"
"  --json              as JSON\n";

/**
 * struct bench_table - all results
 * @touch: by tier
 * @move: by tier from and tier to
 */
struct bench_table {
	struct bench_result touch[TW_NR_TIERS];
	struct bench_result move[TW_NR_TIERS][TW_NR_TIERS];
};

static bool wanted(const struct bench *b, int tier)
{
	return b->wanted >> tier & 1;
}

static void tell(struct progress *p, int nr, int of, int from, int to)
{
	if (to == from)
		progress_say(p, "%d of %d: touching pages in %s", nr, of,
			     tw_tier_name(from));
	else
		progress_say(p, "%d of %d: from %s to %s", nr, of,
			     tw_tier_name(from), tw_tier_name(to));
}

static void measure(struct bench *b, struct bench_table *table)
{
	struct progress progress = { 0 };
	int from, to, nr = 0, of = 0;

	for (from = 0; from < TW_NR_TIERS; from++)
		for (to = 0; to < TW_NR_TIERS; to++)
			of += wanted(b, from) && wanted(b, to);
	for (from = 0; from < TW_NR_TIERS; from++) {
		for (to = 0; to < TW_NR_TIERS && !stop_signal(); to++) {
			if (!wanted(b, from) || !wanted(b, to))
				continue;
			tell(&progress, ++nr, of, from, to);
			if (from == to)
				bench_touch(b, from, &table->touch[from]);
			else
				bench_move(b, from, to, &table->move[from][to]);
		}
	}
	progress_end(&progress);
}

/* -- output ------------------------------------------------------------------------ */

static void json_result(const char *what, int from, int to,
			const struct bench_result *r)
{
	json_open(NULL, '{');
	json_str("what", what);
	json_str("from", tw_tier_name(from));
	if (to >= 0)
		json_str("to", tw_tier_name(to));
	json_bool("measured", r->done);
	if (r->done) {
		json_u64("latency_ns", bench_quantile(r->times, r->nr_times,
						      500));
		json_u64("latency_p99_ns", bench_quantile(r->times,
							  r->nr_times, 990));
		json_u64("samples", r->nr_times);
		json_u64("bandwidth", bench_bandwidth(r));
		json_u64("bytes", r->bytes);
	} else {
		json_str("why", r->why ? r->why : "interrupted");
	}
	json_close('}');
}

static void json_table(const struct bench *b, const struct bench_table *table)
{
	int from, to;

	json_begin(JSON_BENCH);
	json_u64("page_size", b->page_size);
	json_u64("region_bytes", b->pages * b->page_size);
	json_u64("time_ns", b->time_ns);
	json_bool("complete", !stop_signal());
	json_open("results", '[');
	for (from = 0; from < TW_NR_TIERS; from++)
		if (wanted(b, from))
			json_result("touch", from, -1, &table->touch[from]);
	for (from = 0; from < TW_NR_TIERS; from++)
		for (to = 0; to < TW_NR_TIERS; to++)
			if (from != to && wanted(b, from) && wanted(b, to))
				json_result("move", from, to,
					    &table->move[from][to]);
	json_close(']');
	json_close('}');
	json_end();
}

static void print_result(const char *what, const struct bench_result *r)
{
	char p50[TEXT_LEN], p99[TEXT_LEN], bandwidth[TEXT_LEN];
	char many[TEXT_LEN];

	if (!r->done) {
		printf("%-14s %s\n", what, r->why ? r->why : "interrupted");
		return;
	}
	printf("%-14s %10s %10s %10s/s %8zu %10s\n", what,
	       text_ns(p50, bench_quantile(r->times, r->nr_times, 500)),
	       text_ns(p99, bench_quantile(r->times, r->nr_times, 990)),
	       text_bytes(bandwidth, bench_bandwidth(r)), r->nr_times,
	       text_bytes(many, r->bytes));
}

static void print_table(const struct bench *b, const struct bench_table *table)
{
	char size[TEXT_LEN], what[TEXT_LEN], time[TEXT_LEN];
	int from, to;

	printf("%-14s %10s %10s %12s %8s %10s\n", "TOUCH", "MEDIAN", "99 %",
	       "BANDWIDTH", "SINGLE", "MANY");
	for (from = 0; from < TW_NR_TIERS; from++)
		if (wanted(b, from))
			print_result(tw_tier_name(from), &table->touch[from]);
	printf("\n%-14s %10s %10s %12s %8s %10s\n", "MOVE", "MEDIAN", "99 %",
	       "BANDWIDTH", "SINGLE", "MANY");
	for (from = 0; from < TW_NR_TIERS; from++) {
		for (to = 0; to < TW_NR_TIERS; to++) {
			if (from == to || !wanted(b, from) || !wanted(b, to))
				continue;
			snprintf(what, sizeof(what), "%s -> %s",
				 tw_tier_name(from), tw_tier_name(to));
			print_result(what, &table->move[from][to]);
		}
	}
	printf("\nMedian and 99 %% of single pages of %u bytes, the call or the fault included;\n"
	       "bandwidth of up to %s, %u pages a call, %s each. Pages were written before.\n",
	       b->page_size, text_bytes(size, b->pages * b->page_size), BENCH_BATCH,
	       text_ns(time, b->time_ns));
}

/* -- options ----------------------------------------------------------------------- */

static int parse_tiers(const char *s, __u32 *tiers)
{
	char *copy = strdup(s), *save = NULL, *word;
	int c = 0, tier;

	if (!copy)
		return cli_errno(-ENOMEM, "tiers");
	*tiers = 0;
	for (word = strtok_r(copy, ",", &save); word && !c;
	     word = strtok_r(NULL, ",", &save)) {
		c = parse_tier_arg(word, &tier);
		if (!c)
			*tiers |= 1U << tier;
	}
	free(copy);
	if (!c && !*tiers)
		c = cli_usage("no tier: %s", s);
	return c;
}

/* What is bound of what is wanted; 0 or an exit code. */
static int check_tiers(struct bench *b, const struct tw_info *info, bool asked)
{
	struct tw_tier_info gpu;
	int t, err;

	err = tw_tier_info(b->tw, TW_TIER_GPU, &gpu);
	if (err)
		return cli_errno(err, "asking for the tiers");
	if (!(info->bound_mask >> TW_TIER_CPU & 1) &&
	    gpu.kind != TW_KIND_NUMA)
		return cli_error("no memory tier is bound. See: tw tier list; tw tier bind cpu");
	for (t = 0; t < TW_NR_TIERS && asked; t++)
		if (wanted(b, t) && !(info->bound_mask >> t & 1))
			return cli_error("the %s tier is not bound. See: tw tier list",
					 tw_tier_name(t));
	b->wanted &= info->bound_mask;
	b->home = info->bound_mask >> TW_TIER_CPU & 1 ? TW_TIER_CPU :
							TW_TIER_GPU;
	return 0;
}

static void warn_of_policy(struct tw *tw)
{
	struct tw_policy policy;

	if (!tw_policy_get(tw, &policy) && policy.enabled)
		fprintf(stderr, "tw: %s meanwhile, which disturbs the figures\n",
			policy.enabled == TW_POLICY_ON ?
			"automatic migration is on: it moves pages" :
			"pages are watched: they are scanned");
}

static int run(struct bench *b, bool asked, bool json)
{
	struct bench_table *table;
	struct tw_info info;
	__u64 bytes = b->pages;
	int err, c;

	err = tw_info(b->tw, &info);
	if (err)
		return cli_errno(err, "asking the driver");
	b->page_size = info.page_size;
	b->pages = bytes / info.page_size;
	if (b->pages < BENCH_MIN_PAGES)
		return cli_usage("too small a size: it takes %u pages of %u bytes at least",
				 BENCH_MIN_PAGES, info.page_size);
	c = check_tiers(b, &info, asked);
	if (c)
		return c;
	table = calloc(1, sizeof(*table));
	if (!table)
		return cli_errno(-ENOMEM, "the results");
	warn_of_policy(b->tw);
	stop_catch();
	measure(b, table);
	if (json)
		json_table(b, table);
	else
		print_table(b, table);
	free(table);
	return stop_code(cli_flush(EXIT_SUCCESS));
}

int cmd_bench(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "size", required_argument, NULL, 's' },
		{ "time", required_argument, NULL, 't' },
		{ "tiers", required_argument, NULL, 'T' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	/* Bytes first; the size of a page isn't known yet. */
	struct bench b = {
		.pages = DEFAULT_SIZE,
		.time_ns = NS_PER_SEC,
		.wanted = ~0U,
	};
	bool json = false, asked = false;
	int c;

	while ((c = getopt_long(argc, argv, "s:t:T:j", opts, NULL)) != -1) {
		switch (c) {
		case 's':
			if (parse_size(optarg, &b.pages) || b.pages > 1ULL << 40)
				return cli_usage("not a size: %s. Say for example 8M",
						 optarg);
			break;
		case 't':
			if (parse_span(optarg, NS_PER_SEC, &b.time_ns) ||
			    !b.time_ns || b.time_ns > 3600 * NS_PER_SEC)
				return cli_usage("not a time: %s. Say for example 500ms or 2s",
						 optarg);
			break;
		case 'T':
			c = parse_tiers(optarg, &b.wanted);
			if (c)
				return c;
			asked = true;
			break;
		case 'j':
			json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc)
		return cli_usage("bench takes options only");
	c = cli_open(&b.tw);
	if (c)
		return c;
	c = run(&b, asked, json);
	tw_close(b.tw);
	return c;
}
