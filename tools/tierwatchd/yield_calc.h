/* SPDX-License-Identifier: GPL-2.0 */
/*
 * yield_calc.h - how much of a card's memory a store has, beside other programs
 *
 * Arithmetic alone; yield.c looks and acts, tests/unit/test_tierwatchd.c runs it. Sizes
 * are bytes of the card's memory.
 *
 * Others are to find so much free at each moment. What is missing the store gives back at
 * the next look. It takes memory again only when there has been more than that for some
 * time, and leaves a margin that the next look does not take away again.
 */
#ifndef _TD_YIELD_CALC_H
#define _TD_YIELD_CALC_H

#include <linux/types.h>

/* Looks in a row that find more than enough before the store grows. */
#define TD_YIELD_CALM	40

/**
 * struct td_yield_seen - what a look finds
 * @bytes: that the store has
 * @most: that it may have
 * @step: what it takes and gives back at once, which is also the least that it has
 * @free: that nobody has
 * @wanted: that others are to find free
 */
struct td_yield_seen {
	__u64 bytes;
	__u64 most;
	__u64 step;
	__u64 free;
	__u64 wanted;
};

/* Free memory from which on there is more than enough. */
static inline __u64 td_yield_plenty(const struct td_yield_seen *s)
{
	return s->wanted + s->wanted / 4 + s->step;
}

static inline __u64 td_yield_clamp(const struct td_yield_seen *s, __u64 bytes)
{
	bytes = bytes / s->step * s->step;
	if (bytes < s->step)
		bytes = s->step;
	return bytes < s->most ? bytes : s->most;
}

/*
 * What the store is to have: @s->bytes for what it has. *@calm: looks in a row so far
 * that found more than enough; the caller zeroes it at first, and when growing fails.
 */
static inline __u64 td_yield_size(const struct td_yield_seen *s, unsigned int *calm)
{
	__u64 plenty = td_yield_plenty(s), missing, size;

	if (s->free < s->wanted) {
		*calm = 0;
		missing = s->wanted - s->free;
		size = td_yield_clamp(s, s->bytes > missing ? s->bytes - missing : 0);
		return size < s->bytes ? size : s->bytes;
	}
	if (s->bytes >= s->most || s->free < plenty + s->step) {
		*calm = 0;
		return s->bytes;
	}
	if (++*calm < TD_YIELD_CALM)
		return s->bytes;
	*calm = 0;
	if (s->most - s->bytes <= s->free - plenty)
		return s->most;
	size = td_yield_clamp(s, s->bytes + (s->free - plenty));
	return size > s->bytes ? size : s->bytes;
}

#endif
