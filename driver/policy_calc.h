/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy_calc.h - the arithmetic of heat, cuts, periods and rates
 *
 * Heat by scans: a scan takes an eighth off, rounded up, and adds
 * TW_HEAT_YOUNG when the page was touched since the one before. Its half-life is
 * five scans. A page touched in each scan comes to 153, one touched in three of
 * four stays above the documented 100; one not touched for 18 scans has fallen
 * from there below the documented 10, one touched once is below it after six.
 *
 * No kernel calls: the unit tests run it on the host.
 */
#ifndef _TW_POLICY_CALC_H
#define _TW_POLICY_CALC_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64;
#endif

#define TW_HEAT_YOUNG		20
#define TW_HEAT_DECAY		8

/* The heat after a scan. */
static inline unsigned int tw_heat_scanned(unsigned int heat, bool young)
{
	heat -= (heat + TW_HEAT_DECAY - 1) / TW_HEAT_DECAY;
	if (young)
		heat += TW_HEAT_YOUNG;
	return heat < 65535 ? heat : 65535;
}

/* Buckets of four; the last has all that is hotter. */
#define TW_HEAT_BUCKETS		64
#define TW_HEAT_BUCKET		4

static inline unsigned int tw_heat_bucket(unsigned int heat)
{
	heat /= TW_HEAT_BUCKET;
	return heat < TW_HEAT_BUCKETS ? heat : TW_HEAT_BUCKETS - 1;
}

/*
 * The lowest heat such that pages at least that hot fit @room. @pages: how many
 * there are by bucket. 0: all fit.
 */
static inline unsigned int tw_heat_fit(const u64 *pages, u64 room)
{
	unsigned int b = TW_HEAT_BUCKETS;
	u64 sum = 0;

	while (b && sum + pages[b - 1] <= room)
		sum += pages[--b];
	return b * TW_HEAT_BUCKET;
}

/* The lowest heat such that pages below it are at least @want, if there are. */
static inline unsigned int tw_heat_coldest(const u64 *pages, u64 want)
{
	unsigned int b = 0;
	u64 sum = 0;

	while (b < TW_HEAT_BUCKETS && sum < want)
		sum += pages[b++];
	return b * TW_HEAT_BUCKET;
}

/* A page must have been untouched for so many scans to sink. */
#define TW_SINK_AGE		16

/* The age from which on @want pages are, or a few more; 256: none. */
static inline unsigned int tw_age_oldest(const u64 *pages, u64 want)
{
	unsigned int age = 256;
	u64 sum = 0;

	while (age > TW_SINK_AGE && sum < want)
		sum += pages[--age];
	return age;
}

/*
 * The next pause between scans: shorter when much is going on (@changed of @seen
 * pages were wanted elsewhere, or went to a store) or when so many were touched
 * (@young) that this tells little, else slowly longer.
 */
static inline unsigned int tw_scan_period(unsigned int ms, u64 changed,
					  u64 young, u64 seen,
					  unsigned int min, unsigned int max)
{
	if (changed * 50 > seen || young * 2 > seen)
		ms /= 2;
	else if (changed * 200 < seen)
		ms += ms / 4 + 1;
	if (ms < min)
		ms = min;
	return ms > max ? max : ms;
}

/**
 * struct tw_bucket - a rate limit
 * @tokens: pages that may move now
 * @last: when they were counted, ns
 */
struct tw_bucket {
	u64 tokens;
	u64 last;
};

/* How many of @want may move at @now, at @rate a second (0: all), burst a second. */
static inline u64 tw_bucket_take(struct tw_bucket *b, u64 want, u64 rate, u64 now)
{
	u64 ns = now - b->last;

	if (!rate)
		return want;
	if (!b->last || ns > 1000000000)
		ns = 1000000000;
	b->tokens += ns * rate / 1000000000;
	/* What the division lost is not forgotten: no tokens, no new start. */
	if (ns * rate >= 1000000000)
		b->last = now;
	if (b->tokens > rate)
		b->tokens = rate;
	if (want > b->tokens)
		want = b->tokens;
	b->tokens -= want;
	return want;
}

#endif
