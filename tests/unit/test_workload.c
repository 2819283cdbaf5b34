// SPDX-License-Identifier: GPL-2.0
/*
 * test_workload.c - the workload generator's distributions, its oracle, its
 * score and the content of its pages
 *
 * All seeds are fixed: what passes once passes always. Each check of chance is
 * shown a wrong distribution, too, which it must notice.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../tools/workload/content.h"
#include "../../tools/workload/dist.h"
#include "../../tools/workload/place.h"

#define DRAWS		1000000UL
#define MIN_EXPECTED	20.0	/* of a class of pages, for chi-square */

static const char * const patterns[] = {
	"zipf", "zipf:0", "zipf:0.5", "zipf:1", "zipf:1.5", "zipf:4",
	"phases", "phases:0.25:0.5", "phases:0.5:0.1", "phases:1:0.3",
	"phases:0:1", "phases:0.01:1", "scan", "gups", "uniform",
};

#define NR_PATTERNS	(sizeof(patterns) / sizeof(patterns[0]))

static struct dist make(const char *pattern, uint64_t pages, uint64_t seed)
{
	struct dist d = { .pages = pages, .seed = seed };

	assert_int_equal(dist_parse(&d, pattern), 0);
	assert_int_equal(dist_init(&d), 0);
	return d;
}

static void *zeroed(uint64_t nr, size_t size)
{
	void *memory = calloc(nr, size);

	assert_non_null(memory);
	return memory;
}

static bool is_bijection(const struct dist_permutation *p, uint64_t pages)
{
	unsigned char *seen = zeroed(pages, 1);
	bool good = true;
	uint64_t i, page;

	for (i = 0; i < pages && good; i++) {
		page = dist_permute(p, i);
		good = page < pages && !seen[page];
		if (good)
			seen[page] = 1;
	}
	free(seen);
	return good;
}

static void permutations_are_bijections(void **state)
{
	static const uint64_t large[] = { 4095, 4096, 4097, 100003, 1 << 20,
					  3000000 };
	struct dist_permutation p;
	uint64_t pages, i;

	(void)state;
	for (pages = 1; pages <= 300; pages++) {
		dist_permute_init(&p, pages, pages);
		assert_true(is_bijection(&p, pages));
	}
	for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
		dist_permute_init(&p, large[i], i);
		assert_true(is_bijection(&p, large[i]));
	}
	/* An even factor is none, and this test sees it. */
	p.multiply[1]--;
	assert_false(is_bijection(&p, p.pages));
}

/* The chi-square of the hottest percent over runs of 512 pages. */
static double unevenness(const struct dist *d, uint64_t nr)
{
	uint64_t runs = d->pages / 512, i;
	double expected = (double)nr / runs, sum = 0;
	unsigned int *hits = zeroed(runs, sizeof(*hits));

	for (i = 0; i < nr; i++)
		hits[dist_page(d, i) / 512]++;
	for (i = 0; i < runs; i++)
		sum += (hits[i] - expected) * (hits[i] - expected) / expected;
	free(hits);
	return sum;
}

static void ranks_are_scattered(void **state)
{
	struct dist d = make("zipf", 512 * 256, 1);
	struct dist flat = make("scan", 512 * 256, 1);
	uint64_t phase;

	(void)state;
	/* 256 runs: about 255, with a deviation of 23. */
	for (phase = 0; phase < 20; phase++) {
		dist_phase(&d, phase);
		assert_true(unevenness(&d, 5120) < 255 + 5 * 23);
	}
	assert_true(unevenness(&flat, 5120) > 10000);
}

static uint64_t common_hot_pages(struct dist *d, uint64_t nr, uint64_t phase)
{
	unsigned char *hot = zeroed(d->pages, 1);
	uint64_t i, common = 0;

	dist_phase(d, phase);
	for (i = 0; i < nr; i++)
		hot[dist_page(d, i)] = 1;
	dist_phase(d, phase + 1);
	for (i = 0; i < nr; i++)
		common += hot[dist_page(d, i)];
	free(hot);
	return common;
}

static void phases_move_the_hot_pages(void **state)
{
	struct dist zipf = make("zipf", 100000, 3);
	struct dist run = make("phases", 100000, 3);
	uint64_t phase;

	(void)state;
	for (phase = 0; phase < 12; phase++) {
		/* A tenth of a tenth by chance. */
		assert_in_range(common_hot_pages(&zipf, 10000, phase), 800,
				1200);
		assert_int_equal(common_hot_pages(&run, run.hot, phase), 0);
	}
	assert_int_equal(run.hot, 10000);
}

static void phases_have_a_hot_run(void **state)
{
	struct dist d = make("phases:0.1:0.9", 1000, 9);
	uint64_t phase, i;

	(void)state;
	for (phase = 0; phase < 25; phase++) {
		dist_phase(&d, phase);
		for (i = 0; i + 1 < d.pages; i++)
			assert_int_equal(dist_page(&d, i + 1),
					 (dist_page(&d, i) + 1) % d.pages);
	}
}

static void seeds_and_phases_are_repeatable(void **state)
{
	struct dist a = make("zipf", 5000, 7), b = make("zipf", 5000, 7);
	struct dist c = make("zipf", 5000, 8);
	uint64_t i, same = 0;

	(void)state;
	dist_phase(&a, 5);
	dist_phase(&b, 2);
	dist_phase(&b, 5);
	dist_phase(&c, 5);
	for (i = 0; i < 5000; i++) {
		assert_int_equal(dist_page(&a, i), dist_page(&b, i));
		same += dist_page(&a, i) == dist_page(&c, i);
	}
	assert_true(same < 20);
}

static void probabilities_sum_to_one(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 3, 10, 1000, 65537 };
	double *p = zeroed(65537, sizeof(*p)), sum;
	struct dist d;
	uint64_t i;
	size_t n, s;

	(void)state;
	for (n = 0; n < NR_PATTERNS; n++) {
		for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			d = make(patterns[n], sizes[s], n);
			dist_phase(&d, s);
			for (i = 0; i < d.pages; i++)
				p[i] = -1;
			dist_probabilities(&d, p);
			for (i = 0, sum = 0; i < d.pages; i++) {
				assert_true(p[i] >= 0);
				sum += p[i];
			}
			assert_true(fabs(sum - 1) < 1e-9);
		}
	}
	free(p);
}

static void zipf_is_by_the_book(void **state)
{
	struct dist d = make("zipf:1", 4, 1);
	uint64_t i;

	(void)state;
	/* 1 + 1/2 + 1/3 + 1/4 = 25/12 */
	for (i = 0; i < 4; i++)
		assert_true(fabs(dist_probability(&d, i) -
				 12.0 / 25 / (i + 1)) < 1e-12);
}

static unsigned int *draw(const struct dist *d, uint64_t pages)
{
	unsigned int *hits = zeroed(pages, sizeof(*hits));
	uint64_t place = 0, i, page;
	struct rng rng;

	rng_seed(&rng, 42, 0);
	for (i = 0; i < DRAWS; i++) {
		page = dist_next(d, &rng, &place);
		assert_true(page < pages);
		hits[page]++;
	}
	return hits;
}

/*
 * Chi-square of hits by rank, in its standard deviations. Neighbours in rank
 * are taken together until something can be expected of them; with @coarse
 * until the rank has doubled, too, which shows a wrong slope better.
 */
static double chi_square(const struct dist *truth, const unsigned int *hits,
			 bool coarse)
{
	double p, hit, expected = 0, found = 0, sum = 0, df = -1;
	uint64_t i;

	for (i = 0; i < truth->pages; i++) {
		p = dist_probability(truth, i);
		hit = hits[dist_page(truth, i)];
		if (!p && hit)
			return INFINITY;
		found += hit;
		expected += p * DRAWS;
		if (expected < MIN_EXPECTED || (coarse && (i & (i + 1))))
			continue;
		sum += (found - expected) * (found - expected) / expected;
		df++;
		expected = 0;
		found = 0;
	}
	return df > 0 ? (sum - df) / sqrt(2 * df) : 0;
}

/* How far what is drawn from @drawn is from what @truth says. */
static double distance(const struct dist *drawn, const struct dist *truth)
{
	unsigned int *hits = draw(drawn, truth->pages);
	double fine = chi_square(truth, hits, false);
	double coarse = chi_square(truth, hits, true);

	free(hits);
	return fmax(fine, coarse);
}

static void draws_follow_the_probabilities(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 3, 100, 5000, 2000000 };
	struct dist d;
	size_t n, s;

	(void)state;
	for (n = 0; n < NR_PATTERNS; n++) {
		for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			d = make(patterns[n], sizes[s], 11);
			/* A scan of a part of a round is no distribution. */
			if (d.pattern == DIST_SCAN && DRAWS % sizes[s])
				continue;
			dist_phase(&d, n);
			assert_true(distance(&d, &d) < 5);
		}
	}
}

static void wrong_draws_are_noticed(void **state)
{
	static const char * const pairs[][2] = {
		{ "zipf:0.99", "zipf:0.97" },	{ "zipf:0.99", "zipf:1.01" },
		{ "zipf:0.05", "uniform" },	{ "uniform", "zipf:0.05" },
		{ "phases:0.1:0.9", "phases:0.1:0.895" },
		{ "phases:0.1:0.9", "phases:0.101:0.9" },
		{ "phases:0.1:0.9", "phases:0.1:1" },
		{ "gups", "zipf:0.1" },
	};
	struct dist drawn, truth;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		drawn = make(pairs[i][0], 5000, 11);
		truth = make(pairs[i][1], 5000, 11);
		/* One seed: ranks lie alike, only their shape is wrong. */
		assert_true(distance(&drawn, &truth) > 8);
	}
}

static void other_phases_are_noticed(void **state)
{
	struct dist drawn, truth;

	(void)state;
	drawn = make("zipf", 5000, 11);
	truth = drawn;
	dist_phase(&truth, 1);
	assert_true(distance(&drawn, &truth) > 1000);
	drawn = make("phases", 5000, 11);
	truth = drawn;
	dist_phase(&truth, 1);
	assert_true(distance(&drawn, &truth) > 1000);
}

/* Off by one rank: the classic error of inverting. */
static void shifted_ranks_are_noticed(void **state)
{
	struct dist d = make("zipf", 1000, 1);
	double expected, found[3] = { 0 };
	struct rng rng;
	uint64_t i, rank;

	(void)state;
	rng_seed(&rng, 1, 1);
	for (i = 0; i < DRAWS; i++) {
		rank = dist_zipf_draw(&d.zipf, &rng);
		if (rank < 3)
			found[rank]++;
	}
	for (i = 0; i < 3; i++) {
		expected = dist_probability(&d, i) * DRAWS;
		assert_true(fabs(found[i] - expected) < 5 * sqrt(expected));
		if (i)
			assert_true(fabs(found[i - 1] - expected) >
				    50 * sqrt(expected));
	}
}

static void scans_visit_each_page_once_a_round(void **state)
{
	struct dist d = make("scan", 777, 1);
	uint64_t place = 700, i;

	(void)state;
	for (i = 0; i < 3 * 777; i++)
		assert_int_equal(dist_next(&d, NULL, &place), (700 + i) % 777);
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void best_is_the_k_most_probable(void **state)
{
	double p[60], sum, last;
	struct dist d;
	uint64_t pages, k;
	size_t n;

	(void)state;
	for (n = 0; n < NR_PATTERNS; n++) {
		for (pages = 1; pages <= 60; pages++) {
			d = make(patterns[n], pages, n);
			dist_phase(&d, pages);
			dist_probabilities(&d, p);
			qsort(p, pages, sizeof(p[0]), descending);
			for (k = 0, sum = 0, last = -1; k <= pages; k++) {
				assert_true(fabs(dist_best(&d, k) - sum) <
					    1e-12);
				assert_true(dist_best(&d, k) > last - 1e-12);
				last = dist_best(&d, k);
				sum += k < pages ? p[k] : 0;
			}
			assert_true(dist_best(&d, UINT64_MAX) == 1);
		}
	}
}

/* Of all ways to choose k of 10 pages, none is better and one is as good. */
static void no_choice_beats_the_oracle(void **state)
{
	double p[10], sum, best[11];
	unsigned int set, i, k;
	struct dist d;
	size_t n;

	(void)state;
	for (n = 0; n < NR_PATTERNS; n++) {
		d = make(patterns[n], 10, n);
		dist_probabilities(&d, p);
		for (k = 0; k <= 10; k++)
			best[k] = 0;
		for (set = 0; set < 1 << 10; set++) {
			for (i = 0, sum = 0; i < 10; i++)
				sum += set & 1 << i ? p[i] : 0;
			k = __builtin_popcount(set);
			best[k] = fmax(best[k], sum);
		}
		for (k = 0; k <= 10; k++)
			assert_true(fabs(best[k] - dist_best(&d, k)) < 1e-12);
	}
}

static void score(const struct dist *d, uint64_t fast, bool by_rank,
		  struct tally *t)
{
	double *p = zeroed(d->pages, sizeof(*p));
	struct dist_permutation any;
	uint64_t i, page;

	dist_probabilities(d, p);
	dist_permute_init(&any, d->pages, 12345);
	tally_clear(t);
	for (i = 0; i < d->pages; i++) {
		page = by_rank ? dist_page(d, i) : dist_permute(&any, i);
		tally_add(t, i < fast ? TW_TIER_CPU : TW_TIER_HDD,
			  i < fast ? 0 : -1, p[page]);
	}
	free(p);
}

static void score_of_known_placements(void **state)
{
	struct dist d = make("phases:0.1:0.9", 10000, 4);
	struct tally t;

	(void)state;
	score(&d, 2500, true, &t);
	assert_int_equal(t.pages[TW_TIER_CPU], 2500);
	assert_int_equal(t.pages[TW_TIER_HDD], 7500);
	assert_true(fabs(tally_placement(&t, dist_best(&d, 2500)) - 1) < 1e-9);
	assert_true(fabs(t.share[TW_TIER_CPU] - (0.9 + 0.1 / 6)) < 1e-9);
	assert_true(fabs(t.node_share[0] - t.share[TW_TIER_CPU]) < 1e-12);
	assert_int_equal(t.node_pages[0], 2500);
	/* Chance serves its part, and is not mistaken for skill. */
	score(&d, 2500, false, &t);
	assert_true(fabs(t.share[TW_TIER_CPU] - 0.25) < 0.03);
	assert_true(fabs(t.share[TW_TIER_CPU] + t.share[TW_TIER_HDD] - 1) <
		    1e-9);
	assert_true(tally_placement(&t, 0) < 0);
	tally_add(&t, 1000, MAX_NODES, 0.5);
	assert_int_equal(t.pages[PLACE_OTHER], 1);
}

static void words_are_of_their_page(void **state)
{
	static uint64_t a[PAGE_WORDS], b[PAGE_WORDS];
	unsigned int i;

	(void)state;
	content_fill(a, 1, 5);
	content_fill(b, 1, 6);
	for (i = 0; i < PAGE_WORDS; i++) {
		assert_true(content_right(content_key(1, 5, i), a[i]));
		assert_false(content_right(content_key(1, 5, i), b[i]));
		assert_false(content_right(content_key(2, 5, i), a[i]));
		assert_false(content_right(content_key(1, 5, i), 0));
		a[i] += 1000 * CONTENT_STEP;
		assert_int_equal(content_writes(content_key(1, 5, i), a[i]),
				 1000);
	}
}

/* Any other value of any one byte, whatever was written before. */
static void every_wrong_byte_is_noticed(void **state)
{
	uint64_t key, value, bad;
	unsigned int word, byte, by;

	(void)state;
	for (word = 0; word < PAGE_WORDS; word++) {
		key = content_key(3, 99, word);
		value = key + word * word * word * CONTENT_STEP;
		assert_true(content_right(key, value));
		for (byte = 0; byte < 8; byte++) {
			for (by = 1; by < 256; by++) {
				bad = value ^ (uint64_t)by << 8 * byte;
				assert_false(content_right(key, bad));
			}
		}
	}
}

static void patterns_are_parsed(void **state)
{
	static const char * const bad[] = {
		"", "zip", "zipfx", "zipf:", "zipf:x", "zipf:-1", "zipf:11",
		"zipf:nan", "zipf:1:1", "zipf:1x", "phases:2", "phases:0.1:",
		"phases:0.1:1.1", "phases:0.1:0.9:1", "scan:1", "gups:",
		":", "uniform ", "ZIPF",
	};
	struct dist d = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(dist_parse(&d, bad[i]) < 0);
	assert_int_equal(dist_parse(&d, "zipf"), 0);
	assert_true(d.skew == 0.99);
	assert_int_equal(dist_parse(&d, "phases:0.2"), 0);
	assert_true(d.hot_fraction == 0.2 && d.hot_share == 0.9);
	assert_string_equal(dist_name(d.pattern), "phases");
	assert_string_equal(dist_name(99), "?");
	assert_true(dist_init(&d) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permutations_are_bijections),
		cmocka_unit_test(ranks_are_scattered),
		cmocka_unit_test(phases_move_the_hot_pages),
		cmocka_unit_test(phases_have_a_hot_run),
		cmocka_unit_test(seeds_and_phases_are_repeatable),
		cmocka_unit_test(probabilities_sum_to_one),
		cmocka_unit_test(zipf_is_by_the_book),
		cmocka_unit_test(draws_follow_the_probabilities),
		cmocka_unit_test(wrong_draws_are_noticed),
		cmocka_unit_test(other_phases_are_noticed),
		cmocka_unit_test(shifted_ranks_are_noticed),
		cmocka_unit_test(scans_visit_each_page_once_a_round),
		cmocka_unit_test(best_is_the_k_most_probable),
		cmocka_unit_test(no_choice_beats_the_oracle),
		cmocka_unit_test(score_of_known_placements),
		cmocka_unit_test(words_are_of_their_page),
		cmocka_unit_test(every_wrong_byte_is_noticed),
		cmocka_unit_test(patterns_are_parsed),
	};

	return cmocka_run_group_tests_name("workload", tests, NULL, NULL);
}
