// SPDX-License-Identifier: GPL-2.0
/*
 * test_policy.c - heat by scans, cuts, periods, rates (driver/policy/policy_calc.h)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../driver/policy/policy_calc.h"

static unsigned int scans(unsigned int heat, unsigned int n, enum tw_seen seen)
{
	while (n--)
		heat = tw_heat_scanned(heat, seen);
	return heat;
}

/* What the header says of the documented thresholds. */
static void heat_as_documented(void **state)
{
	unsigned int heat = 0, i;

	(void)state;
	assert_int_equal(scans(0, 100, TW_SEEN_YOUNG), 153);
	assert_int_equal(scans(153, 100, TW_SEEN_YOUNG), 153);
	assert_in_range(scans(153, 100, TW_SEEN_LATE), 10, 25);	/* not cold */
	assert_in_range(scans(0, 100, TW_SEEN_LATE), 10, 25);
	for (i = 0; i < 300; i++)
		heat = tw_heat_scanned(heat, i % 4 != 3 ? TW_SEEN_YOUNG : TW_SEEN_NOT);
	assert_true(heat > 100);			/* three of four */
	for (heat = 0, i = 0; i < 300; i++)
		heat = tw_heat_scanned(heat, i % 2 ? TW_SEEN_YOUNG : TW_SEEN_NOT);
	assert_true(heat < 100);			/* every other */
	assert_true(scans(101, 18, TW_SEEN_NOT) < 10 &&
		    scans(153, 12, TW_SEEN_NOT) >= 10);
	assert_true(scans(20, 6, TW_SEEN_NOT) < 10);
	assert_int_equal(scans(65535, 200, TW_SEEN_NOT), 0);
	assert_int_equal(tw_heat_scanned(0, TW_SEEN_NOT), 0);
	assert_true(tw_heat_scanned(65535, TW_SEEN_YOUNG) <= 65535);
}

static void half_life(void **state)
{
	(void)state;
	assert_true(scans(1000, 4, TW_SEEN_NOT) > 500 &&
		    scans(1000, 6, TW_SEEN_NOT) < 500);
}

static void buckets(void **state)
{
	(void)state;
	assert_int_equal(tw_heat_bucket(0), 0);
	assert_int_equal(tw_heat_bucket(3), 0);
	assert_int_equal(tw_heat_bucket(4), 1);
	assert_int_equal(tw_heat_bucket(252), 63);
	assert_int_equal(tw_heat_bucket(65535), 63);
}

static void what_fits(void **state)
{
	u64 pages[TW_HEAT_BUCKETS] = { [0] = 100, [5] = 10, [20] = 7, [63] = 3 };

	(void)state;
	assert_int_equal(tw_heat_fit(pages, 1000), 0);
	assert_int_equal(tw_heat_fit(pages, 120), 0);
	assert_int_equal(tw_heat_fit(pages, 119), 4);	/* all but the coldest */
	assert_int_equal(tw_heat_fit(pages, 20), 4);
	assert_int_equal(tw_heat_fit(pages, 19), 24);
	assert_int_equal(tw_heat_fit(pages, 10), 24);
	assert_int_equal(tw_heat_fit(pages, 9), 84);
	assert_int_equal(tw_heat_fit(pages, 0), 256);
}

static void the_coldest(void **state)
{
	u64 pages[TW_HEAT_BUCKETS] = { [0] = 100, [5] = 10, [63] = 3 };

	(void)state;
	assert_int_equal(tw_heat_coldest(pages, 0), 0);
	assert_int_equal(tw_heat_coldest(pages, 1), 4);
	assert_int_equal(tw_heat_coldest(pages, 100), 4);
	assert_int_equal(tw_heat_coldest(pages, 101), 24);
	assert_int_equal(tw_heat_coldest(pages, 1000), 256);
}

static void the_oldest(void **state)
{
	u64 pages[256] = { [3] = 100, [20] = 10, [255] = 5 };

	(void)state;
	assert_int_equal(tw_age_oldest(pages, 0), 256);
	assert_int_equal(tw_age_oldest(pages, 5), 255);
	assert_int_equal(tw_age_oldest(pages, 6), 20);
	assert_int_equal(tw_age_oldest(pages, 16), TW_SINK_AGE);
}

static void sink_room(void **state)
{
	(void)state;
	assert_int_equal(tw_sink_room(4096, 0, 0), TW_SINK_ROOM_MIN);
	assert_int_equal(tw_sink_room(4096, 100, 24), 200);	/* hardly enough */
	assert_int_equal(tw_sink_room(4096, 100, 25), 100);
	assert_int_equal(tw_sink_room(4096, 100, 50), 100);
	assert_int_equal(tw_sink_room(4096, 100, 51), 88);	/* more than enough */
	assert_int_equal(tw_sink_room(4096, 400, 0), 512);
	assert_int_equal(tw_sink_room(64, 16, 0), 8);
	assert_int_equal(tw_sink_room(0, 100, 0), 0);
	assert_int_equal(tw_sink_need(100, 49), 51);
	assert_int_equal(tw_sink_need(100, 50), 0);
}

/* A small part of the time in which faults wait anyway, and what it took too much. */
static void sink_time(void **state)
{
	s64 has = 0;

	(void)state;
	has = tw_sink_time(has, 32000000, 0);
	assert_int_equal(has, 1000000);
	has = tw_sink_time(has, 0, 100000000);
	assert_int_equal(has, 2000000);
	has = tw_sink_time(has - 5000000, 64000000, 0);
	assert_int_equal(has, -1000000);
	has = tw_sink_time(has, 1ULL << 60, 0);
	assert_int_equal(has, TW_SINK_SAVED_NS);
}

/* Less and less while nobody waits, twice as much when somebody has. */
static void keep_free(void **state)
{
	struct tw_headroom_hint k = { .pages = ~0ULL };
	unsigned int i;

	(void)state;
	assert_int_equal(tw_headroom_now(&k, 320), 320);
	tw_headroom_demoted(&k, 4 * 320 - 1, 320);
	assert_int_equal(tw_headroom_now(&k, 320), 320);
	tw_headroom_demoted(&k, 1, 320);
	assert_int_equal(tw_headroom_now(&k, 320), 280);
	assert_int_equal(k.done, 0);
	tw_headroom_demoted(&k, 4 * 280 - 1, 320);
	tw_headroom_stalled(&k, 320);		/* and it begins anew */
	assert_int_equal(tw_headroom_now(&k, 320), 320);
	tw_headroom_demoted(&k, 4 * 320 - 1, 320);
	assert_int_equal(tw_headroom_now(&k, 320), 320);
	for (i = 0; i < 100; i++)
		tw_headroom_demoted(&k, 2000, 320);
	assert_int_equal(tw_headroom_now(&k, 320), 320 / 16);
	assert_int_equal(tw_headroom_now(&k, 32), 17);
	tw_headroom_stalled(&k, 320);
	assert_int_equal(tw_headroom_now(&k, 320), 40);
	/* The limits that hold now, whatever was found before. */
	assert_int_equal(tw_headroom_now(&k, 32), 32);
	assert_int_equal(tw_headroom_now(&k, 16000), 1000);
	assert_int_equal(tw_headroom_now(&k, 4), 4);
}

/* Only where pages of the slower store are asked for more. */
static void sink_helps(void **state)
{
	struct tw_demand fast = { 0 }, slow = { 0 };

	(void)state;
	assert_false(tw_sink_helps(&fast, &slow));
	tw_demand_add(&slow, 127, 600);
	tw_demand_add(&fast, 0, 4000);
	assert_false(tw_sink_helps(&fast, &slow));	/* too few to tell */
	tw_demand_add(&slow, 1, 0);
	assert_true(tw_sink_helps(&fast, &slow));
	fast.pages = 0;
	assert_false(tw_sink_helps(&fast, &slow));	/* nothing to compare with */
	fast = (struct tw_demand){ 4000, 40000 };
	slow = (struct tw_demand){ 600, 6000 };
	assert_false(tw_sink_helps(&fast, &slow));	/* one as good as another */
	slow.refaults = 1200;
	assert_false(tw_sink_helps(&fast, &slow));
	slow.refaults = 1201;
	assert_true(tw_sink_helps(&fast, &slow));
	tw_demand_age(&fast);
	assert_int_equal(fast.refaults, 2000);
	assert_int_equal(fast.pages, 20000);
}

static void period(void **state)
{
	(void)state;
	assert_int_equal(tw_scan_period(1000, 500, 10000, false, false, 200, 5000), 500);
	assert_int_equal(tw_scan_period(1000, 100, 10000, false, false, 200, 5000), 1000);
	assert_int_equal(tw_scan_period(1000, 0, 10000, false, false, 200, 5000), 1126);
	assert_int_equal(tw_scan_period(4900, 0, 10000, false, false, 200, 5000), 5000);
	assert_int_equal(tw_scan_period(210, 500, 10000, false, false, 200, 5000), 200);
	assert_int_equal(tw_scan_period(1000, 0, 0, false, false, 200, 5000), 1126);
	assert_int_equal(tw_scan_period(1000, 0, 10000, true, false, 200, 5000), 200);
	/* All is cold, or there is no region; but not while pages are on their way. */
	assert_int_equal(tw_scan_period(200, 0, 10000, false, true, 200, 5000), 5000);
	assert_int_equal(tw_scan_period(200, 0, 0, false, true, 200, 5000), 5000);
	assert_int_equal(tw_scan_period(1000, 500, 10000, false, true, 200, 5000), 500);
}

static void news(void **state)
{
	(void)state;
	assert_true(tw_scan_news(501, 1000, 10000));
	assert_false(tw_scan_news(500, 1000, 10000));
	assert_true(tw_scan_news(157, 157, 10000));
	assert_false(tw_scan_news(156, 156, 10000));	/* too few */
	assert_false(tw_scan_news(0, 0, 0));
}

/* To and fro widens it, calm narrows it again. */
static void margin(void **state)
{
	struct tw_margin m = { .heat = TW_MARGIN_MIN };
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		tw_margin_scanned(&m, 1000, 9);
	assert_int_equal(m.heat, TW_MARGIN_MIN);
	tw_margin_scanned(&m, 1000, 100);
	assert_int_equal(m.heat, 2 * TW_MARGIN_MIN);
	assert_true(!m.moved && !m.thrash);	/* that has been answered */
	for (i = 0; i < 10; i++)
		tw_margin_scanned(&m, 100, 50);
	assert_int_equal(m.heat, TW_MARGIN_MAX);
	for (i = 0; i < TW_MARGIN_SCANS; i++)
		tw_margin_scanned(&m, 10, 0);
	assert_true(m.heat < TW_MARGIN_MAX && m.heat > TW_MARGIN_MIN);
	for (i = 0; i < 100 * TW_MARGIN_SCANS; i++)
		tw_margin_scanned(&m, 10, 0);
	assert_int_equal(m.heat, TW_MARGIN_MIN);
}

static u64 window_after(u64 ns, unsigned int scans, u64 young, u64 room)
{
	struct tw_window w = { .ns = ns };

	while (scans--)
		tw_window_scanned(&w, 80000000, young, 1000, room);
	return w.ns;
}

/* Shorter while too much is touched in it, longer when too little for some time. */
static void window(void **state)
{
	const u64 ms = 1000000, all = TW_WINDOW_ALL;
	struct tw_window w = { .ns = all };

	(void)state;
	assert_true(window_after(all, 1, 1000, 250) == 40 * ms);
	assert_true(window_after(40 * ms, 1, 376, 250) == 20 * ms);
	assert_true(window_after(40 * ms, 100, 375, 250) == 40 * ms);
	assert_true(window_after(40 * ms, 100, 125, 250) == 40 * ms);
	assert_true(window_after(20 * ms, 3, 124, 250) == 20 * ms);
	assert_true(window_after(20 * ms, 4, 124, 250) == 40 * ms);
	assert_true(window_after(40 * ms, 4, 124, 250) == all);
	assert_true(window_after(all, 100, 0, 250) == all);
	/* All fits: half of it. */
	assert_true(window_after(all, 100, 750, 4000) == all);
	assert_true(window_after(all, 1, 751, 4000) == 40 * ms);
	/* Next to no room: a sixteenth. */
	assert_true(window_after(40 * ms, 100, 93, 1) == 40 * ms);
	assert_true(window_after(40 * ms, 1, 94, 1) == 20 * ms);
	assert_true(window_after(6 * ms, 100, 900, 250) == TW_WINDOW_MIN_NS);
	/* However long the pause, no group waits longer. */
	w.ns = all;
	tw_window_scanned(&w, 3600000 * ms, 900, 1000, 250);
	assert_true(w.ns == TW_WINDOW_MAX_NS);
	tw_window_scanned(&w, 3600000 * ms, 100, 1000, 250);
	tw_window_scanned(&w, 3600000 * ms, 100, 1000, 250);
	tw_window_scanned(&w, 3600000 * ms, 100, 1000, 250);
	assert_true(w.ns == TW_WINDOW_MAX_NS);
	tw_window_scanned(&w, 3600000 * ms, 100, 1000, 250);
	assert_true(w.ns == all);
	tw_window_scanned(&w, 80 * ms, 900, 1000, 250);
	assert_true(w.changed);
	tw_window_scanned(&w, 80 * ms, 300, 1000, 250);
	assert_false(w.changed);
	tw_window_scanned(&w, 80 * ms, 0, 0, 250);
	assert_true(w.ns == 40 * ms && !w.changed);
}

/* Most must be saved within a minute. */
static void what_pays(void **state)
{
	const u64 s = 1000000000;

	(void)state;
	/* 4 us for 150 ns: 26 touches, of 600 windows: in every 23rd. */
	assert_int_equal(tw_heat_pays(4000, 150, s / 10), 6);
	assert_int_equal(tw_heat_pays(40000, 150, s / 10), 67);
	assert_int_equal(tw_heat_pays(400000, 150, s / 10), TW_HEAT_STEADY);
	assert_int_equal(tw_heat_pays(4000, 150, 2 * s), TW_HEAT_STEADY);
	assert_int_equal(tw_heat_pays(0, 150, s), 0);		/* not known yet */
	assert_int_equal(tw_heat_pays(4000, 0, s), TW_HEAT_STEADY);
	assert_int_equal(tw_heat_pays(4000, 150, 0), 0);
	assert_int_equal(tw_heat_pays(~0ULL, 1, 1), TW_HEAT_STEADY);
	assert_int_equal(tw_heat_pays(~0ULL, ~0ULL, ~0ULL), TW_HEAT_STEADY);
}

static void the_least(void **state)
{
	u64 least = 0, i;

	(void)state;
	least = tw_least(least, 3200);
	assert_int_equal(least, 3200);
	assert_int_equal(tw_least(least, 320000), 3300);	/* one of many */
	assert_int_equal(tw_least(least, 100), 100);
	for (i = 0; i < 1000; i++)
		least = tw_least(least, 9000);
	assert_int_equal(least, 9000);
}

static void rate(void **state)
{
	struct tw_bucket b = { 0 };
	u64 now = 1, sum = 0;

	(void)state;
	assert_int_equal(tw_bucket_take(&b, 77, 0, now), 77);
	assert_int_equal(tw_bucket_take(&b, 600, 1000, now), 600);	/* a burst */
	assert_int_equal(tw_bucket_take(&b, 600, 1000, now), 400);
	assert_int_equal(tw_bucket_take(&b, 1, 1000, now), 0);
	/* Looked at much more often than there is a token: none gets lost. */
	for (; now < 1000000001; now += 1000)
		sum += tw_bucket_take(&b, 10, 1000, now);
	assert_in_range(sum, 999, 1000);
	now += 3600ULL * 1000000000;
	assert_int_equal(tw_bucket_take(&b, 5000, 1000, now), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heat_as_documented),
		cmocka_unit_test(half_life),
		cmocka_unit_test(buckets),
		cmocka_unit_test(what_fits),
		cmocka_unit_test(the_coldest),
		cmocka_unit_test(the_oldest),
		cmocka_unit_test(sink_room),
		cmocka_unit_test(sink_time),
		cmocka_unit_test(sink_helps),
		cmocka_unit_test(keep_free),
		cmocka_unit_test(period),
		cmocka_unit_test(window),
		cmocka_unit_test(news),
		cmocka_unit_test(margin),
		cmocka_unit_test(what_pays),
		cmocka_unit_test(the_least),
		cmocka_unit_test(rate),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
