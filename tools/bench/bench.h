/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tw-bench: what the files share.
 *
 * The program only measures. It prints one line a value when all is done:
 * name, unit, median, minimum, maximum, rounds. What is compared with what, and
 * which goals there are, is known to tools/bench/run.
 */
#ifndef _BENCH_H
#define _BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tw.h"

#define ROUNDS		9
#define MAX_ROUNDS	(ROUNDS + 1)	/* the first one warms up */
#define WINDOW		16		/* pages that faults bring along at most */

extern size_t page_size;

/* -- measure.c --------------------------------------------------------------- */

/**
 * struct watch - a stopwatch
 * @start: when it was started
 * @idle: idle time of the machine until then, with watch_start_busy()
 * @elapsed: ns between start and stop, without what stopping costs
 * @busy: @elapsed without the machine's idle time
 */
struct watch {
	uint64_t start;
	uint64_t idle;
	uint64_t elapsed;
	uint64_t busy;
};

uint64_t now_ns(void);
void watch_init(void);
void watch_start(struct watch *w);
void watch_stop(struct watch *w);
/* Also look at the machine's idle time: for what sleeps. */
void watch_start_busy(struct watch *w);
void watch_stop_busy(struct watch *w);

/**
 * struct samples - the rounds of a measurement
 * @v: a value a round
 * @nr: rounds
 */
struct samples {
	double v[MAX_ROUNDS];
	unsigned int nr;
};

void sample(struct samples *s, uint64_t value, unsigned int per);
double median(const struct samples *s);
/* Instructions where they are counted, else nanoseconds. */
void report(const char *name, const struct samples *s);
void report_ns(const char *name, const struct samples *s);
void report_skipped(const char *name, const char *why);
void report_print(void);

#define __noreturn	__attribute__((noreturn))

void __noreturn die(const char *what, int err);

/* -- area.c -------------------------------------------------------------- */

/* The last one is a region with folios of 2 MiB. */
enum area_kind { AREA_ANON, AREA_SHMEM, AREA_REGION, AREA_HUGE };

/**
 * struct area - memory to be touched
 * @kind: of what
 * @addr: where it is mapped
 * @pages: how many
 * @region: of an AREA_REGION and an AREA_HUGE
 * @fd: of an AREA_SHMEM
 */
struct area {
	enum area_kind kind;
	char *addr;
	unsigned int pages;
	struct tw_region *region;
	int fd;
};

void area_open(struct area *a, struct tw *tw, enum area_kind kind,
	       unsigned int pages);
void area_close(struct area *a);
/* Its pages stay in memory, if they are shared. */
void area_unmap_pages(struct area *a);
void area_write(struct area *a);
void area_read(struct area *a);

extern const char * const area_names[];

/*
 * Orders of touching; they belong to area.c until the next one is made.
 * Random ones are always the same.
 */
const uint32_t *order_seq(unsigned int pages);
const uint32_t *order_random(unsigned int pages);
/* As many readers as that, each of its part in order, a page of each in turn. */
const uint32_t *order_turns(unsigned int pages, unsigned int readers);
/* The first page of each aligned window of WINDOW, the windows at random. */
const uint32_t *order_sparse(unsigned int pages);
/* A random page of each. */
const uint32_t *order_windows(unsigned int pages);

/* Loads that the compiler must make. */
static inline void touch(const char *addr)
{
	(void)__atomic_load_n(addr, __ATOMIC_RELAXED);
}

void touch_read(const char *addr, const uint32_t *order, unsigned int nr);
void touch_write(char *addr, const uint32_t *order, unsigned int nr);

/* Be in this cgroup from now on; false: no cgroups here. */
bool cgroup_enter(const char *name);
/* Write to a file of the cgroup; 0 or -errno. */
int cgroup_write(const char *name, const char *file, const char *text);

/* -- the measurements ------------------------------------------------------ */

void bench_touch(struct tw *tw, const char *suffix);
void bench_uffd(void);
void bench_huge(struct tw *tw);
void bench_scan(struct tw *tw);
void bench_scale(struct tw *tw);
void bench_move(struct tw *tw);
void bench_stream(struct tw *tw);
void bench_stats(struct tw *tw);
void bench_tracking(struct tw *tw);
void bench_flat(struct tw *tw);
void bench_disk(struct tw *tw, const char *dev, const char *names);

#endif
