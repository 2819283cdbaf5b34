// SPDX-License-Identifier: GPL-2.0
/*
 * test_reclaim.c - pages claimed once, the pace of a node's memory, shares of room
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../driver/policy/reclaim_calc.h"

#define MS 1000000ULL

static void a_page_is_claimed_once(void **state)
{
	struct tw_claims c = { 0 };
	long a, b;

	(void)state;
	a = tw_claims_begin(&c);
	b = tw_claims_begin(&c);
	c.done += 100;
	assert_int_equal(tw_claims_open(&c, a), 100);
	assert_int_equal(tw_claims_take(&c, a, 64), 64);
	assert_int_equal(tw_claims_take(&c, b, 64), 36);
	assert_int_equal(tw_claims_take(&c, a, 64), 0);
	assert_int_equal(c.claimed, c.done);
}

static void only_what_came_since_one_asked(void **state)
{
	struct tw_claims c = { 0 };
	long a, b;

	(void)state;
	a = tw_claims_begin(&c);
	c.done += 50;
	b = tw_claims_begin(&c);
	c.done += 10;
	assert_int_equal(tw_claims_take(&c, b, 1000), 10);
	assert_int_equal(tw_claims_take(&c, a, 1000), 50);
}

static void what_nobody_waited_for_is_nobodys(void **state)
{
	struct tw_claims c = { 0 };
	long a, b;

	(void)state;
	c.done = 1000;
	a = tw_claims_begin(&c);
	b = tw_claims_begin(&c);
	c.done += 8;
	assert_int_equal(tw_claims_take(&c, a, 100) +
			 tw_claims_take(&c, b, 100), 8);
	tw_claims_end(&c);
	tw_claims_end(&c);
	assert_int_equal(c.waiting, 0);
	c.done += 500;
	a = tw_claims_begin(&c);
	assert_int_equal(tw_claims_take(&c, a, 100), 0);
}

static void the_rate_counts_what_we_freed(void **state)
{
	struct tw_pace p = { 0 };

	(void)state;
	tw_pace_look(&p, 10000, 0, 1000 * MS);
	assert_int_equal(p.rate, 0);
	/* 100 ms later 1,000 less, though we freed 500: 15,000 a second. */
	tw_pace_look(&p, 9000, 500, 1100 * MS);
	assert_int_equal(p.rate, 15000);
	/* Too soon to tell. */
	tw_pace_look(&p, 0, 500, 1101 * MS);
	assert_int_equal(p.rate, 15000);
	/* Nothing goes: the peak fades. */
	tw_pace_look(&p, 9000, 500, 1200 * MS);
	assert_int_equal(p.rate, 13125);
	/* More is free than before: the same. */
	tw_pace_look(&p, 20000, 500, 1300 * MS);
	assert_true(p.rate < 13125 && p.rate > 11000);
}

static void kept_between_half_a_watermark_and_a_16th(void **state)
{
	struct tw_pace p = { 0 };

	(void)state;
	assert_int_equal(tw_pace_keep(&p, 1000, 160000), 500);
	p.rate = 100000;
	assert_int_equal(tw_pace_keep(&p, 1000, 160000), 5000);
	p.rate = 10000000;
	assert_int_equal(tw_pace_keep(&p, 1000, 160000), 10000);
	/* A node so small that the watermark is more than that. */
	assert_int_equal(tw_pace_keep(&p, 1000, 1600), 500);
}

static void cache_is_spared_as_memavailable_has_it(void **state)
{
	(void)state;
	assert_int_equal(tw_cache_spare(0, 100), 0);
	assert_int_equal(tw_cache_spare(100, 100), 50);
	assert_int_equal(tw_cache_spare(1000, 100), 900);
}

static void room_is_shared_by_pages(void **state)
{
	unsigned long huge = 1UL << 38;

	(void)state;
	assert_int_equal(tw_room_share(100, 300, 1000), 100);
	assert_int_equal(tw_room_share(100, 300, 300), 100);
	assert_int_equal(tw_room_share(100, 300, 150), 50);
	assert_int_equal(tw_room_share(0, 300, 150), 0);
	assert_int_equal(tw_room_share(100, 300, 0), 0);
	assert_true(tw_room_share(huge, 2 * huge, huge) <= huge / 2);
	assert_true(tw_room_share(huge, 2 * huge, huge) > huge / 2 - huge / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_claimed_once),
		cmocka_unit_test(only_what_came_since_one_asked),
		cmocka_unit_test(what_nobody_waited_for_is_nobodys),
		cmocka_unit_test(the_rate_counts_what_we_freed),
		cmocka_unit_test(kept_between_half_a_watermark_and_a_16th),
		cmocka_unit_test(cache_is_spared_as_memavailable_has_it),
		cmocka_unit_test(room_is_shared_by_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
