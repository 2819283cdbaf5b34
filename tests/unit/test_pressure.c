// SPDX-License-Identifier: GPL-2.0
/*
 * test_pressure.c - levels of pressure: thresholds, hysteresis, stalls
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../driver/tiers/pressure_calc.h"

#define CAPACITY 1000UL

static const struct tw_pressure_levels defaults = TW_PRESSURE_DEFAULTS;

static struct tw_pressure_state look(unsigned int base, unsigned long used,
				     unsigned long capacity, bool stalled)
{
	struct tw_pressure_state s = { .base = base };

	tw_pressure_calc(&defaults, used, capacity, stalled, &s);
	return s;
}

static void rises_at_70_85_95(void **state)
{
	static const struct {
		unsigned long used;
		unsigned int level;
	} steps[] = {
		{ 0, TW_PRESSURE_LOW },		{ 699, TW_PRESSURE_LOW },
		{ 700, TW_PRESSURE_MEDIUM },	{ 849, TW_PRESSURE_MEDIUM },
		{ 850, TW_PRESSURE_HIGH },	{ 949, TW_PRESSURE_HIGH },
		{ 950, TW_PRESSURE_CRITICAL },	{ 1000, TW_PRESSURE_CRITICAL },
		{ 5000, TW_PRESSURE_CRITICAL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(look(TW_PRESSURE_LOW, steps[i].used, CAPACITY,
				      false).level, steps[i].level);
}

static void falls_below_65_80_90(void **state)
{
	static const struct {
		unsigned int from;
		unsigned long used;
		unsigned int level;
	} steps[] = {
		{ TW_PRESSURE_CRITICAL, 900, TW_PRESSURE_CRITICAL },
		{ TW_PRESSURE_CRITICAL, 899, TW_PRESSURE_HIGH },
		{ TW_PRESSURE_HIGH, 800, TW_PRESSURE_HIGH },
		{ TW_PRESSURE_HIGH, 799, TW_PRESSURE_MEDIUM },
		{ TW_PRESSURE_MEDIUM, 650, TW_PRESSURE_MEDIUM },
		{ TW_PRESSURE_MEDIUM, 649, TW_PRESSURE_LOW },
		{ TW_PRESSURE_CRITICAL, 0, TW_PRESSURE_LOW },
		{ TW_PRESSURE_CRITICAL, 700, TW_PRESSURE_MEDIUM },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(look(steps[i].from, steps[i].used, CAPACITY,
				      false).level, steps[i].level);
}

static void names_the_next_thresholds(void **state)
{
	struct tw_pressure_state s;

	(void)state;
	s = look(TW_PRESSURE_LOW, 10, CAPACITY, false);
	assert_int_equal(s.up, 700);
	assert_int_equal(s.down, 0);
	s = look(TW_PRESSURE_LOW, 700, CAPACITY, false);
	assert_int_equal(s.up, 850);
	assert_int_equal(s.down, 650);
	s = look(TW_PRESSURE_LOW, 850, CAPACITY, false);
	assert_int_equal(s.up, 950);
	assert_int_equal(s.down, 800);
	s = look(TW_PRESSURE_LOW, 950, CAPACITY, false);
	assert_true(s.up == ULONG_MAX);
	assert_int_equal(s.down, 900);
}

static void stall_raises_by_one_and_leaves_no_trace(void **state)
{
	struct tw_pressure_state s;

	(void)state;
	s = look(TW_PRESSURE_LOW, 660, CAPACITY, true);
	assert_int_equal(s.level, TW_PRESSURE_MEDIUM);
	assert_int_equal(s.base, TW_PRESSURE_LOW);
	assert_int_equal(s.up, 700);
	/* 660 of 1000 is within MEDIUM's hysteresis, which never began. */
	assert_int_equal(look(s.base, 660, CAPACITY, false).level,
			 TW_PRESSURE_LOW);
	assert_int_equal(look(TW_PRESSURE_LOW, 990, CAPACITY, true).level,
			 TW_PRESSURE_CRITICAL);
}

/* Whatever the size: stable, and due again exactly at the thresholds. */
static void settles_for_every_use(void **state)
{
	static const unsigned long capacities[] = {
		0, 1, 2, 3, 7, 16, 19, 20, 21, 99, 100, 101, 137, 1024,
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
		unsigned long capacity = capacities[i], used;

		for (used = 0; used <= capacity + 2; used++) {
			unsigned int from;

			for (from = 0; from <= TW_PRESSURE_CRITICAL; from++) {
				struct tw_pressure_state a, b;

				a = look(from, used, capacity, false);
				b = look(a.base, used, capacity, false);
				assert_int_equal(a.base, b.base);
				assert_true(used < a.up && used >= a.down);
				if (a.up != ULONG_MAX)
					assert_true(look(a.base, a.up, capacity,
							 false).base > a.base);
				if (a.down)
					assert_true(look(a.base, a.down - 1, capacity,
							 false).base < a.base);
			}
		}
	}
}

static void ends_of_the_range(void **state)
{
	struct tw_pressure_state s;

	(void)state;
	assert_int_equal(look(TW_PRESSURE_LOW, 0, 0, false).level,
			 TW_PRESSURE_CRITICAL);
	s = look(TW_PRESSURE_LOW, ULONG_MAX / 2, ULONG_MAX, false);
	assert_int_equal(s.level, TW_PRESSURE_LOW);
	assert_true(s.up > ULONG_MAX / 10 * 6 && s.up < ULONG_MAX / 10 * 8);
	assert_int_equal(look(TW_PRESSURE_LOW, ULONG_MAX, ULONG_MAX, false).level,
			 TW_PRESSURE_CRITICAL);
	/* A level that does not exist is taken for the highest. */
	assert_int_equal(look(77, 1000, CAPACITY, false).level,
			 TW_PRESSURE_CRITICAL);
}

static bool valid(unsigned int e0, unsigned int e1, unsigned int e2,
		  unsigned int l0, unsigned int l1, unsigned int l2)
{
	struct tw_pressure_levels l = { { e0, e1, e2 }, { l0, l1, l2 } };

	return tw_pressure_valid(&l);
}

static void levels_are_checked_as_a_whole(void **state)
{
	(void)state;
	assert_true(tw_pressure_valid(&defaults));
	assert_true(valid(2, 3, 4, 1, 2, 3));
	assert_true(valid(98, 99, 100, 1, 2, 99));
	assert_false(valid(70, 85, 101, 65, 80, 90));
	assert_false(valid(70, 85, 95, 0, 80, 90));
	assert_false(valid(70, 85, 95, 70, 80, 90));
	assert_false(valid(70, 85, 95, 65, 80, 95));
	assert_false(valid(70, 70, 95, 65, 66, 90));
	assert_false(valid(70, 95, 85, 65, 80, 83));
	assert_false(valid(70, 85, 95, 65, 65, 90));
	assert_false(valid(0, 0, 0, 0, 0, 0));
	assert_false(valid(70, 85, UINT_MAX, 65, 80, 90));
}

static void other_levels_are_followed(void **state)
{
	static const struct tw_pressure_levels l = {
		{ 10, 20, 30 }, { 5, 15, 25 },
	};
	struct tw_pressure_state s = { .base = TW_PRESSURE_LOW };

	(void)state;
	tw_pressure_calc(&l, 250, CAPACITY, false, &s);
	assert_int_equal(s.level, TW_PRESSURE_HIGH);
	assert_int_equal(s.up, 300);
	assert_int_equal(s.down, 150);
	tw_pressure_calc(&l, 149, CAPACITY, false, &s);
	assert_int_equal(s.level, TW_PRESSURE_MEDIUM);
	tw_pressure_calc(&l, 49, CAPACITY, false, &s);
	assert_int_equal(s.level, TW_PRESSURE_LOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rises_at_70_85_95),
		cmocka_unit_test(falls_below_65_80_90),
		cmocka_unit_test(names_the_next_thresholds),
		cmocka_unit_test(stall_raises_by_one_and_leaves_no_trace),
		cmocka_unit_test(settles_for_every_use),
		cmocka_unit_test(ends_of_the_range),
		cmocka_unit_test(levels_are_checked_as_a_whole),
		cmocka_unit_test(other_levels_are_followed),
	};

	return cmocka_run_group_tests_name("pressure", tests, NULL, NULL);
}
