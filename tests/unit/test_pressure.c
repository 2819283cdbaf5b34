// SPDX-License-Identifier: GPL-2.0
/*
 * test_pressure.c - levels of pressure: thresholds, hysteresis, room of all tiers, waiting
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

static struct tw_pressure_state look(unsigned int level, unsigned long used,
				     unsigned long capacity)
{
	struct tw_pressure_state s = { .level = level };

	tw_pressure_calc(&defaults, used, capacity, &s);
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
		assert_int_equal(look(TW_PRESSURE_LOW, steps[i].used, CAPACITY).level, steps[i].level);
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
		assert_int_equal(look(steps[i].from, steps[i].used, CAPACITY).level, steps[i].level);
}

static void names_the_next_thresholds(void **state)
{
	struct tw_pressure_state s;

	(void)state;
	s = look(TW_PRESSURE_LOW, 10, CAPACITY);
	assert_int_equal(s.up, 700);
	assert_int_equal(s.down, 0);
	s = look(TW_PRESSURE_LOW, 700, CAPACITY);
	assert_int_equal(s.up, 850);
	assert_int_equal(s.down, 650);
	s = look(TW_PRESSURE_LOW, 850, CAPACITY);
	assert_int_equal(s.up, 950);
	assert_int_equal(s.down, 800);
	s = look(TW_PRESSURE_LOW, 950, CAPACITY);
	assert_true(s.up == ULONG_MAX);
	assert_int_equal(s.down, 900);
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

				a = look(from, used, capacity);
				b = look(a.level, used, capacity);
				assert_int_equal(a.level, b.level);
				assert_true(used < a.up && used >= a.down);
				if (a.up != ULONG_MAX)
					assert_true(look(a.level, a.up, capacity).level > a.level);
				if (a.down)
					assert_true(look(a.level, a.down - 1, capacity).level < a.level);
			}
		}
	}
}

static void ends_of_the_range(void **state)
{
	struct tw_pressure_state s;

	(void)state;
	assert_int_equal(look(TW_PRESSURE_LOW, 0, 0).level,
			 TW_PRESSURE_CRITICAL);
	s = look(TW_PRESSURE_LOW, ULONG_MAX / 2, ULONG_MAX);
	assert_int_equal(s.level, TW_PRESSURE_LOW);
	assert_true(s.up > ULONG_MAX / 10 * 6 && s.up < ULONG_MAX / 10 * 8);
	assert_int_equal(look(TW_PRESSURE_LOW, ULONG_MAX, ULONG_MAX).level,
			 TW_PRESSURE_CRITICAL);
	/* A level that does not exist is taken for the highest. */
	assert_int_equal(look(77, 1000, CAPACITY).level,
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
	struct tw_pressure_state s = { .level = TW_PRESSURE_LOW };

	(void)state;
	tw_pressure_calc(&l, 250, CAPACITY, &s);
	assert_int_equal(s.level, TW_PRESSURE_HIGH);
	assert_int_equal(s.up, 300);
	assert_int_equal(s.down, 150);
	tw_pressure_calc(&l, 149, CAPACITY, &s);
	assert_int_equal(s.level, TW_PRESSURE_MEDIUM);
	tw_pressure_calc(&l, 49, CAPACITY, &s);
	assert_int_equal(s.level, TW_PRESSURE_LOW);
}

/* -- room of all tiers --------------------------------------------------------- */

#define TIERS 3

/**
 * struct machine - memory and two stores, looked at as the driver does
 * @capacity: of each tier, of which the first is memory
 * @used: pages in each
 * @up: a tier is looked at again from this use on
 * @down: and below this
 * @level: of the memory
 * @looks: how often it was looked at
 */
struct machine {
	unsigned long capacity[TIERS];
	unsigned long used[TIERS];
	unsigned long up[TIERS];
	unsigned long down[TIERS];
	unsigned int level;
	unsigned int looks;
};

static void look_at(struct machine *m)
{
	struct tw_pressure_pool pool = { .nr = TIERS, .up = ULONG_MAX };
	struct tw_pressure_state s = { .level = m->level };
	int i;

	for (i = 0; i < TIERS; i++) {
		pool.used += m->used[i];
		pool.capacity += m->capacity[i];
	}
	tw_pressure_calc(&defaults, pool.used, pool.capacity, &s);
	m->level = s.level;
	tw_pressure_pool_take(&pool, &s);
	for (i = 0; i < TIERS; i++) {
		struct tw_pressure_state own = { .up = ULONG_MAX };

		tw_pressure_pool_narrow(&pool, m->used[i], &own);
		m->up[i] = own.up;
		m->down[i] = own.down;
	}
	m->looks++;
}

static void change(struct machine *m, int tier, long by)
{
	m->used[tier] += by;
	if (m->used[tier] >= m->up[tier] || m->used[tier] < m->down[tier])
		look_at(m);
}

/* Memory kept 98 % full with room in the stores is LOW; without room it is CRITICAL. */
static void memory_is_judged_by_all_tiers(void **state)
{
	struct machine m = {
		.capacity = { 1000, 4000, 15000 }, .used = { 980, 0, 0 },
	};

	(void)state;
	look_at(&m);
	assert_int_equal(m.level, TW_PRESSURE_LOW);
	m.used[1] = 4000;
	look_at(&m);
	assert_int_equal(m.level, TW_PRESSURE_LOW);
	m.used[2] = 14500;
	look_at(&m);
	assert_int_equal(m.level, TW_PRESSURE_CRITICAL);
	m.used[2] = 9000;
	look_at(&m);
	assert_int_equal(m.level, TW_PRESSURE_MEDIUM);
}

/* Whichever tiers fill and drain, a level is noticed at the latest 1/256 late. */
static void no_threshold_is_passed_unseen(void **state)
{
	struct machine m = { .capacity = { 1024, 10240, 102400 } };
	const unsigned long all = 1024 + 10240 + 102400, late = all / 256 + 8;
	unsigned long used;
	unsigned int i, seed = 1;

	(void)state;
	look_at(&m);
	for (i = 0; i < 2000000; i++) {
		bool up = i / 250000 % 2 == 0;
		int tier;

		seed = seed * 1103515245 + 12345;
		tier = (seed >> 16) % TIERS;
		if (up ? m.used[tier] < m.capacity[tier] : m.used[tier] > 0)
			change(&m, tier, up ? 1 : -1);
		used = m.used[0] + m.used[1] + m.used[2];
		if (m.level < TW_PRESSURE_CRITICAL)
			assert_true(used < tw_pressure_enter(&defaults, all,
							     m.level + 1) + late);
		if (m.level > TW_PRESSURE_LOW)
			assert_true(used + late >= tw_pressure_leave(&defaults, all,
								     m.level));
	}
	assert_true(m.looks < 20000);
}

/* Close to a threshold, pages that come and go are not a look each. */
static void to_and_fro_is_seldom_looked_at(void **state)
{
	struct machine m = {
		.capacity = { 1000, 4000, 5000 }, .used = { 1000, 2000, 3999 },
	};
	int i;

	(void)state;
	look_at(&m);
	assert_int_equal(m.level, TW_PRESSURE_LOW);
	m.looks = 0;
	for (i = 0; i < 1000; i++) {
		change(&m, 0, -5);
		change(&m, 1, 5);
		change(&m, 1, -5);
		change(&m, 0, 5);
	}
	assert_true(m.looks < 10);
}

/* -- waiting ------------------------------------------------------------------- */

#define SECOND 1000000000ULL

/* Faults wait for @permille of the time, for @seconds. */
static void wait_for(struct tw_stall *s, unsigned long long *total,
		     unsigned long long *now, unsigned int permille, int seconds)
{
	for (; seconds > 0; seconds -= 2) {
		*total += 2 * SECOND / 1000 * permille;
		*now += 2 * SECOND;
		tw_stall_look(s, *total, *now);
	}
}

static void waiting_raises_and_lapses(void **state)
{
	unsigned long long total = 5 * SECOND, now = 1000 * SECOND;
	struct tw_stall s = { .total = total };

	(void)state;
	tw_stall_look(&s, total, now);
	assert_false(s.on);			/* nothing has waited: no periods */
	total += SECOND / 10;
	tw_stall_look(&s, total, now);
	assert_true(s.on);
	tw_stall_look(&s, total, now + SECOND);	/* not over yet */
	assert_int_equal(s.avg10, 0);
	wait_for(&s, &total, &now, 3, 60);	/* 0.3 % of the time */
	assert_int_equal(s.level, TW_PRESSURE_LOW);
	wait_for(&s, &total, &now, 20, 60);
	assert_int_equal(s.level, TW_PRESSURE_MEDIUM);
	wait_for(&s, &total, &now, 300, 10);
	assert_int_equal(s.level, TW_PRESSURE_HIGH);
	wait_for(&s, &total, &now, 5000, 600);	/* many at once: all of the time */
	assert_int_equal(s.level, TW_PRESSURE_HIGH);
	assert_in_range(tw_stall_permille(s.avg10), 999, 1000);
	assert_in_range(tw_stall_permille(s.avg60), 999, 1000);
	wait_for(&s, &total, &now, 0, 20);	/* e^-2 of it is left */
	assert_in_range(tw_stall_permille(s.avg10), 134, 136);
	assert_in_range(tw_stall_permille(s.avg60), 715, 718);
	assert_int_equal(s.level, TW_PRESSURE_HIGH);
	wait_for(&s, &total, &now, 0, 12);
	assert_int_equal(s.level, TW_PRESSURE_MEDIUM);
	wait_for(&s, &total, &now, 0, 30);
	assert_int_equal(s.level, TW_PRESSURE_LOW);
	assert_true(s.on);
	wait_for(&s, &total, &now, 0, 600);
	assert_false(s.on);
	assert_int_equal(s.avg60, 0);
}

static void waiting_has_hysteresis(void **state)
{
	unsigned long long total = 0, now = SECOND;
	struct tw_stall s = { 0 };

	(void)state;
	total = 1;
	tw_stall_look(&s, total, now);
	wait_for(&s, &total, &now, 70, 200);
	assert_int_equal(s.level, TW_PRESSURE_MEDIUM);	/* 7 % does not make HIGH ... */
	wait_for(&s, &total, &now, 110, 200);
	assert_int_equal(s.level, TW_PRESSURE_HIGH);
	wait_for(&s, &total, &now, 70, 200);
	assert_int_equal(s.level, TW_PRESSURE_HIGH);	/* ... nor does it end it */
	wait_for(&s, &total, &now, 40, 200);
	assert_int_equal(s.level, TW_PRESSURE_MEDIUM);
}

/* A look that comes late counts all of the time since, however long it was. */
static void late_looks_count_the_time(void **state)
{
	unsigned long long total = 1, now = SECOND;
	struct tw_stall s = { 0 };

	(void)state;
	tw_stall_look(&s, total, now);
	now += 20 * SECOND;
	tw_stall_look(&s, total + 20 * SECOND, now);
	assert_in_range(tw_stall_permille(s.avg10), 860, 868);
	now += 1000000 * SECOND;
	tw_stall_look(&s, total + 20 * SECOND, now);
	assert_false(s.on);
	assert_int_equal(s.level, TW_PRESSURE_LOW);
}

/* -- by how slow a store is ------------------------------------------------------ */

#define MS	(SECOND / 1000)

/* A second of @nr transfers of @ms each, one after the other; then a look. */
static void second_of(struct tw_slow *s, struct tw_io_time *io, unsigned long long *now,
		      unsigned int nr, unsigned int ms)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		tw_io_time_begin(io, *now + i * SECOND / nr);
		tw_io_time_end(io, *now + i * SECOND / nr, *now + i * SECOND / nr + ms * MS);
	}
	*now += SECOND;
	tw_slow_look(s, io, MS, *now);
}

static void a_quick_store_is_not_slow(void **state)
{
	struct tw_io_time io = { 0 };
	struct tw_slow s = { 0 };
	unsigned long long now = 100 * SECOND;
	int i;

	(void)state;
	tw_slow_look(&s, &io, MS, now);
	assert_true(s.on);
	/* 31 times what was measured, and then what is less than 50 ms. */
	for (i = 0; i < 10; i++)
		second_of(&s, &io, &now, 10, 31);
	for (i = 0; i < 10; i++)
		second_of(&s, &io, &now, 10, 49);
	assert_int_equal(s.total, 0);
	assert_true(s.on);
	/* One slow one among many is not a slow store. */
	tw_io_time_begin(&io, now);
	tw_io_time_end(&io, now, now + SECOND);
	for (i = 0; i < 2; i++)
		second_of(&s, &io, &now, 100, 1);
	assert_int_equal(s.total, 0);
	/* A period without any is the last. */
	now += 3 * SECOND;
	tw_slow_look(&s, &io, MS, now);
	assert_false(s.on);
}

static void a_slow_store_is_waited_for(void **state)
{
	struct tw_io_time io = { 0 };
	struct tw_slow s = { 0 };
	unsigned long long now = 100 * SECOND;

	(void)state;
	assert_int_equal(tw_slow_ns(MS / 10), 50 * MS);
	assert_int_equal(tw_slow_ns(MS), 256 * MS);
	assert_int_equal(tw_slow_ns(10 * MS), TW_STALL_PERIOD_NS / 2);
	tw_slow_look(&s, &io, MS, now);
	second_of(&s, &io, &now, 4, 300);
	assert_int_equal(s.total, 0);		/* the period is not over */
	second_of(&s, &io, &now, 4, 300);
	assert_int_equal(s.total, 2400 * MS);
	/* It is as it was measured again. */
	second_of(&s, &io, &now, 4, 1);
	second_of(&s, &io, &now, 4, 1);
	assert_int_equal(s.total, 2400 * MS);
}

/* Also when nothing ends: that is seen while it lasts. */
static void what_hangs_counts(void **state)
{
	struct tw_io_time io = { 0 };
	struct tw_stall stall = { 0 };
	struct tw_slow s = { 0 };
	unsigned long long began = 100 * SECOND, now = began;
	int i;

	(void)state;
	tw_io_time_begin(&io, now);
	tw_io_time_begin(&io, now);
	for (i = 0; i <= 3; i++, now += 2 * SECOND) {
		tw_slow_look(&s, &io, MS, now);
		assert_int_equal(s.total, i * 4 * SECOND);
		tw_stall_look(&stall, s.total, now);
	}
	assert_int_equal(stall.level, TW_PRESSURE_HIGH);
	assert_true(s.on);
	assert_int_equal(tw_io_time_all(&io, now), 16 * SECOND);
	tw_io_time_end(&io, began, now);
	/* A clock that is behind takes nothing away. */
	tw_io_time_end(&io, began, began - 1);
	assert_int_equal(tw_io_time_all(&io, now), 8 * SECOND);
	assert_int_equal(io.nr, 0);
	assert_int_equal(io.begun_ns, 0);
	for (i = 0; i < 250; i++, now += 2 * SECOND) {
		tw_slow_look(&s, &io, MS, now);
		tw_stall_look(&stall, s.total, now);
	}
	assert_int_equal(stall.level, TW_PRESSURE_LOW);
	assert_true(!stall.on && stall.avg10 == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rises_at_70_85_95),
		cmocka_unit_test(falls_below_65_80_90),
		cmocka_unit_test(names_the_next_thresholds),
		cmocka_unit_test(settles_for_every_use),
		cmocka_unit_test(ends_of_the_range),
		cmocka_unit_test(levels_are_checked_as_a_whole),
		cmocka_unit_test(other_levels_are_followed),
		cmocka_unit_test(memory_is_judged_by_all_tiers),
		cmocka_unit_test(no_threshold_is_passed_unseen),
		cmocka_unit_test(to_and_fro_is_seldom_looked_at),
		cmocka_unit_test(waiting_raises_and_lapses),
		cmocka_unit_test(waiting_has_hysteresis),
		cmocka_unit_test(late_looks_count_the_time),
		cmocka_unit_test(a_quick_store_is_not_slow),
		cmocka_unit_test(a_slow_store_is_waited_for),
		cmocka_unit_test(what_hangs_counts),
	};

	return cmocka_run_group_tests_name("pressure", tests, NULL, NULL);
}
