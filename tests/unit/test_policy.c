// SPDX-License-Identifier: GPL-2.0
/*
 * test_policy.c - heat by scans, cuts, periods, rates (driver/policy_calc.h)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../driver/policy_calc.h"

static unsigned int scans(unsigned int heat, unsigned int n, bool young)
{
	while (n--)
		heat = tw_heat_scanned(heat, young);
	return heat;
}

/* What the header says of the documented thresholds. */
static void heat_as_documented(void **state)
{
	unsigned int heat = 0, i;

	(void)state;
	assert_int_equal(scans(0, 100, true), 153);
	assert_int_equal(scans(153, 100, true), 153);
	for (i = 0; i < 300; i++)
		heat = tw_heat_scanned(heat, i % 4 != 3);
	assert_true(heat > 100);			/* three of four */
	for (heat = 0, i = 0; i < 300; i++)
		heat = tw_heat_scanned(heat, i % 2);
	assert_true(heat < 100);			/* every other */
	assert_true(scans(101, 18, false) < 10 && scans(153, 12, false) >= 10);
	assert_true(scans(20, 6, false) < 10);
	assert_int_equal(scans(65535, 200, false), 0);
	assert_int_equal(tw_heat_scanned(0, false), 0);
	assert_true(tw_heat_scanned(65535, true) <= 65535);
}

static void half_life(void **state)
{
	(void)state;
	assert_true(scans(1000, 4, false) > 500 && scans(1000, 6, false) < 500);
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

static void period(void **state)
{
	(void)state;
	assert_int_equal(tw_scan_period(1000, 500, 0, 10000, 200, 5000), 500);
	assert_int_equal(tw_scan_period(1000, 100, 5000, 10000, 200, 5000), 1000);
	assert_int_equal(tw_scan_period(1000, 0, 0, 10000, 200, 5000), 1251);
	assert_int_equal(tw_scan_period(4900, 0, 0, 10000, 200, 5000), 5000);
	assert_int_equal(tw_scan_period(210, 500, 0, 10000, 200, 5000), 200);
	assert_int_equal(tw_scan_period(1000, 0, 0, 0, 200, 5000), 1000);
	assert_int_equal(tw_scan_period(1000, 0, 5001, 10000, 200, 5000), 500);
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
		cmocka_unit_test(period),
		cmocka_unit_test(rate),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
