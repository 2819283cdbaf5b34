// SPDX-License-Identifier: GPL-2.0
/*
 * test_reserve.c - does a reservation fit, what is left to others?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../driver/tiers/reserve_calc.h"
#include "../../driver/tiers/share_calc.h"

static void to_the_last_page(void **state)
{
	const struct tw_room_state s = {
		.room = 1000, .taken = 400, .slots = 1000,
	};

	(void)state;
	assert_true(tw_room_fits(&s, 0));
	assert_true(tw_room_fits(&s, 600));
	assert_false(tw_room_fits(&s, 601));
	assert_false(tw_room_fits(&s, 1ULL << 32));
}

static void none_while_memory_is_beyond_its_capacity(void **state)
{
	const struct tw_room_state s = {
		.room = 1000, .taken = 1010, .slots = 500, .available = 5000,
	};

	(void)state;
	assert_true(tw_room_over(s.room, s.taken));
	assert_false(tw_room_fits(&s, 0));
	assert_false(tw_room_fits(&s, 1));
}

static void exactly_full_is_not_over(void **state)
{
	(void)state;
	assert_false(tw_room_over(7, 7));
	assert_true(tw_room_over(7, 8));
	assert_true(tw_room_over(0, 1));
}

/* 600 slots, 400 pages of capacity, of which 100 have pages in them. */
static void memory_counts_as_far_as_there_is_some(void **state)
{
	struct tw_room_state s = {
		.room = 1000, .taken = 100, .slots = 600, .in_memory = 100,
	};

	(void)state;
	/* What is in memory already may stay there. */
	assert_true(tw_room_fits(&s, 600));
	assert_false(tw_room_fits(&s, 601));
	s.available = 50;
	assert_true(tw_room_fits(&s, 650));
	assert_false(tw_room_fits(&s, 651));
	s.available = 1 << 20;
	assert_true(tw_room_fits(&s, 900));
	assert_false(tw_room_fits(&s, 901));
}

static void stores_alone_need_no_memory(void **state)
{
	const struct tw_room_state s = { .room = 640, .slots = 600 };

	(void)state;
	assert_true(tw_room_fits(&s, 600));
	assert_false(tw_room_fits(&s, 601));
}

static void shares(void **state)
{
	(void)state;
	assert_int_equal(tw_percent_of(1000, 25), 250);
	assert_int_equal(tw_percent_of(1001, 50), 500);
	assert_int_equal(tw_percent_of(99, 10), 9);
	assert_int_equal(tw_percent_of(3, 100), 3);
	assert_int_equal(tw_percent_of(3, 4000000000U), 3);
	assert_int_equal(tw_percent_of(3, 0), 0);
	assert_int_equal(tw_percent_of(~0ULL, 99), ~0ULL / 100 * 99 + 14);
}

static void left_to_others(void **state)
{
	(void)state;
	assert_int_equal(tw_share_left(1000, 0, 500), 0);
	assert_int_equal(tw_share_left(1000, 25, 0), 250);
	assert_int_equal(tw_share_left(1050, 25, 1), 262);
	/* A small node: what the kernel needs counts for more. */
	assert_int_equal(tw_share_left(1000, 25, 125), 250);
	assert_int_equal(tw_share_left(1000, 25, 128), 256);
	assert_int_equal(tw_share_left(1000, 25, 1000), 900);
	assert_int_equal(tw_share_left(1000, 90, 0), 900);
	assert_int_equal(tw_share_left(1099, 90, 0), 989);
	assert_int_equal(tw_share_left(1099, 25, 1099), 989);
	assert_int_equal(tw_share_left(0, 25, 9), 0);
	assert_int_equal(tw_share_left(1UL << 40, 25, 0), 1UL << 38);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_the_last_page),
		cmocka_unit_test(none_while_memory_is_beyond_its_capacity),
		cmocka_unit_test(exactly_full_is_not_over),
		cmocka_unit_test(memory_counts_as_far_as_there_is_some),
		cmocka_unit_test(stores_alone_need_no_memory),
		cmocka_unit_test(shares),
		cmocka_unit_test(left_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
