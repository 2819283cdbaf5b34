// SPDX-License-Identifier: GPL-2.0
/*
 * test_swap.c - the entries of the swap device, and where its pages go
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/tierwatch.h>

#include "../../driver/swap/entry.h"
#include "../../driver/swap/choice.h"

#define NVME	TW_TIER_NVME
#define SSD	TW_TIER_SSD
#define HDD	TW_TIER_HDD

/* -- entries --------------------------------------------------------------------- */

static u64 stored(int tier, u32 slot)
{
	return tw_swe_written(0, tier, slot) - TW_SWE_BUSY_ONE;
}

static void holds_tier_and_slot(void **state)
{
	u64 e = stored(HDD, 0xfffffffe);

	(void)state;
	assert_int_equal(tw_swe_tier(e), HDD);
	assert_int_equal(tw_swe_slot(e), 0xfffffffe);
	assert_true(tw_swe_stored(e));
	assert_false(tw_swe_stored(0));
	assert_false(tw_swe_stored(TW_SWE_LOST));
}

static void reads_are_counted_and_make_hot(void **state)
{
	u64 e = stored(SSD, 7);
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++)
		e = tw_swe_read(e);
	assert_int_equal(e >> TW_SWE_BUSY_SHIFT, 20);
	assert_int_equal(tw_swe_heat(e), TW_SWE_HEAT_MAX);
	assert_int_equal(tw_swe_slot(e), 7);
	assert_int_equal(tw_swe_tier(e), SSD);
	assert_true(tw_swe_can_begin(e));
	assert_false(tw_swe_can_begin(e | TW_SWE_BUSY));
}

static void a_write_goes_to_a_new_slot(void **state)
{
	u64 old = tw_swe_with_heat(stored(HDD, 7), 4) | TW_SWE_SPARE;
	u64 e = tw_swe_written(old, NVME, 9);

	(void)state;
	assert_int_equal(tw_swe_tier(e), NVME);
	assert_int_equal(tw_swe_slot(e), 9);
	assert_int_equal(tw_swe_heat(e), 4);
	assert_false(e & (TW_SWE_SPARE | TW_SWE_LOST));
	assert_int_equal(e & TW_SWE_BUSY, TW_SWE_BUSY_ONE);
	assert_true(tw_swe_gives_slot(old));
	assert_int_equal(tw_swe_heat(tw_swe_written(old | TW_SWE_DEAD, NVME, 9)), 0);
	assert_false(tw_swe_written(TW_SWE_LOST, NVME, 9) & TW_SWE_LOST);
}

static void what_is_under_way_keeps_its_slot(void **state)
{
	u64 e = tw_swe_read(stored(SSD, 7)) | TW_SWE_SPARE;
	u64 dead = tw_swe_freed(e), again = tw_swe_rewritten(dead);

	(void)state;
	assert_int_equal(tw_swe_freed(stored(SSD, 7)), 0);
	assert_int_equal(tw_swe_freed(TW_SWE_LOST), 0);
	assert_true(dead & TW_SWE_DEAD);
	assert_true(tw_swe_same(dead, e));
	assert_false(tw_swe_stored(dead));
	assert_int_equal(tw_swe_freed(dead - TW_SWE_BUSY_ONE), 0);
	assert_true(tw_swe_stored(again));
	assert_false(again & TW_SWE_SPARE);
	assert_int_equal(again >> TW_SWE_BUSY_SHIFT, 2);
}

static void a_move_takes_what_nothing_else_has(void **state)
{
	static const u64 in_the_way[] = {
		TW_SWE_MOVING, TW_SWE_DEAD, TW_SWE_SPARE, TW_SWE_BUSY_ONE,
	};
	u64 e = stored(NVME, 3);
	size_t i;

	(void)state;
	assert_true(tw_swe_can_move(e));
	assert_false(tw_swe_can_move(0));
	assert_false(tw_swe_can_move(TW_SWE_LOST));
	for (i = 0; i < sizeof(in_the_way) / sizeof(*in_the_way); i++)
		assert_false(tw_swe_can_move(e | in_the_way[i]));
}

static void a_move_gives_up_for_others(void **state)
{
	u64 was = tw_swe_with_heat(stored(NVME, 3), 1) | TW_SWE_MOVING;
	u64 moved = tw_swe_moved(was, was, HDD, 8);
	u64 read = tw_swe_read(was), over = tw_swe_rewritten(was);

	(void)state;
	assert_int_equal(moved, tw_swe_with_heat(stored(HDD, 8), 1));
	assert_int_equal(tw_swe_moved(was, read, HDD, 8), 0);
	assert_int_equal(tw_swe_moved(was, read - TW_SWE_BUSY_ONE, HDD, 8),
			 tw_swe_with_heat(stored(HDD, 8), 3));
	/* Written in its place: what was read is old also when that has ended. */
	assert_int_equal(tw_swe_moved(was, over - TW_SWE_BUSY_ONE, HDD, 8), 0);
	/* Freed, or written to another slot: the old one is the move's. */
	assert_int_equal(tw_swe_moved(was, 0, HDD, 8), 0);
	assert_int_equal(tw_swe_moved(was, stored(NVME, 4), HDD, 8), 0);
	assert_false(tw_swe_gives_slot(was));
	assert_false(tw_swe_same(was, 0));
	assert_false(tw_swe_same(was, stored(NVME, 4)));
	assert_false(tw_swe_same(was, stored(SSD, 3)));
}

static void spare_ones_are_dropped_unless_in_use(void **state)
{
	u64 e = stored(NVME, 3);

	(void)state;
	assert_false(tw_swe_can_drop(e));
	e |= TW_SWE_SPARE;
	assert_true(tw_swe_can_drop(e));
	assert_false(tw_swe_can_drop(e | TW_SWE_MOVING));
	assert_false(tw_swe_can_drop(tw_swe_read(e)));
}

/* -- choice ---------------------------------------------------------------------- */

static struct tw_swap_store stores[3];

static void given(unsigned long nvme, unsigned long ssd, unsigned long hdd)
{
	const struct tw_swap_store all[] = {
		{ .tier = NVME, .capacity = 6400, .room = nvme },
		{ .tier = SSD, .capacity = 12800, .room = ssd },
		{ .tier = HDD, .capacity = 128000, .room = hdd },
	};

	memcpy(stores, all, sizeof(all));
}

static void headroom_is_a_part_of_a_store(void **state)
{
	(void)state;
	assert_int_equal(tw_swap_headroom(128000), 4000);
	assert_int_equal(tw_swap_headroom(1000), 128);
	assert_int_equal(tw_swap_headroom(64), 16);
	assert_int_equal(tw_swap_headroom(0), 0);
	assert_true(tw_swap_last_room(64) < tw_swap_headroom(64));
}

static void copies_are_kept_while_there_is_room(void **state)
{
	(void)state;
	assert_false(tw_swap_wants_slots(1000, 1000));
	assert_false(tw_swap_wants_slots(1000, 500));
	assert_true(tw_swap_wants_slots(1000, 499));
}

static void new_pages_go_to_the_fastest_with_room(void **state)
{
	(void)state;
	given(6000, 100, 100);
	assert_int_equal(tw_swap_choose(stores, 3), 0);
	given(50, 12000, 100);
	assert_int_equal(tw_swap_choose(stores, 3), 1);
	given(50, 100, 128000);
	assert_int_equal(tw_swap_choose(stores, 3), 2);
	assert_int_equal(tw_swap_choose(stores, 0), -1);
}

static void the_last_slots_are_used_before_nothing_is(void **state)
{
	(void)state;
	given(5, 0, 0);
	assert_int_equal(tw_swap_choose(stores, 3), 0);
	given(0, 0, 1);
	assert_int_equal(tw_swap_choose(stores, 3), 2);
	given(0, 0, 0);
	assert_int_equal(tw_swap_choose(stores, 3), -1);
}

static void a_failing_store_is_the_last_resort(void **state)
{
	(void)state;
	given(6000, 12000, 0);
	stores[0].avoid = true;
	assert_int_equal(tw_swap_choose(stores, 3), 1);
	given(6000, 0, 0);
	stores[0].avoid = true;
	assert_int_equal(tw_swap_choose(stores, 3), 0);
}

static void pages_sink_to_the_next_with_room(void **state)
{
	(void)state;
	given(0, 12000, 128000);
	assert_int_equal(tw_swap_sink_to(stores, 3, 0, 64), 1);
	given(0, 100, 128000);
	assert_int_equal(tw_swap_sink_to(stores, 3, 0, 64), 2);
	/* Neither has its headroom: the one with more. */
	given(0, 390, 3000);
	assert_int_equal(tw_swap_sink_to(stores, 3, 0, 64), 2);
	given(0, 100, 1000);
	assert_int_equal(tw_swap_sink_to(stores, 3, 0, 64), -1);
	given(0, 12000, 128000);
	assert_int_equal(tw_swap_sink_to(stores, 3, 2, 64), -1);
	stores[1].avoid = true;
	assert_int_equal(tw_swap_sink_to(stores, 3, 0, 64), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_tier_and_slot),
		cmocka_unit_test(reads_are_counted_and_make_hot),
		cmocka_unit_test(a_write_goes_to_a_new_slot),
		cmocka_unit_test(what_is_under_way_keeps_its_slot),
		cmocka_unit_test(a_move_takes_what_nothing_else_has),
		cmocka_unit_test(a_move_gives_up_for_others),
		cmocka_unit_test(spare_ones_are_dropped_unless_in_use),
		cmocka_unit_test(headroom_is_a_part_of_a_store),
		cmocka_unit_test(copies_are_kept_while_there_is_room),
		cmocka_unit_test(new_pages_go_to_the_fastest_with_room),
		cmocka_unit_test(the_last_slots_are_used_before_nothing_is),
		cmocka_unit_test(a_failing_store_is_the_last_resort),
		cmocka_unit_test(pages_sink_to_the_next_with_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
