/* SPDX-License-Identifier: GPL-2.0 */
/* tw bench: how quick this machine's own tiers are. */
#ifndef _TW_BENCH_H
#define _TW_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "tw.h"

/* Pages that are dealt with one by one, for the latency. */
#define BENCH_SINGLES	64
/* Pages moved in one call. */
#define BENCH_BATCH	256
#define BENCH_MIN_PAGES	(2 * BENCH_SINGLES)
#define BENCH_MAX_TIMES	4096

/**
 * struct bench_result - how long something took
 * @done: it was measured
 * @why: why not, or NULL
 * @times: of single pages, in ns; sorted when it is done
 * @nr_times: how many
 * @bytes: dealt with many at a time
 * @ns: that these took
 */
struct bench_result {
	bool done;
	const char *why;
	__u32 times[BENCH_MAX_TIMES];
	size_t nr_times;
	__u64 bytes;
	__u64 ns;
};

/**
 * struct bench - what is measured, and the means
 * @tw: the device
 * @page_size: bytes
 * @pages: of the region, at most
 * @time_ns: for each measurement
 * @wanted: a bit for each tier
 * @home: the memory tier that pages come to when touched
 */
struct bench {
	struct tw *tw;
	__u32 page_size;
	__u64 pages;
	__u64 time_ns;
	__u32 wanted;
	int home;
};

/* bench_run.c; 0 or -errno, and @result says why it could not be measured. */

/* Moving pages from a tier to another. */
int bench_move(struct bench *b, int from, int to, struct bench_result *result);
/* Touching pages that are in a tier. */
int bench_touch(struct bench *b, int tier, struct bench_result *result);
/* The @permille-th of @nr sorted times. */
__u64 bench_quantile(const __u32 *times, size_t nr, unsigned int permille);
/* Bytes a second. */
__u64 bench_bandwidth(const struct bench_result *result);

#endif /* _TW_BENCH_H */
