// SPDX-License-Identifier: GPL-2.0
/*
 * test_queue.c - which request comes next: lanes, priority, age, ties
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../driver/moving/queue_calc.h"

#define NOW 1000000000000ULL

struct asked {
	__u64 ns;
	unsigned int priority;
	__u64 id;
};

static bool before(struct asked a, struct asked b)
{
	return tw_queue_before(tw_queue_key(a.ns, a.priority), a.id,
			       tw_queue_key(b.ns, b.priority), b.id);
}

/* Exactly one of two requests is first. */
static void assert_first(struct asked a, struct asked b)
{
	assert_true(before(a, b));
	assert_false(before(b, a));
}

static void higher_priority_first(void **state)
{
	unsigned int p;

	(void)state;
	for (p = 0; p < TW_PRIORITY_MAX; p++)
		assert_first((struct asked){ NOW, p + 1, 2 },
			     (struct asked){ NOW, p, 1 });
}

static void older_of_equals_first(void **state)
{
	unsigned int p;

	(void)state;
	for (p = 0; p <= TW_PRIORITY_MAX; p++) {
		assert_first((struct asked){ NOW, p, 1 },
			     (struct asked){ NOW, p, 2 });
		assert_first((struct asked){ NOW, p, 2 },
			     (struct asked){ NOW + 1, p, 1 });
	}
}

static void a_step_of_waiting_is_worth_one(void **state)
{
	const struct asked old = { NOW, 10, 1 };
	unsigned int p;

	(void)state;
	for (p = 1; p <= 90; p++) {
		__u64 even = NOW + p * TW_QUEUE_STEP_NS;

		/* Just before they are even the newer one wins, then the older. */
		assert_first((struct asked){ even - 1, 10 + p, 2 }, old);
		assert_first(old, (struct asked){ even, 10 + p, 2 });
		assert_first(old, (struct asked){ even + 1, 10 + p, 2 });
	}
}

/* The lowest against a flood of the highest: who can still overtake it? */
static void none_starves(void **state)
{
	const struct asked low = { NOW, 0, 1 };
	__u64 t, id = 2;
	unsigned int overtaken = 0;

	(void)state;
	for (t = NOW; t < NOW + 20000000000ULL; t += 10000000, id++)
		overtaken += before((struct asked){ t, TW_PRIORITY_MAX, id },
				    low);
	assert_int_equal(overtaken, TW_PRIORITY_MAX * TW_QUEUE_STEP_NS /
			 10000000);
}

/* Ranks at any time order two requests as their keys do, which don't change. */
static void keys_order_as_ranks_do(void **state)
{
	static const struct asked some[] = {
		{ NOW, 0, 1 }, { NOW + 70000000, 3, 2 }, { NOW + 1, 100, 3 },
		{ NOW + 4999999999ULL, 100, 4 }, { NOW + 5000000001ULL, 100, 5 },
		{ NOW + 2500000000ULL, 50, 6 }, { NOW + 300000000, 7, 7 },
	};
	const size_t nr = sizeof(some) / sizeof(some[0]);
	size_t i, j;

	(void)state;
	for (i = 0; i < nr; i++) {
		for (j = 0; j < nr; j++) {
			const __u64 at = NOW + 6000000000ULL;
			/* In units of a step, times a step. */
			__s64 x = some[i].priority * TW_QUEUE_STEP_NS +
				  (__s64)(at - some[i].ns);
			__s64 y = some[j].priority * TW_QUEUE_STEP_NS +
				  (__s64)(at - some[j].ns);

			if (x != y)
				assert_int_equal(before(some[i], some[j]), x > y);
			else
				assert_int_equal(before(some[i], some[j]),
						 some[i].id < some[j].id);
		}
	}
}

static void soon_after_boot(void **state)
{
	(void)state;
	assert_true(tw_queue_key(0, TW_PRIORITY_MAX) < 0);
	assert_first((struct asked){ 0, 100, 2 }, (struct asked){ 0, 99, 1 });
	assert_first((struct asked){ 1, 100, 2 }, (struct asked){ 0, 0, 1 });
}

#define STORES	(1U << TW_TIER_NVME | 1U << TW_TIER_SSD | 1U << TW_TIER_HDD)

static void assert_lane(unsigned int stores, unsigned int from, unsigned int to,
			unsigned int in, unsigned int tier)
{
	assert_int_equal(tw_queue_lane(stores, from, to, in), 1 + tier);
}

static void assert_memory_lane(unsigned int stores, unsigned int from,
			       unsigned int to, unsigned int in)
{
	assert_int_equal(tw_queue_lane(stores, from, to, in), 0);
}

/* The slowest store of the three tiers decides, and no tier is none of them. */
static void lanes(void **state)
{
	unsigned int from, to, in;

	(void)state;
	assert_memory_lane(STORES, TW_TIER_NONE, TW_TIER_GPU, TW_TIER_NONE);
	assert_memory_lane(STORES, TW_TIER_GPU, TW_TIER_CPU, TW_TIER_GPU);
	assert_lane(STORES, TW_TIER_NONE, TW_TIER_CPU, TW_TIER_HDD, TW_TIER_HDD);
	assert_lane(STORES, TW_TIER_SSD, TW_TIER_CPU, TW_TIER_NONE, TW_TIER_SSD);
	assert_lane(STORES, TW_TIER_NONE, TW_TIER_NVME, TW_TIER_CPU, TW_TIER_NVME);
	for (from = 0; from <= TW_TIER_NONE; from++)
		for (to = 0; to < TW_NR_TIERS; to++)
			for (in = 0; in <= TW_TIER_NONE; in++)
				assert_true(tw_queue_lane(~0U, from, to, in) <
					    TW_QUEUE_LANES);
}

/* What it is bound to makes a tier a store, not its number. */
static void lane_of_a_low_store(void **state)
{
	const unsigned int stores = STORES | 1U << TW_TIER_GPU;

	(void)state;
	assert_lane(stores, TW_TIER_NONE, TW_TIER_CPU, TW_TIER_GPU, TW_TIER_GPU);
	assert_lane(stores, TW_TIER_NONE, TW_TIER_SSD, TW_TIER_GPU, TW_TIER_SSD);
	assert_memory_lane(stores, TW_TIER_CPU, TW_TIER_CPU, TW_TIER_NONE);
	assert_memory_lane(0, TW_TIER_NONE, TW_TIER_HDD, TW_TIER_CPU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(higher_priority_first),
		cmocka_unit_test(older_of_equals_first),
		cmocka_unit_test(a_step_of_waiting_is_worth_one),
		cmocka_unit_test(none_starves),
		cmocka_unit_test(keys_order_as_ranks_do),
		cmocka_unit_test(soon_after_boot),
		cmocka_unit_test(lanes),
		cmocka_unit_test(lane_of_a_low_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
