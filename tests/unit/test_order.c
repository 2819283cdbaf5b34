// SPDX-License-Identifier: GPL-2.0
/*
 * test_order.c - in which order are tiers tried?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../driver/tiers/order_calc.h"

#define GPU	(1U << TW_TIER_GPU)
#define CPU	(1U << TW_TIER_CPU)
#define NVME	(1U << TW_TIER_NVME)
#define SSD	(1U << TW_TIER_SSD)
#define HDD	(1U << TW_TIER_HDD)

/* The tiers in the order of a loop, a digit each. */
static const char *order(unsigned int tiers, int first)
{
	static char text[TW_NR_TIERS + 1];
	size_t nr = 0;
	int tier;

	for (tier = tw_order_begin(tiers, first); tier < TW_NR_TIERS;
	     tier = tw_order_next(tiers, first, tier)) {
		assert_true(nr < TW_NR_TIERS);
		text[nr++] = '0' + tier;
	}
	text[nr] = 0;
	return text;
}

static void by_number_without_a_preference(void **state)
{
	(void)state;
	assert_string_equal(order(GPU | CPU, TW_TIER_NONE), "01");
	assert_string_equal(order(NVME | SSD | HDD, TW_TIER_NONE), "234");
	assert_string_equal(order(HDD | GPU, TW_TIER_NONE), "04");
	assert_string_equal(order(0, TW_TIER_NONE), "");
}

static void the_preferred_one_first(void **state)
{
	(void)state;
	assert_string_equal(order(GPU | CPU, TW_TIER_CPU), "10");
	assert_string_equal(order(GPU | CPU, TW_TIER_GPU), "01");
	assert_string_equal(order(GPU | CPU | SSD | HDD, TW_TIER_SSD), "3014");
	assert_string_equal(order(HDD, TW_TIER_HDD), "4");
}

static void a_preferred_one_that_is_not_there(void **state)
{
	(void)state;
	assert_string_equal(order(CPU, TW_TIER_GPU), "1");
	assert_string_equal(order(GPU | NVME, TW_TIER_CPU), "02");
	assert_string_equal(order(0, TW_TIER_CPU), "");
}

static void stores_behind_one(void **state)
{
	(void)state;
	assert_int_equal(tw_order_next(NVME | HDD, TW_TIER_NONE, -1), TW_TIER_NVME);
	assert_int_equal(tw_order_next(NVME | HDD, TW_TIER_NONE, TW_TIER_NVME), TW_TIER_HDD);
	assert_int_equal(tw_order_next(NVME | HDD, TW_TIER_NONE, TW_TIER_SSD), TW_TIER_HDD);
	assert_int_equal(tw_order_next(NVME | HDD, TW_TIER_NONE, TW_TIER_HDD), TW_NR_TIERS);
}

/* The sets change under the loop, in any way: it ends, and none comes twice. */
static void tiers_come_and_go(void **state)
{
	unsigned int before, after, seen, steps;
	int first, tier;

	(void)state;
	for (before = 0; before < 1U << TW_NR_TIERS; before++) {
		for (after = 0; after < 1U << TW_NR_TIERS; after++) {
			for (first = 0; first <= TW_NR_TIERS; first++) {
				seen = 0;
				steps = 0;
				for (tier = tw_order_begin(before, first);
				     tier < TW_NR_TIERS;
				     tier = tw_order_next(++steps & 1 ? after : before,
							  first, tier)) {
					assert_false(seen & 1U << tier);
					seen |= 1U << tier;
				}
				/* All but the preferred one, which may come too late. */
				seen |= first < TW_NR_TIERS ? 1U << first : 0;
				assert_int_equal(before & after & ~seen, 0);
			}
		}
	}
}

static const char *away(unsigned int memory, unsigned int stores, bool from_store)
{
	static char text[TW_NR_TIERS + 1];
	unsigned char to[TW_NR_TIERS];
	unsigned int nr = tw_order_away(memory, stores, from_store, to);
	unsigned int i;

	assert_true(nr <= TW_NR_TIERS);
	for (i = 0; i < nr; i++)
		text[i] = '0' + to[i];
	text[nr] = 0;
	return text;
}

static void away_from_memory(void **state)
{
	(void)state;
	assert_string_equal(away(GPU | CPU, NVME | SSD | HDD, false), "10234");
	assert_string_equal(away(GPU, HDD, false), "04");
	/* The GPU tier as a store is the fastest of them. */
	assert_string_equal(away(CPU, GPU | SSD, false), "103");
}

static void away_from_a_store(void **state)
{
	(void)state;
	assert_string_equal(away(GPU | CPU, NVME | SSD | HDD, true), "23410");
	assert_string_equal(away(CPU, GPU | HDD, true), "041");
	assert_string_equal(away(CPU, 0, true), "1");
	assert_string_equal(away(0, 0, true), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_number_without_a_preference),
		cmocka_unit_test(the_preferred_one_first),
		cmocka_unit_test(a_preferred_one_that_is_not_there),
		cmocka_unit_test(stores_behind_one),
		cmocka_unit_test(tiers_come_and_go),
		cmocka_unit_test(away_from_memory),
		cmocka_unit_test(away_from_a_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
