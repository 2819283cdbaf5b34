// SPDX-License-Identifier: GPL-2.0
/*
 * dist.c - the patterns of access: the pages they draw, the true probability
 * of each, and the best that a fast memory of a given size could serve
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dist.h"

#define MAX_SKEW	10.0
#define MAX_PAGES	(1ULL << 40)
#define DEFAULT_SKEW	0.99
#define DEFAULT_HOT	0.1
#define DEFAULT_SHARE	0.9

static const char * const names[] = {
	[DIST_ZIPF]	= "zipf",
	[DIST_PHASES]	= "phases",
	[DIST_SCAN]	= "scan",
	[DIST_GUPS]	= "gups",
	[DIST_UNIFORM]	= "uniform",
};

#define NR_PATTERNS	((int)(sizeof(names) / sizeof(names[0])))

const char *dist_name(int pattern)
{
	return pattern >= 0 && pattern < NR_PATTERNS ? names[pattern] : "?";
}

/* One ":NUMBER" at *@text, within a range; *@text moves on. */
static int parse_number(const char **text, double low, double high,
			double *number)
{
	char *end;

	if (**text != ':')
		return 0;
	*number = strtod(*text + 1, &end);
	if (end == *text + 1 || !(*number >= low && *number <= high))
		return -EINVAL;
	*text = end;
	return 0;
}

int dist_parse(struct dist *d, const char *text)
{
	size_t length = strcspn(text, ":");
	int pattern, ret = 0;

	for (pattern = 0; pattern < NR_PATTERNS; pattern++)
		if (strlen(names[pattern]) == length &&
		    !strncmp(text, names[pattern], length))
			break;
	if (pattern == NR_PATTERNS)
		return -EINVAL;
	text += length;
	d->pattern = pattern;
	d->skew = DEFAULT_SKEW;
	d->hot_fraction = DEFAULT_HOT;
	d->hot_share = DEFAULT_SHARE;
	if (pattern == DIST_ZIPF)
		ret = parse_number(&text, 0, MAX_SKEW, &d->skew);
	if (pattern == DIST_PHASES) {
		ret = parse_number(&text, 0, 1, &d->hot_fraction);
		if (!ret)
			ret = parse_number(&text, 0, 1, &d->hot_share);
	}
	return ret || *text ? -EINVAL : 0;
}

/*
 * Four rounds of an addition, a multiplication by an odd number (both carry
 * upwards) and an xor with the upper half (downwards): each is a bijection of
 * the numbers below a power of two.
 */
static uint64_t permute_round(const struct dist_permutation *p, uint64_t x)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		x = (x + p->add[i]) * p->multiply[i] & p->mask;
		x ^= x >> p->shift;
	}
	return x;
}

void dist_permute_init(struct dist_permutation *p, uint64_t pages,
		       uint64_t seed)
{
	unsigned int bits = 0, i;

	while (bits < 63 && 1ULL << bits < pages)
		bits++;
	p->pages = pages;
	p->mask = (1ULL << bits) - 1;
	p->shift = (bits + 1) / 2;
	if (!p->shift)
		p->shift = 1;
	for (i = 0; i < 4; i++) {
		p->add[i] = rng_hash(seed, 2 * i);
		p->multiply[i] = rng_hash(seed, 2 * i + 1) | 1;
	}
}

/*
 * The power of two is less than twice the pages; who lands beyond them goes
 * round again. That ends, as it started from within, and is a bijection.
 */
uint64_t dist_permute(const struct dist_permutation *p, uint64_t rank)
{
	do {
		rank = permute_round(p, rank);
	} while (rank >= p->pages);
	return rank;
}

static double zipf_weight(const struct dist *d, uint64_t rank)
{
	return pow(rank + 1, -d->skew);
}

static double zipf_sum(const struct dist *d, uint64_t k)
{
	double sum = 0;

	/* The small ones first: less is lost in rounding. */
	while (k--)
		sum += zipf_weight(d, k);
	return sum;
}

static void hot_init(struct dist *d)
{
	d->hot = d->hot_fraction * d->pages + 0.5;
	if (!d->hot)
		d->hot = 1;
}

int dist_init(struct dist *d)
{
	if (!d->pages || d->pages > MAX_PAGES)
		return -EINVAL;
	if (d->pattern == DIST_ZIPF) {
		dist_zipf_init(&d->zipf, d->pages, d->skew);
		d->total = zipf_sum(d, d->pages);
	}
	if (d->pattern == DIST_PHASES)
		hot_init(d);
	dist_phase(d, 0);
	return 0;
}

/* The next hot run begins where the last one ended. */
void dist_phase(struct dist *d, uint64_t phase)
{
	if (d->pattern == DIST_ZIPF)
		dist_permute_init(&d->permutation, d->pages,
				  rng_hash(d->seed, phase));
	if (d->pattern == DIST_PHASES)
		d->start = (rng_hash(d->seed, 0) % d->pages +
			    phase % d->pages * d->hot) % d->pages;
}

uint64_t dist_page(const struct dist *d, uint64_t rank)
{
	if (d->pattern == DIST_ZIPF)
		return dist_permute(&d->permutation, rank);
	if (d->pattern == DIST_PHASES) {
		rank += d->start;
		return rank < d->pages ? rank : rank - d->pages;
	}
	return rank;
}

/* When all pages are hot, all accesses are theirs. */
static double hot_share(const struct dist *d)
{
	return d->hot == d->pages ? 1 : d->hot_share;
}

static uint64_t phases_rank(const struct dist *d, struct rng *rng)
{
	if (rng_unit(rng) < hot_share(d))
		return rng_below(rng, d->hot);
	return d->hot + rng_below(rng, d->pages - d->hot);
}

uint64_t dist_next(const struct dist *d, struct rng *rng, uint64_t *place)
{
	switch (d->pattern) {
	case DIST_ZIPF:
		return dist_page(d, dist_zipf_draw(&d->zipf, rng));
	case DIST_PHASES:
		return dist_page(d, phases_rank(d, rng));
	case DIST_SCAN:
		if (*place >= d->pages)
			*place = 0;
		return (*place)++;
	default:
		return rng_below(rng, d->pages);
	}
}

double dist_probability(const struct dist *d, uint64_t rank)
{
	if (d->pattern == DIST_ZIPF)
		return zipf_weight(d, rank) / d->total;
	if (d->pattern != DIST_PHASES)
		return 1.0 / d->pages;
	if (rank < d->hot)
		return hot_share(d) / d->hot;
	return (1 - hot_share(d)) / (d->pages - d->hot);
}

void dist_probabilities(const struct dist *d, double *by_page)
{
	uint64_t rank;

	for (rank = 0; rank < d->pages; rank++)
		by_page[dist_page(d, rank)] = dist_probability(d, rank);
}

/* The hot set may be the colder one: who asks for that gets it. */
static double phases_best(const struct dist *d, uint64_t k)
{
	double hot = dist_probability(d, 0);
	double cold = d->hot < d->pages ? dist_probability(d, d->hot) : 0;
	uint64_t first = hot >= cold ? d->hot : d->pages - d->hot;

	if (k <= first)
		return k * fmax(hot, cold);
	return first * fmax(hot, cold) + (k - first) * fmin(hot, cold);
}

double dist_best(const struct dist *d, uint64_t k)
{
	if (k >= d->pages)
		return 1;
	if (d->pattern == DIST_ZIPF)
		return zipf_sum(d, k) / d->total;
	if (d->pattern == DIST_PHASES)
		return phases_best(d, k);
	return (double)k / d->pages;
}
