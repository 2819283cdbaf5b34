// SPDX-License-Identifier: GPL-2.0
/*
 * test_cand.c - the queue of candidates: rings, what was seen, benefit
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../driver/pages/cand_queue.h"

struct looker {
	u64 page[TW_CAND_RING];
	unsigned int nr;
	u64 stale;	/* this one is */
	u64 foreign;	/* and this one is somebody else's */
	unsigned int want;	/* so many are enough; 0: all */
	struct tw_cand_ring *overwrite;
};

static enum tw_cand_fate look(void *data, u64 page)
{
	struct looker *l = data;

	if (page == l->stale) {
		if (l->overwrite)
			tw_cand_put(l->overwrite, 777);
		return TW_CAND_STALE;
	}
	if (page == l->foreign)
		return TW_CAND_PASS;
	assert_true(l->nr < TW_CAND_RING);
	l->page[l->nr++] = page;
	return l->nr == l->want ? TW_CAND_LAST : TW_CAND_TAKEN;
}

static void newest_first(void **state)
{
	struct tw_cand_ring q = { 0 };
	struct looker l = { .stale = 99, .foreign = 99 };
	u64 page;

	(void)state;
	assert_int_equal(tw_cand_look(&q, false, look, &l), 0);
	for (page = 0; page < 5; page++)
		tw_cand_put(&q, page);
	assert_int_equal(tw_cand_look(&q, false, look, &l), 5);
	for (page = 0; page < 5; page++)
		assert_int_equal(l.page[page], 4 - page);
}

static void bounded_and_the_oldest_go(void **state)
{
	struct tw_cand_ring q = { 0 };
	struct looker l = { .stale = ~1ULL, .foreign = ~1ULL };
	u64 page;

	(void)state;
	q.head.counter = UINT_MAX - 10ULL;
	for (page = 1; page <= TW_CAND_RING + 7; page++)
		tw_cand_put(&q, page);
	assert_int_equal(tw_cand_look(&q, false, look, &l), TW_CAND_RING);
	assert_int_equal(l.page[0], TW_CAND_RING + 7);
	assert_int_equal(l.page[TW_CAND_RING - 1], 8);
}

static void the_oldest_first_until_there_are_enough(void **state)
{
	struct looker l = { .stale = 2, .foreign = 99999 };
	struct tw_cand_ring q = { 0 };
	u64 page;

	(void)state;
	for (page = 1; page <= 5; page++)
		tw_cand_put(&q, page);
	l.want = 2;
	assert_int_equal(tw_cand_look(&q, true, look, &l), 2);
	assert_int_equal(l.page[0], 1);
	assert_int_equal(l.page[1], 3);		/* 2 was stale */
	for (; page <= TW_CAND_RING + 3; page++)
		tw_cand_put(&q, page);
	l = (struct looker){ .stale = 99999, .foreign = 99999, .want = 1 };
	assert_int_equal(tw_cand_look(&q, true, look, &l), 1);
	assert_int_equal(l.page[0], 4);		/* those before have been replaced */
}

static void stale_ones_are_dropped_others_stay(void **state)
{
	struct tw_cand_ring q = { 0 };
	struct looker l = { .stale = 2, .foreign = 3 };

	(void)state;
	tw_cand_put(&q, 1);
	tw_cand_put(&q, 2);
	tw_cand_put(&q, 3);
	assert_int_equal(tw_cand_look(&q, false, look, &l), 1);
	/* Now everything is wanted: 2 has gone, 3 has not. */
	l = (struct looker){ .stale = 99, .foreign = 99 };
	assert_int_equal(tw_cand_look(&q, false, look, &l), 2);
	assert_int_equal(l.page[0], 3);
	assert_int_equal(l.page[1], 1);
}

static void what_came_meanwhile_is_not_dropped(void **state)
{
	struct tw_cand_ring q = { 0 };
	struct looker l = { .stale = 1, .foreign = 99999, .overwrite = &q };
	u64 page;

	(void)state;
	/* 1 is the oldest: the number put while it is looked at replaces it. */
	for (page = 1; page <= TW_CAND_RING; page++)
		tw_cand_put(&q, page);
	assert_int_equal(tw_cand_look(&q, false, look, &l), TW_CAND_RING - 1);
	l = (struct looker){ .stale = 99999, .foreign = 99999 };
	assert_int_equal(tw_cand_look(&q, false, look, &l), TW_CAND_RING);
	assert_int_equal(l.page[0], 777);
}

static void seen_once(void **state)
{
	u64 slots[64];
	u64 page;

	(void)state;
	memset(slots, 0, sizeof(slots));
	for (page = 0; page < 32; page++)
		assert_true(tw_cand_seen_add(slots, 6, page << 32 | 1ULL << 63));
	for (page = 0; page < 32; page++)
		assert_false(tw_cand_seen_add(slots, 6, page << 32 | 1ULL << 63));
	memset(slots, 0, sizeof(slots));
	assert_true(tw_cand_seen_add(slots, 6, 0));
	assert_false(tw_cand_seen_add(slots, 6, 0));
}

static void wanted(void **state)
{
	(void)state;
	assert_false(tw_cand_wanted(100, true, 100, 10, 10));
	assert_true(tw_cand_wanted(101, true, 100, 10, 10));
	assert_true(tw_cand_wanted(0, false, 100, 10, 10));
	assert_true(tw_cand_wanted(10, false, 100, 10, 10));	/* touched once */
	assert_false(tw_cand_wanted(11, false, 100, 10, 10));
	assert_true(tw_cand_wanted(49, false, 100, 50, 10));
	assert_false(tw_cand_wanted(50, false, 100, 50, 10));
	assert_false(tw_cand_wanted(8, false, 5, 3, 10));	/* hot is not cold */
}

static void ranks(void **state)
{
	(void)state;
	assert_true(tw_cand_rank(300, 0, true) < tw_cand_rank(200, 9, true));
	assert_true(tw_cand_rank(200, 0, true) == tw_cand_rank(200, 9, true));
	assert_true(tw_cand_rank(1, 0, false) < tw_cand_rank(2, 9, false));
	assert_true(tw_cand_rank(2, 9, false) < tw_cand_rank(2, 8, false));
	assert_true(tw_cand_rank(65535, 0, false) >> 24 == 0);
	assert_true(tw_cand_rank(0, 255, true) >> 24 == 0);
}

/* By rank, and equal ones as they came. */
static void sorts(void **state)
{
	static u64 keys[70000], tmp[70000];
	const unsigned int sizes[] = { 0, 1, 2, 356, 70000 };
	unsigned int s, i, seed = 1;

	(void)state;
	for (s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		for (i = 0; i < sizes[s]; i++) {
			seed = seed * 1103515245 + 12345;
			keys[i] = TW_CAND_KEY((u64)(seed >> 8 & (s % 2 ? 0xffffff :
						    0xff00)), i);
		}
		tw_cand_sort(keys, tmp, sizes[s]);
		for (i = 1; i < sizes[s]; i++)
			assert_true(keys[i - 1] < keys[i]);
	}
	assert_int_equal(TW_CAND_KEY_INDEX(TW_CAND_KEY(77ULL, 65791)), 65791);
}

static void benefit(void **state)
{
	(void)state;
	assert_true(tw_cand_benefit(3, 20000, 50) == 3 * 19950);
	assert_true(tw_cand_benefit(3, 50, 20000) == -3 * 19950);
	assert_true(tw_cand_benefit(0, 50, 20000) == 0);
	assert_true(tw_cand_benefit(7, 50, 50) == 0);
	assert_true(tw_cand_benefit(65535, UINT64_MAX, 0) == INT64_MAX);
	assert_true(tw_cand_benefit(65535, 0, UINT64_MAX) == -INT64_MAX);
	assert_true(tw_cand_benefit(0, 0, UINT64_MAX) == 0);
	assert_true(tw_cand_benefit(65535, (1ULL << 47) - 1, 0) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_first),
		cmocka_unit_test(bounded_and_the_oldest_go),
		cmocka_unit_test(the_oldest_first_until_there_are_enough),
		cmocka_unit_test(stale_ones_are_dropped_others_stay),
		cmocka_unit_test(what_came_meanwhile_is_not_dropped),
		cmocka_unit_test(seen_once),
		cmocka_unit_test(wanted),
		cmocka_unit_test(ranks),
		cmocka_unit_test(sorts),
		cmocka_unit_test(benefit),
	};

	return cmocka_run_group_tests_name("candidates", tests, NULL, NULL);
}
