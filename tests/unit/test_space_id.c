// SPDX-License-Identifier: GPL-2.0
/*
 * test_space_id.c - ids of owners: the end of the numbers, and what comes behind
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../driver/pages/space_id.h"

static void test_first(void **state)
{
	(void)state;
	assert_int_equal(tw_space_id_next(0), 1);
	assert_int_equal(tw_space_id_next(1), 2);
}

/* The last number is given once, 0 never, and the id goes on. */
static void test_end_of_numbers(void **state)
{
	const __u64 last = TW_PAGE_OWNERS;

	(void)state;
	assert_int_equal(tw_space_id_next(last - 1), last);
	assert_int_equal(tw_space_id_next(last), last + 2);
	assert_int_equal(TW_PAGE_OWNER(last + 2), 1);
	assert_int_equal(tw_space_id_next(2 * last), 2 * last + 1);
	assert_int_equal(tw_space_id_next(2 * last + 1), 2 * last + 3);
}

/* Ids only go up, by at most two, so none comes again. */
static void test_only_up(void **state)
{
	__u64 id = 5 * (TW_PAGE_OWNERS + 1) - 1000;
	int i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		__u64 next = tw_space_id_next(id);

		assert_true(next > id && next - id <= 2);
		assert_true(TW_PAGE_OWNER(next) != 0);
		id = next;
	}
}

/* A page's number has either, and nothing of the id's upper bits. */
static void test_page_numbers(void **state)
{
	const __u64 id = 7 * (TW_PAGE_OWNERS + 1) + 5;
	const __u64 page = TW_PAGE(id, TW_REGION_MAX_PAGES - 1);

	(void)state;
	assert_true(page == TW_PAGE(5, TW_REGION_MAX_PAGES - 1));
	assert_int_equal(TW_PAGE_REGION(page), 5);
	assert_true(TW_PAGE_INDEX(page) == TW_REGION_MAX_PAGES - 1);
	assert_true(TW_PAGE(TW_PAGE_OWNERS, TW_REGION_MAX_PAGES - 1) == ~0ULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_end_of_numbers),
		cmocka_unit_test(test_only_up),
		cmocka_unit_test(test_page_numbers),
	};

	return cmocka_run_group_tests_name("region ids", tests, NULL, NULL);
}
