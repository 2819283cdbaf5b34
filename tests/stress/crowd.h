/* SPDX-License-Identifier: GPL-2.0 */
/*
 * crowd.h - what the parts of the crowd share
 */
#ifndef _CROWD_H
#define _CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "tw.h"

#define PAGE		4096UL
#define NR_AGENTS	4
#define NR_THREADS	6
#define NR_PAGES	3000UL		/* of each region */

/* The agents follow these; only the main process changes them. */
enum phase {
	RUN,
	STOP,
	MEASURE,
	END,
};

/**
 * struct person - an agent, in shared memory
 * @number: which
 * @reached: the phase that it has been through
 * @busy: its threads that have not yet done what they must
 * @tracked: external pages
 * @reports: that succeeded
 * @requests: that were queued
 * @calls: ioctls, of all its threads
 * @moved: pages that its movers moved
 * @events: that it has read
 * @stats: of its agent, taken when all stood still
 * @info: of its region, the same
 */
struct person {
	unsigned int number;
	int reached;
	int busy;
	uint64_t tracked;
	uint64_t reports;
	uint64_t requests;
	uint64_t calls;
	uint64_t moved;
	uint64_t events;
	struct tw_agent_stats stats;
	struct tw_region_info info;
};

/**
 * struct crowd - shared by all
 * @phase: enum phase
 * @complaints: how many
 * @person: the agents
 */
struct crowd {
	int phase;
	uint32_t complaints;
	struct person person[NR_AGENTS];
};

/* What an agent's threads share; not seen by other processes. */
struct me {
	struct person *p;
	struct tw *tw;
	struct tw_agent *agent;
	struct tw_region *region;
	unsigned char *base;
	uint32_t version[NR_PAGES];
};

static inline uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint64_t draw(uint64_t *state, uint64_t below)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return mix(*state) % below;
}

/* -- crowd.c --------------------------------------------------------------- */

void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool in_phase(enum phase phase);
/* Complain unless @ret is success, 0 or more. */
void must(const struct me *me, const char *what, int ret);
/* A thread has done what it must; it goes on until all have. */
void done_enough(const struct me *me);

/* -- crowd_pages.c: those who know what is in the pages --------------------- */

void write_all(struct me *me);
void check_all(struct me *me);
/* Threads. */
void *write_pages(void *data);
void *send_pages(void *data);
void *ring_pages(void *data);

#endif
