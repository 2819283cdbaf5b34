/* SPDX-License-Identifier: GPL-2.0 */
/*
 * demo.h - what the parts of the demo share: messages, the stop flag, progress
 */
#ifndef _DEMO_H
#define _DEMO_H

#include <stdbool.h>
#include <stdint.h>

#define MIB	(1024.0 * 1024.0)

/* Set by a signal; every long loop looks at it. */
extern bool demo_stop;

static inline bool demo_stopped(void)
{
	return __atomic_load_n(&demo_stop, __ATOMIC_RELAXED);
}

/**
 * struct progress - how far the job is, for the consumer
 * @phase: what is being done
 * @done: of @total
 * @total: 0 when nothing can be counted
 *
 * The job writes, the consumer reads, both with relaxed atomics.
 */
struct progress {
	const char *phase;
	uint64_t done;
	uint64_t total;
};

extern struct progress demo_progress;

static inline void progress_start(const char *phase, uint64_t total)
{
	__atomic_store_n(&demo_progress.done, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&demo_progress.total, total, __ATOMIC_RELAXED);
	__atomic_store_n(&demo_progress.phase, phase, __ATOMIC_RELEASE);
}

static inline void progress_add(uint64_t n)
{
	__atomic_fetch_add(&demo_progress.done, n, __ATOMIC_RELAXED);
}

/* Seconds of CLOCK_MONOTONIC. */
double demo_now(void);

/* Errors go to stderr and end with what to do next. */
void demo_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
