/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pressure_calc.h - levels of pressure by the share of pages used, with hysteresis
 *
 * Pure arithmetic: no kernel calls and no locks, so that the unit tests run it
 * on the host. The caller owns struct tw_pressure_state.
 */
#ifndef _TW_PRESSURE_CALC_H
#define _TW_PRESSURE_CALC_H

#ifdef __KERNEL__
#include <linux/limits.h>
#include <linux/types.h>
#else
#include <limits.h>
#include <stdbool.h>
#endif
#include <linux/tierwatch.h>

/**
 * struct tw_pressure_state - a tier's pressure
 * @base: in, out: enum tw_level by pages used alone
 * @level: out: enum tw_level to show: @base, one level higher while stalled
 * @up: out: pages used from which @base rises; ULONG_MAX for never
 * @down: out: pages used below which @base falls; 0 for never
 */
struct tw_pressure_state {
	unsigned int base;
	unsigned int level;
	unsigned long up;
	unsigned long down;
};

/* @percent of @capacity, rounded up; does not overflow. */
static inline unsigned long tw_pressure_pages(unsigned long capacity,
					      unsigned int percent)
{
	return capacity / 100 * percent + (capacity % 100 * percent + 99) / 100;
}

/**
 * struct tw_pressure_levels - thresholds of MEDIUM, HIGH and CRITICAL
 * @enter: percent used from which a tier is on each level
 * @leave: percent used below which a tier leaves each level
 */
struct tw_pressure_levels {
	unsigned int enter[3];
	unsigned int leave[3];
};

#define TW_PRESSURE_DEFAULTS { { 70, 85, 95 }, { 65, 80, 90 } }

/* Whether both rise within 1..100, and each level is left below where it is entered. */
static inline bool tw_pressure_valid(const struct tw_pressure_levels *l)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (l->enter[i] > 100 || l->leave[i] < 1 ||
		    l->leave[i] >= l->enter[i])
			return false;
		if (i && (l->enter[i] <= l->enter[i - 1] ||
			  l->leave[i] <= l->leave[i - 1]))
			return false;
	}
	return true;
}

/* Pages used from which a tier is on @level (MEDIUM and above). */
static inline unsigned long
tw_pressure_enter(const struct tw_pressure_levels *l, unsigned long capacity,
		  unsigned int level)
{
	return tw_pressure_pages(capacity, l->enter[level - 1]);
}

/* Pages used below which a tier leaves @level again. */
static inline unsigned long
tw_pressure_leave(const struct tw_pressure_levels *l, unsigned long capacity,
		  unsigned int level)
{
	return tw_pressure_pages(capacity, l->leave[level - 1]);
}

/**
 * tw_pressure_calc - compute the level, and from what use it changes
 * @l: valid levels
 * @used: pages used
 * @capacity: pages; a tier without any is always CRITICAL
 * @stalled: faults waited for room within the last second
 * @s: in: @s->base of the time before; out: all members
 *
 * The level by use alone is kept apart from the one that is shown, so that a stall
 * does not affect the hysteresis.
 */
static inline void tw_pressure_calc(const struct tw_pressure_levels *l,
				    unsigned long used, unsigned long capacity,
				    bool stalled, struct tw_pressure_state *s)
{
	unsigned int base = s->base;

	if (base > TW_PRESSURE_CRITICAL)
		base = TW_PRESSURE_CRITICAL;
	while (base < TW_PRESSURE_CRITICAL &&
	       used >= tw_pressure_enter(l, capacity, base + 1))
		base++;
	while (base > TW_PRESSURE_LOW &&
	       used < tw_pressure_leave(l, capacity, base))
		base--;

	s->base = base;
	s->level = base;
	if (stalled && base < TW_PRESSURE_CRITICAL)
		s->level++;
	s->up = base < TW_PRESSURE_CRITICAL ?
		tw_pressure_enter(l, capacity, base + 1) : ULONG_MAX;
	s->down = base > TW_PRESSURE_LOW ?
		tw_pressure_leave(l, capacity, base) : 0;
}

#endif
