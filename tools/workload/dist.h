/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dist.h - which page comes next, how probable that was, and what the best
 * placement could be
 *
 * Pages are drawn by rank; rank 0 is the most probable one (of `phases`, the
 * first of the hot set). A phase decides which page has which rank, not how
 * probable a rank is. Nothing here depends on the machine or keeps state
 * between draws, but for scan's place, which is the caller's.
 */
#ifndef _DIST_H
#define _DIST_H

#include <stdint.h>

#include "rng.h"

/**
 * enum dist_pattern - how pages are accessed
 * @DIST_ZIPF: rank k with a probability of 1 / (k + 1)^skew, ranks scattered
 * @DIST_PHASES: a hot run of pages gets most accesses, the others the rest
 * @DIST_SCAN: one after the other, round and round
 * @DIST_GUPS: any page, read, changed and written
 * @DIST_UNIFORM: any page
 */
enum dist_pattern {
	DIST_ZIPF,
	DIST_PHASES,
	DIST_SCAN,
	DIST_GUPS,
	DIST_UNIFORM,
};

/* A bijection of 0 .. pages - 1 without a table. */
struct dist_permutation {
	uint64_t pages;
	uint64_t mask;
	unsigned int shift;
	uint64_t add[4];
	uint64_t multiply[4];
};

/* What drawing a rank takes; see dist_zipf_draw(). */
struct dist_zipf {
	double pages;
	double skew;
	double first;
	double last;
	double squeeze;
};

/**
 * struct dist - a distribution of accesses over pages
 * @pattern: enum dist_pattern
 * @pages: how many there are
 * @seed: of all that is random in it
 * @skew: of zipf
 * @hot_fraction: of phases: the share of pages that is hot
 * @hot_share: of phases: the share of accesses that goes there
 * @hot: pages that are hot
 * @start: the first of them in this phase
 * @total: of zipf: the sum of all weights
 * @zipf: for drawing
 * @permutation: of zipf: which page has which rank in this phase
 *
 * The caller sets the first six, then dist_init(), then dist_phase().
 */
struct dist {
	int pattern;
	uint64_t pages;
	uint64_t seed;
	double skew;
	double hot_fraction;
	double hot_share;
	uint64_t hot;
	uint64_t start;
	double total;
	struct dist_zipf zipf;
	struct dist_permutation permutation;
};

/* "zipf:0.8", "phases:0.1:0.9", "scan" ...; 0 or -EINVAL. */
int dist_parse(struct dist *d, const char *text);
const char *dist_name(int pattern);

/* 0, or -EINVAL when there are no pages or too many. */
int dist_init(struct dist *d);
void dist_phase(struct dist *d, uint64_t phase);

/* The next page; @place is where a scan is, 0 to begin. */
uint64_t dist_next(const struct dist *d, struct rng *rng, uint64_t *place);

/* The page that has a rank, and the rank's true probability. */
uint64_t dist_page(const struct dist *d, uint64_t rank);
double dist_probability(const struct dist *d, uint64_t rank);

/* The true probability of each page in this phase. */
void dist_probabilities(const struct dist *d, double *by_page);

/* The oracle: the largest share of accesses that any @k pages can get. */
double dist_best(const struct dist *d, uint64_t k);

void dist_permute_init(struct dist_permutation *p, uint64_t pages,
		       uint64_t seed);
uint64_t dist_permute(const struct dist_permutation *p, uint64_t rank);

void dist_zipf_init(struct dist_zipf *z, uint64_t pages, double skew);
uint64_t dist_zipf_draw(const struct dist_zipf *z, struct rng *rng);

#endif
