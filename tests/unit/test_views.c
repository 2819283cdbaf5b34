// SPDX-License-Identifier: GPL-2.0
/*
 * What tw top makes of figures, spans of time, quantiles.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cli.h"
#include "base/number.h"
#include "base/stop.h"
#include "base/text.h"
#include "bench/bench.h"
#include "watch/latency.h"
#include "watch/metrics.h"
#include "watch/top.h"

static void test_span(void **state)
{
	static const struct {
		const char *text;
		int err;
		__u64 ns;
	} cases[] = {
		{ "1", 0, NS_PER_SEC }, { "0", 0, 0 },
		{ "1.5", 0, 1500000000 }, { "20us", 0, 20000 },
		{ "3ns", 0, 3 }, { "10ms", 0, 10000000 },
		{ "2s", 0, 2 * NS_PER_SEC }, { "2m", 0, 120 * NS_PER_SEC },
		{ "2min", 0, 120 * NS_PER_SEC },
		{ "1h", 0, 3600 * NS_PER_SEC }, { "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 }, { " 1", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 }, { "inf", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 }, { "1d", -EINVAL, 0 },
		{ "1e30", -EINVAL, 0 }, { "999999999999h", -ERANGE, 0 },
	};
	__u64 ns;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ns = 0;
		assert_int_equal(parse_span(cases[i].text, NS_PER_SEC, &ns),
				 cases[i].err);
		assert_int_equal(ns, cases[i].ns);
	}
	assert_int_equal(parse_span("7", 1, &ns), 0);
	assert_int_equal(ns, 7);
}

/* A signal that came before the wait ends it. */
static void test_stop(void **state)
{
	int pipe_fd[2];

	(void)state;
	/* As in the background of a script: it stays ignored. */
	signal(SIGINT, SIG_IGN);
	stop_catch();
	raise(SIGINT);
	assert_int_equal(stop_signal(), 0);
	signal(SIGINT, SIG_DFL);
	stop_catch();
	assert_int_equal(stop_code(3), 3);
	assert_int_equal(stop_wait(-1, now_ns() + 1000), 0);
	assert_int_equal(pipe(pipe_fd), 0);
	assert_int_equal(stop_wait(pipe_fd[0], 0), 0);
	assert_int_equal(write(pipe_fd[1], "x", 1), 1);
	assert_int_equal(stop_wait(pipe_fd[0], ~0ULL), 1);
	raise(SIGINT);
	assert_int_equal(stop_signal(), SIGINT);
	assert_int_equal(stop_wait(-1, ~0ULL), 0);
	assert_int_equal(stop_code(3), 130);
	stop_catch();
	assert_int_equal(stop_signal(), 0);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void test_short(void **state)
{
	static const struct {
		double value;
		unsigned int base;
		const char *text;
	} cases[] = {
		{ 0, 1000, "0" }, { 0.6, 1000, "1" }, { 99999, 1000, "99999" },
		{ 100000, 1000, "100K" }, { 1234567, 1000, "1.2M" },
		{ 999999, 1000, "1.0M" }, { 99999, 1024, "98K" },
		{ 1023, 1024, "1023" },
		{ 131072, 1024, "128K" }, { 1048576, 1024, "1.0M" },
		{ 10.5 * (1 << 30), 1024, "10G" }, { 1e22, 1000, "10000E" },
	};
	char buf[TEXT_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(top_short(buf, cases[i].value,
					      cases[i].base), cases[i].text);
}

static void test_agents(void **state)
{
	static const struct tw_agent_entry entry = {
		.id = 7, .uid = 1000, .flags = TW_AGENT_IS_MINE,
		.pages = { 1, 2, 0, 0, 5 }, .external = { 10 },
		.faults_minor = { 0, 3 }, .faults_major = { 0, 0, 4 },
		.regions = 2, .reported = 100,
	}, other = { .flags = TW_AGENT_IS_DEFAULT };
	static const struct agent_known known = {
		.id = 7, .program = "redis-server",
	};
	struct top_agent a;
	char name[AGENT_TEXT_LEN];

	(void)state;
	top_agent_of(&a, &entry, &known);
	assert_string_equal(agent_text(name, &a.known, a.id), "7 redis-server");
	assert_string_equal(agent_name(name, &a.known, a.id), "redis-server");
	assert_int_equal(a.uid, 1000);
	assert_int_equal(a.id, 7);
	assert_false(a.is_default);
	assert_int_equal(a.pages[TW_TIER_GPU], 11);
	assert_int_equal(a.pages[TW_TIER_CPU], 2);
	assert_int_equal(a.pages[TW_TIER_HDD], 5);
	assert_int_equal(a.faults, 7);
	assert_int_equal(a.regions, 2);
	top_agent_of(&a, &other, NULL);
	assert_string_equal(agent_text(name, &a.known, a.id), "cgroup 0");
	assert_string_equal(agent_name(name, &a.known, a.id), "0");
	assert_true(a.is_default);
	assert_int_equal(a.faults, 0);
}

static struct top_agent before_agents[] = {
	{ .id = 1, .faults = 100, .pages = { [TW_TIER_HDD] = 50 } },
	{ .id = 2, .faults = 100, .pages = { [TW_TIER_CPU] = 20 } },
};

static struct top_agent now_agents[] = {
	{ .id = 3, .faults = 10, .pages = { [TW_TIER_CPU] = 10 } },
	{ .id = 1, .faults = 100, .pages = { [TW_TIER_GPU] = 30,
					     [TW_TIER_HDD] = 20 } },
	{ .id = 2, .faults = 180, .pages = { [TW_TIER_CPU] = 20 } },
};

static void test_compare(void **state)
{
	struct top_snap before = {
		.time_ns = 5 * NS_PER_SEC,
		.agent = before_agents,
		.nr_agents = ARRAY_SIZE(before_agents),
	};
	struct top_snap now = {
		.time_ns = 7 * NS_PER_SEC,
		.agent = now_agents,
		.nr_agents = ARRAY_SIZE(now_agents),
		.promoted = 6,
	};
	static const struct {
		enum top_sort by;
		bool reverse;
		__u64 order[3];
	} cases[] = {
		{ TOP_SORT_PAGES, false, { 1, 2, 3 } },
		{ TOP_SORT_MEMORY, false, { 2, 3, 1 } },
		{ TOP_SORT_MEMORY, true, { 1, 3, 2 } },
		{ TOP_SORT_FAULTS, false, { 2, 3, 1 } },
		{ TOP_SORT_ID, true, { 3, 2, 1 } },
	};
	struct top_view view = { .page_size = 4096 };
	size_t i, j;

	(void)state;
	now.tier[TW_TIER_CPU].now.kind = TW_KIND_NUMA;
	/* A tier that can be memory, and is a store here. */
	now.tier[TW_TIER_GPU].now.kind = TW_KIND_STORE;
	now.tier[TW_TIER_NVME].sum.major_read = 10;
	now.tier[TW_TIER_NVME].sum.minor_write = 20;
	now.tier[TW_TIER_NVME].sum.bytes_read = 8192;
	before.tier[TW_TIER_NVME].sum.minor_write = 6;
	assert_int_equal(top_compare(&view, &before, &now), 0);
	assert_true(view.seconds == 2);
	assert_true(view.tier[TW_TIER_NVME].faults == 12);
	assert_true(view.tier[TW_TIER_NVME].major == 5);
	assert_true(view.tier[TW_TIER_NVME].read == 4096);
	assert_true(view.promoted == 3);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		view.sort = cases[i].by;
		view.reverse = cases[i].reverse;
		top_sort_agents(&view);
		for (j = 0; j < 3; j++)
			assert_int_equal(view.agent[j].agent.id,
					 cases[i].order[j]);
	}
	assert_true(view.agent[1].faults == 40);
	free(view.agent);
}

/* In its column, be it long, of many bytes, or in a place without such letters. */
static void test_names(void **state)
{
	static struct top_agent one = { .id = 4711 };
	struct top_snap before = { .time_ns = 1 }, now = {
		.time_ns = 2, .nr_agents = 1, .agent = &one,
		.scanning = true,
	};
	static const struct {
		const char *cgroup, *program, *utf8, *ascii;
	} cases[] = {
		{ "", "", "4711              ", "4711              " },
		{ "", "abcdefghijklmno", "4711 abcdefghijkl ",
		  "4711 abcdefghijkl " },
		{ "", "x\u20acy", "4711 x\u20acy          ",
		  "4711 x?y          " },
		{ "/", "", "/                 ", "/                 " },
		{ "/a.slice/\u20acuro-b\u00e4ckerei.service", "",
		  "..\u00e4ckerei.service ", "..?ckerei.service " },
		{ "/aaaaaaa/\u20ac\u20ac\u20ac.service", "",
		  "..aaa/\u20ac\u20ac\u20ac.service ", "..aaa/???.service " },
	};
	struct top_view view = { .page_size = 4096 };
	static struct top_line line[40];
	unsigned int nr;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		one.known.is_default = cases[i].cgroup[0];
		strcpy(one.known.cgroup, cases[i].cgroup);
		strcpy(one.known.program, cases[i].program);
		assert_int_equal(top_compare(&view, &before, &now), 0);
		nr = top_text(&view, line, 24, 80, true);
		if (strncmp(line[nr - 1].text, cases[i].utf8,
			    strlen(cases[i].utf8)))
			fail_msg("%s", line[nr - 1].text);
		nr = top_text(&view, line, 24, 80, false);
		if (strncmp(line[nr - 1].text, cases[i].ascii,
			    strlen(cases[i].ascii)))
			fail_msg("%s", line[nr - 1].text);
	}
	free(view.agent);
}

/* As tall as it is beside the tallest; what is in use, beside all there is. */
static void test_history(void **state)
{
	struct top_snap before = { .time_ns = 1 }, now = {
		.time_ns = 1 + NS_PER_SEC,
	};
	static struct top_history history;
	struct top_view view = { .page_size = 4096, .history = &history };
	struct tw_stats_counters *sum = &now.tier[TW_TIER_CPU].sum;
	static struct top_line line[40];
	unsigned int nr, i;

	(void)state;
	now.tier[TW_TIER_CPU].now.bound = 1;
	now.tier[TW_TIER_CPU].now.capacity = 8;
	for (i = 0; i <= 8; i++) {
		sum->minor_read = i;
		now.tier[TW_TIER_CPU].now.used = i / 2;
		assert_int_equal(top_compare(&view, &before, &now), 0);
		top_remember(&view);
	}
	nr = top_text(&view, line, 23, 80, false);
	assert_true(nr > 4);
	assert_string_equal(line[4].text + 62, "  .:-=+*#@");
	/* On a tall screen there is more room for it. */
	top_text(&view, line, 40, 80, false);
	assert_int_equal(strlen(line[5].text), 62);
	assert_int_equal(line[10].look, TOP_HEAD);
	assert_string_equal(line[11].text, "cpu         8  .:-=+*#@");
	view.past = TOP_PAST_USE;
	top_text(&view, line, 23, 80, false);
	assert_string_equal(line[2].text + 62, " PAST: use");
	assert_string_equal(line[4].text + 62, "   ..::--=");
	/* A ring, not a wall. */
	for (i = 0; i < 2 * TOP_PAST_LOOKS; i++)
		top_remember(&view);
	assert_true(top_past_value(&view, TW_TIER_CPU, TOP_PAST_LOOKS - 1) == 50);
	assert_true(top_help(line, 40) < 22);
	for (i = 0; i < top_help(line, 40); i++)
		assert_in_range(strlen(line[i].text), 0, 80);
	free(view.agent);
}

/* Text of others in a label, and back from it. */
static void test_label(void **state)
{
	char value[METRIC_VALUE_LEN], longer[600];

	(void)state;
	assert_string_equal(metric_value(value, "/a\\x2db \"c\""),
			    "/a\\\\x2db \\\"c\\\"");
	memset(longer, '"', sizeof(longer));
	longer[sizeof(longer) - 2] = 'z';
	longer[sizeof(longer) - 1] = '\0';
	metric_value(value, longer);
	assert_int_equal(strlen(value), METRIC_VALUE_LEN - 3);
	assert_string_equal(value + strlen(value) - 3, "\\\"z");
}

/* No line is wider than the screen (each character counted once). */
static void test_width(void **state)
{
	struct top_snap before = { .time_ns = 1 }, now = {
		.time_ns = 1 + NS_PER_SEC,
		.nr_agents = 3,
		.agent = now_agents,
		.regions = 99999,
		.nr_agents_alive = 99999,
		.streams = 99999,
		.lost = ~0ULL,
		.sigbus = ~0ULL,
		.promoted = 99999,
		.demoted = 99999,
	};
	static const unsigned int widths[] = { 80, 96, 97, 111, 112, 120, 250 };
	static struct top_history history;
	struct top_view view = { .page_size = 4096 };
	static struct top_line line[100];
	unsigned int nr, i, w, t, rows, width;
	const char *c;

	(void)state;
	for (t = 0; t < TW_NR_TIERS; t++) {
		now.tier[t].now.bound = 1;
		now.tier[t].now.level = t;
		now.tier[t].now.capacity = 1ULL << 42;
		now.tier[t].now.used = 1ULL << 42;
		now.tier[t].sum.major_read = 99999;
		now.tier[t].sum.minor_read = 1;
		now.tier[t].sum.moves_in = 99999;
		now.tier[t].sum.moves_out = 99999;
		for (i = 0; i < TW_HEAT_BANDS; i++)
			now.tier[t].heat[i] = 1ULL << 40;
	}
	assert_int_equal(top_compare(&view, &before, &now), 0);
	view.history = &history;
	for (i = 0; i < 300; i++)
		top_remember(&view);
	for (w = 0; w < ARRAY_SIZE(widths) * 40; w++) {
		rows = w % 40;
		nr = top_text(&view, line, rows, widths[w / 40], true);
		assert_true(nr <= rows);
		for (i = 0; i < nr; i++) {
			for (c = line[i].text, width = 0; *c; c++)
				width += (*c & 0xc0) != 0x80;
			assert_in_range(width, 0, widths[w / 40]);
		}
	}
	/* The history takes what the figures leave. */
	nr = top_text(&view, line, 23, 80, false);
	assert_string_equal(line[2].text + 62, " PAST: faults");
	assert_string_equal(line[3].text + 62, " @@@@@@@@@@@@@@@@@");
	nr = top_text(&view, line, 19, 80, true);
	assert_string_equal(line[nr - 1].text, "... and 2 more agents");
	now.agents_err = -ENOMEM;
	now.nr_agents = 0;
	nr = top_text(&view, line, 24, 80, false);
	assert_string_equal(line[nr - 1].text,
			    "agents can't be listed: Cannot allocate memory");
	free(view.agent);
}

static void test_quantile(void **state)
{
	static const __u32 times[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	struct bench_result r = { .bytes = 1 << 20, .ns = NS_PER_SEC / 2 };

	(void)state;
	assert_int_equal(bench_quantile(times, 0, 500), 0);
	assert_int_equal(bench_quantile(times, 1, 990), 1);
	assert_int_equal(bench_quantile(times, 11, 500), 6);
	assert_int_equal(bench_quantile(times, 11, 990), 10);
	assert_int_equal(bench_quantile(times, 11, 1000), 11);
	assert_int_equal(bench_bandwidth(&r), 2 << 20);
	r.ns = 0;
	assert_int_equal(bench_bandwidth(&r), 0);
}

/* The end of the bucket in which the slowest of so many is; never too early. */
static void test_latency(void **state)
{
	struct tw_stats_latency l = { 0 };

	(void)state;
	assert_true(latency_quantile(&l, 500) == 0);
	l.bucket[10] = 98;
	l.bucket[20] = 1;
	l.bucket[30] = 1;
	assert_true(latency_quantile(&l, 0) == 1);
	assert_true(latency_quantile(&l, 500) == 1 << 10);
	assert_true(latency_quantile(&l, 980) == 1 << 10);
	assert_true(latency_quantile(&l, 990) == 1 << 20);
	assert_true(latency_quantile(&l, 1000) == 1 << 30);
	l.bucket[TW_LATENCY_BUCKETS - 1] = ~0ULL / 4;
	assert_true(latency_quantile(&l, 1000) == 1ULL << (TW_LATENCY_BUCKETS - 1));
	assert_true(latency_below(0) == 1);
	assert_true(latency_below(TW_LATENCY_BUCKETS - 2) ==
		    1ULL << (TW_LATENCY_BUCKETS - 2));
	assert_true(latency_below(TW_LATENCY_BUCKETS - 1) == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_agents),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_quantile),
		cmocka_unit_test(test_latency),
	};

	return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
