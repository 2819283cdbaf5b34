/* SPDX-License-Identifier: GPL-2.0 */
/*
 * order_calc.h - the order in which tiers are tried
 *
 * Sets of tiers are words with a bit for each number. A set is read again at each
 * step, so that it may change under a loop: a loop sees each tier at most once, and
 * each that is in the set all the time.
 *
 * Plain arithmetic without kernel calls and locks, so that it is tested in userspace
 * and any caller may use it.
 */
#ifndef _TW_ORDER_CALC_H
#define _TW_ORDER_CALC_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif
#include <linux/tierwatch.h>

/* Is @tier, which may be TW_TIER_NONE, one of @tiers? */
static inline bool tw_order_has(unsigned int tiers, int tier)
{
	return tier < TW_NR_TIERS && (tiers >> tier & 1);
}

/**
 * tw_order_next - the tier to try after another
 * @tiers: the set of tiers
 * @first: the preferred one, which has had its turn, or TW_TIER_NONE
 * @tier: the one that was tried last, or -1 before the first
 *
 * After the preferred one all others follow by their numbers.
 *
 * Return: enum tw_tier, or TW_NR_TIERS if there is no other.
 */
static inline int tw_order_next(unsigned int tiers, int first, int tier)
{
	int next = tier == first ? 0 : tier + 1;

	while (next < TW_NR_TIERS && (next == first || !tw_order_has(tiers, next)))
		next++;
	return next;
}

/**
 * tw_order_begin - the tier to try first
 * @tiers: the set of tiers
 * @first: the preferred one, or TW_TIER_NONE
 *
 * Return: @first if it is in the set, else the tier of the lowest number, or
 * TW_NR_TIERS if the set is empty.
 */
static inline int tw_order_begin(unsigned int tiers, int first)
{
	return tw_order_has(tiers, first) ? first :
	       tw_order_next(tiers, first, -1);
}

/**
 * tw_order_away - where pages go whose tier, or frame, is to be left
 * @memory: the memory tiers
 * @stores: the stores
 * @from_store: whether the pages are in a store
 * @to: out: the tiers, best first; has room for TW_NR_TIERS
 *
 * What is in a store stays in stores, and what is in memory stays in memory, as far
 * as there is room. Of memory the CPU tier comes first, since all tasks are near it.
 *
 * Return: how many tiers there are in @to.
 */
static inline unsigned int tw_order_away(unsigned int memory,
					 unsigned int stores, bool from_store,
					 unsigned char *to)
{
	unsigned int kind, nr = 0;
	int tier;

	for (kind = 0; kind < 2; kind++) {
		bool store = kind ? !from_store : from_store;
		unsigned int tiers = store ? stores : memory;
		int first = store ? TW_TIER_NONE : TW_TIER_CPU;

		for (tier = tw_order_begin(tiers, first); tier < TW_NR_TIERS;
		     tier = tw_order_next(tiers, first, tier))
			to[nr++] = tier;
	}
	return nr;
}

#endif
