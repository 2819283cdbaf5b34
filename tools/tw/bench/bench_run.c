// SPDX-License-Identifier: GPL-2.0
/*
 * tw bench: the measuring.
 *
 * A region of its own for each measurement: its pages are written, so that a
 * store has to write them again, and brought to where they are to come from.
 * Some are then dealt with one by one, which gives the latency, the others many
 * at a time, which gives the bandwidth; again and again until the time is over.
 * No more than half of what a tier has free is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/stop.h"
#include "bench/bench.h"

/* Preparing may take this many times as long as measuring. */
#define PREPARE		4

/**
 * struct round - a region whose pages are where a measurement begins
 * @region: the region
 * @data: its bytes
 * @order: pages in a random order
 * @pages: how many it has
 * @placed: of them, in their place
 */
struct round {
	struct tw_region *region;
	volatile char *data;
	__u32 *order;
	__u64 pages;
	__u64 placed;
};

__u64 bench_quantile(const __u32 *times, size_t nr, unsigned int permille)
{
	return nr ? times[(nr - 1) * permille / 1000] : 0;
}

__u64 bench_bandwidth(const struct bench_result *result)
{
	return result->ns ? (double)result->bytes * NS_PER_SEC / result->ns : 0;
}

static void note_time(struct bench_result *r, __u64 ns)
{
	if (r->nr_times < BENCH_MAX_TIMES)
		r->times[r->nr_times++] = ns < ~0U ? ns : ~0U;
}

/* Half of what is free. */
static __u64 room_in(struct bench *b, int tier)
{
	struct tw_tier_info info;

	if (tw_tier_info(b->tw, tier, &info) || info.kind == TW_KIND_NONE ||
	    info.used >= info.capacity)
		return 0;
	return (info.capacity - info.used) / 2;
}

/* Fisher and Yates; the same each time. */
static void shuffle(__u32 *order, __u64 nr)
{
	unsigned int seed = 1;
	__u64 i, j;
	__u32 t;

	for (i = 0; i < nr; i++)
		order[i] = i;
	for (i = nr - 1; i > 0; i--) {
		j = rand_r(&seed) % (i + 1);
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
}

static void end_round(struct round *r)
{
	tw_region_close(r->region);
	free(r->order);
}

static int begin_round(struct bench *b, struct round *r, int from, int to,
		       struct bench_result *result)
{
	const int tiers[] = { from, to, b->home };
	size_t i;
	int err;

	memset(r, 0, sizeof(*r));
	r->pages = b->pages;
	for (i = 0; i < ARRAY_SIZE(tiers); i++)
		if (room_in(b, tiers[i]) < r->pages)
			r->pages = room_in(b, tiers[i]);
	if (r->pages < BENCH_MIN_PAGES) {
		result->why = "not enough room is free";
		return -ENOSPC;
	}
	r->order = calloc(r->pages, sizeof(*r->order));
	if (!r->order)
		return -ENOMEM;
	shuffle(r->order, r->pages);
	err = tw_region_create(b->tw, r->pages * b->page_size, b->home, 0, NULL,
			       &r->region);
	if (err) {
		result->why = err == -EDQUOT ?
			      "the user has too many regions" : "no region";
		free(r->order);
		return err;
	}
	r->data = tw_region_addr(r->region);
	return 0;
}

/* A part of the region to a tier: how many pages are there then, or -errno. */
static __s64 move(struct bench *b, struct round *r, __u64 first, __u64 nr,
		  int to)
{
	struct tw_move_sum sum;
	int err;

	err = tw_region_migrate(r->region, first * b->page_size,
				nr * b->page_size, to, TW_TIER_NONE,
				TW_REASON_MANUAL, NULL, 0, &sum);
	return err ? err : (__s64)(sum.moved + sum.already);
}

/* Writes all pages, which brings them to memory, and moves them to @tier. */
static int prepare(struct bench *b, struct round *r, int tier,
		   struct bench_result *result)
{
	__u64 deadline = now_ns() + PREPARE * b->time_ns, i, nr;
	__s64 n;

	r->placed = 0;
	for (i = 0; i < r->pages; i += nr) {
		__u64 p;

		nr = r->pages - i < BENCH_BATCH ? r->pages - i : BENCH_BATCH;
		for (p = i; p < i + nr; p++)
			r->data[p * b->page_size]++;
		n = move(b, r, i, nr, tier);
		if (n < 0)
			return n;
		if (n < (__s64)nr) {
			result->why = "the tier was full, or pages were in use";
			break;
		}
		r->placed = i + nr;
		if (stop_signal())
			return -EINTR;
		if (now_ns() > deadline)
			break;
	}
	if (r->placed >= BENCH_MIN_PAGES)
		return 0;
	if (!result->why)
		result->why = "too slow for the time given";
	return -ETIME;
}

/* -- moving ------------------------------------------------------------------------ */

static int move_singles(struct bench *b, struct round *r, int to,
			struct bench_result *result)
{
	__u64 i, start;
	__s64 n;

	for (i = 0; i < BENCH_SINGLES && !stop_signal(); i++) {
		start = now_ns();
		n = move(b, r, i, 1, to);
		if (n < 0)
			return n;
		if (n)
			note_time(result, now_ns() - start);
	}
	return 0;
}

static int move_many(struct bench *b, struct round *r, int to, __u64 deadline,
		     struct bench_result *result)
{
	__u64 i, nr, start;
	__s64 n;

	for (i = BENCH_SINGLES; i < r->placed; i += nr) {
		nr = r->placed - i < BENCH_BATCH ? r->placed - i : BENCH_BATCH;
		start = now_ns();
		n = move(b, r, i, nr, to);
		if (n < 0)
			return n;
		result->ns += now_ns() - start;
		result->bytes += n * b->page_size;
		if (stop_signal() || now_ns() > deadline)
			break;
	}
	return 0;
}

/* -- touching ---------------------------------------------------------------------- */

static int touch_singles(struct bench *b, struct round *r,
			 struct bench_result *result)
{
	__u64 i, start, seen = 0;

	for (i = 0; i < r->pages && seen < BENCH_SINGLES; i++) {
		__u32 page = r->order[i];

		if (page >= r->placed || stop_signal())
			continue;
		start = now_ns();
		(void)r->data[(__u64)page * b->page_size];
		note_time(result, now_ns() - start);
		seen++;
	}
	return 0;
}

/* Reads all bytes, in order. */
static void touch_many(struct bench *b, struct round *r, __u64 deadline,
		       struct bench_result *result)
{
	const volatile __u64 *word;
	__u64 i, start;
	size_t w;

	for (i = 0; i < r->placed; i++) {
		word = (const volatile __u64 *)(r->data + i * b->page_size);
		start = now_ns();
		for (w = 0; w < b->page_size / sizeof(*word); w++)
			(void)word[w];
		result->ns += now_ns() - start;
		result->bytes += b->page_size;
		if (stop_signal() || now_ns() > deadline)
			break;
	}
}

/* -- rounds ------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
	const __u32 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int finish(struct bench_result *result, int err)
{
	qsort(result->times, result->nr_times, sizeof(result->times[0]),
	      by_time);
	/* What was measured before something went wrong counts. */
	result->done = result->nr_times && result->bytes;
	if (result->done || err == -EINTR)
		err = 0;
	if (!result->done && !result->why)
		result->why = stop_signal() ? "interrupted" :
			      err ? strerror(-err) : "nothing could be moved";
	return err;
}

int bench_move(struct bench *b, int from, int to, struct bench_result *result)
{
	__u64 deadline;
	struct round r;
	int err;

	memset(result, 0, sizeof(*result));
	err = begin_round(b, &r, from, to, result);
	if (err)
		return finish(result, err);
	deadline = now_ns() + b->time_ns;
	do {
		err = prepare(b, &r, from, result);
		if (!err)
			err = move_singles(b, &r, to, result);
		if (!err)
			err = move_many(b, &r, to, now_ns() + b->time_ns,
					result);
	} while (!err && !stop_signal() && now_ns() < deadline);
	end_round(&r);
	return finish(result, err);
}

int bench_touch(struct bench *b, int tier, struct bench_result *result)
{
	__u64 deadline;
	struct round r;
	int err;

	memset(result, 0, sizeof(*result));
	err = begin_round(b, &r, tier, tier, result);
	if (err)
		return finish(result, err);
	deadline = now_ns() + b->time_ns;
	do {
		err = prepare(b, &r, tier, result);
		if (!err)
			err = touch_singles(b, &r, result);
		if (!err)
			err = prepare(b, &r, tier, result);
		if (!err)
			touch_many(b, &r, now_ns() + b->time_ns, result);
	} while (!err && !stop_signal() && now_ns() < deadline);
	end_round(&r);
	return finish(result, err);
}
