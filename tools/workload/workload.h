/* SPDX-License-Identifier: GPL-2.0 */
/*
 * workload.h - what the rooms of the generator share
 *
 * Page p of the footprint is page p / areas of area p % areas, so that each
 * agent's area gets the same share of every distribution. With one area they
 * are the same.
 */
#ifndef _WORKLOAD_H
#define _WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tw.h"
#include "content.h"
#include "dist.h"
#include "place.h"

#define EXIT_WRONG	1	/* a page did not hold what it must */
#define EXIT_USAGE	2
#define EXIT_SYSTEM	3	/* something could not be had */

enum memory_kind {
	MEMORY_REGION,
	MEMORY_ANON,
	MEMORY_SHMEM,
};

/* What --self-test-corrupt breaks. */
enum corruption {
	CORRUPT_NOTHING,
	CORRUPT_BYTES,		/* a byte of every word of one page */
	CORRUPT_WRITE,		/* one write is undone */
};

/**
 * struct options - what was asked for
 * @memory: enum memory_kind
 * @footprint: bytes; main() makes it whole pages and areas
 * @threads: that access it
 * @agents: regions with an agent each; 0: one, of the default agent
 * @agent_id: the first agent's label
 * @operations: of a phase; 0: @seconds counts
 * @seconds: of a phase
 * @interval: seconds between reports
 * @phases: how many
 * @write_percent: of the accesses
 * @think_ns: pause of a thread after each access
 * @seed: of all that is random
 * @fast_pages: that the oracle has; NO_PAGES: the CPU tier's
 * @corrupt: enum corruption
 * @pin: each thread to a CPU
 * @verify: check and count all at the end
 * @json: one object a line
 */
struct options {
	int memory;
	uint64_t footprint;
	unsigned int threads;
	unsigned int agents;
	uint64_t agent_id;
	uint64_t operations;
	double seconds;
	double interval;
	unsigned int phases;
	unsigned int write_percent;
	uint64_t think_ns;
	uint64_t seed;
	uint64_t fast_pages;
	int corrupt;
	bool pin;
	bool verify;
	bool json;
};

#define NO_PAGES	UINT64_MAX

struct area {
	unsigned char *base;
	struct tw_region *region;
	struct tw_agent *agent;
};

/* What the threads did in a phase, and for how long. */
struct work {
	double seconds;
	uint64_t operations;
	uint64_t writes;
	uint64_t major_faults;
	uint64_t minor_faults;
};

/**
 * struct workload - a run
 * @options: see there
 * @dist: the accesses
 * @tw: the device, NULL without regions
 * @areas: the memory, @nr_areas of them
 * @nr_areas: how many
 * @pages: of all areas
 * @fast_pages: that the oracle has
 * @best: share of accesses that these can serve at best
 * @probability: of each page in this phase
 * @written: with --verify: writes to each page, else NULL
 * @nodes: the machine's memory
 * @begun: phases
 * @total: of all phases
 * @stop: the threads must end
 * @wrong: a page was found wrong
 * @interrupted: a signal ended it
 */
struct workload {
	struct options options;
	struct dist dist;
	struct tw *tw;
	struct area *areas;
	unsigned int nr_areas;
	uint64_t pages;
	uint64_t fast_pages;
	double best;
	double *probability;
	uint32_t *written;
	struct nodes nodes;
	unsigned int begun;
	struct work total;
	bool stop;
	bool wrong;
	bool interrupted;
};

static inline uint64_t *workload_page(const struct workload *w, uint64_t page)
{
	const struct area *area = &w->areas[page % w->nr_areas];

	return (uint64_t *)(area->base + page / w->nr_areas * PAGE_BYTES);
}

/* common.c */

/* To stderr, with the program's name. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* From now on SIGINT and SIGTERM can be read from an fd, which it returns; or -1. */
int interrupt_init(void);
/* Has such a signal come? */
bool interrupted(struct workload *w);

/* memory.c: 0 or -errno, said why. */
int memory_get(struct workload *w);
void memory_put(struct workload *w);
void memory_fill(struct workload *w);
void memory_corrupt(struct workload *w);
/* Every word and every write; what is wrong is said. */
void memory_verify(struct workload *w);
/* The first one is told of, and ends the run. */
void memory_wrong(struct workload *w, uint64_t page, unsigned int word,
		  uint64_t value);

/* place.c: 0 or -errno, said why. */
int place_init(struct workload *w);
int place_read(struct workload *w, struct tally *tally);

/* run.c */
int run_init(struct workload *w);
int run_phases(struct workload *w);

/* report.c */
void report_start(const struct workload *w);
void report_tally(const struct workload *w, const char *event,
		  unsigned int phase, const struct work *work,
		  const struct tally *tally);
void report_end(const struct workload *w);

#endif
