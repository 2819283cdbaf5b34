/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue_calc.h - which request comes next: lane, priority and ageing
 *
 * Pure arithmetic: no kernel calls and no locks, so that the unit tests run it
 * on the host.
 *
 * A lane for each store, and one for memory: a request waits for the slowest store
 * that it names or that its page is in, and not for slower ones that others name.
 *
 * Among a user's requests in a lane, a request's rank is its priority plus one for
 * each TW_QUEUE_STEP_NS that it has waited. The highest rank is next, and among
 * equal ones the oldest. All ranks rise alike, so the order of two requests never
 * changes while they wait. It is kept in a tree, by the time at which a request's
 * rank is (or was) zero:
 *
 *	key = time of its call - priority * TW_QUEUE_STEP_NS
 *
 * The smallest key is next. No request starves: one of priority 0 is overtaken only
 * by requests that its user makes within TW_PRIORITY_MAX steps after it.
 */
#ifndef _TW_QUEUE_CALC_H
#define _TW_QUEUE_CALC_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#endif
#include <linux/tierwatch.h>

/* Waiting this long raises the rank by one, so 5 s make up for a priority of 100. */
#define TW_QUEUE_STEP_NS	50000000LL

/* The lane of memory, and one for each tier, which may be a store. */
#define TW_QUEUE_LANES		(1 + TW_NR_TIERS)

/**
 * tw_queue_lane - which lane a request waits in
 * @stores: a bit for each tier that is a store; the slower, the higher
 * @from: tier that it is to leave, or TW_TIER_NONE
 * @to: tier where it is to go
 * @in: tier where its page is, or TW_TIER_NONE
 *
 * Return: 0 for memory, up to TW_QUEUE_LANES - 1 for the slowest store.
 */
static inline unsigned int tw_queue_lane(unsigned int stores, unsigned int from,
					 unsigned int to, unsigned int in)
{
	unsigned int lane = TW_NR_TIERS;

	while (lane > 0) {
		unsigned int tier = lane - 1;

		if ((stores >> tier & 1) &&
		    (tier == from || tier == to || tier == in))
			break;
		lane--;
	}
	return lane;
}

/**
 * tw_queue_key - the key by which requests are ordered
 * @asked_ns: time of its call, CLOCK_MONOTONIC
 * @priority: 0..TW_PRIORITY_MAX
 *
 * Return: the key; the smallest is next. It is negative soon after boot.
 */
static inline __s64 tw_queue_key(__u64 asked_ns, unsigned int priority)
{
	return (__s64)asked_ns - (__s64)priority * TW_QUEUE_STEP_NS;
}

/**
 * tw_queue_before - whether one request is carried out before another
 * @key: tw_queue_key() of the first request
 * @id: id of the first request; ids rise in the order of the calls
 * @other_key: key of the other request
 * @other_id: id of the other request
 *
 * Return: true if the first one is.
 */
static inline bool tw_queue_before(__s64 key, __u64 id, __s64 other_key,
				   __u64 other_id)
{
	return key != other_key ? key < other_key : id < other_id;
}

#endif
