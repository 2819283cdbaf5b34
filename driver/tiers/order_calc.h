/* SPDX-License-Identifier: GPL-2.0 */
/*
 * order_calc.h - the order in which tiers are tried
 *
 * Sets of tiers are words with a bit for each number. A set is read again at each
 * step, so that it may change under a loop: a loop sees each tier at most once, and
 * each that is in the set all the time.
 *
 * Plain arithmetic without kernel calls, so that it is tested in userspace.
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
 * @tiers: those there are
 * @first: the preferred one, which has had its turn; TW_TIER_NONE: none is
 * @tier: the one that was tried, -1: none yet
 *
 * Behind the preferred one all others follow by their numbers.
 *
 * Return: enum tw_tier, TW_NR_TIERS: there is no other.
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
 * @tiers: those there are
 * @first: the preferred one; TW_TIER_NONE: none is
 *
 * Return: @first, if it is there, else that of the lowest number; TW_NR_TIERS:
 * there are none.
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
 * @from_store: they are in a store
 * @to: out: room for TW_NR_TIERS, best first
 *
 * What is in a store stays in stores, what is in memory in memory, as far as
 * there is room. Memory is first the CPU tier: all tasks are near to it.
 *
 * Return: how many there are.
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
