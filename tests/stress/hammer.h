/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hammer.h - what the parts of the hammer share
 *
 * One region, cut into areas. In each area somebody knows at any time what
 * every byte must be:
 *
 *   writers   pages full of words that follow from (seed, page, version); a
 *             page has one writer, which remembers its version, and any number
 *             of readers, who read it as a seqlock
 *   counters  words that several threads and a process add to; totals match
 *   direct    pages that are the source and the target of O_DIRECT I/O
 *   ring      the same for io_uring, which may keep them pinned
 *   sent      pages that are sent on a socket without being copied
 *   holes     pages that are filled, discarded and must read as zeroes
 *
 * Movers move pages of all areas among the tiers, blindly or just where
 * somebody is at work (worker.aim).
 */
#ifndef _HAMMER_H
#define _HAMMER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tw.h"

#define MAX_WORKERS	64
#define MAX_ERRORS	8
#define ERROR_ROOM	512
#define PAGE_BYTES	4096
#define PAGE_WORDS	(PAGE_BYTES / 8)
#define NO_AIM		UINT64_MAX

struct hammer;
struct worker;

typedef void (*worker_fn)(struct hammer *h, struct worker *w);

/**
 * struct worker - a thread or a process
 * @name: kind
 * @number: which of its kind
 * @of: how many of its kind
 * @process: forked, not a thread
 * @run: its work: until hammer_running() says no, then a last check
 * @random: state of its random numbers
 * @ops: what it has done
 * @seen_ops: @ops when the main thread last looked
 * @moved_on: when it last saw progress, seconds
 * @least: fewer @ops at the end are an error
 * @aim: page index it is at work on, for the movers; NO_AIM
 * @done: it has come to its end
 * @thread: for threads
 * @pid: for processes
 * @hammer: for the thread function
 */
struct worker {
	const char *name;
	unsigned int number;
	unsigned int of;
	bool process;
	worker_fn run;
	uint64_t random;
	uint64_t ops;
	uint64_t seen_ops;
	double moved_on;
	uint64_t least;
	uint64_t aim;
	bool done;
	pthread_t thread;
	pid_t pid;
	struct hammer *hammer;
};

/* Outcomes of moves. */
enum outcome {
	OUT_MOVED,
	OUT_ALREADY,
	OUT_BUSY,
	OUT_FULL,
	OUT_OTHER_TIER,
	OUT_UNTOUCHED,
	OUT_UNEXPECTED,
	OUT_NR,
};

/**
 * struct shared - seen by all processes
 * @stop: end now
 * @errors: how many; the first MAX_ERRORS have their text in @error
 * @outcome: of the movers' pages
 * @pair: pages moved, from (by row) and to, as far as movers named the former
 * @calls: calls of movers
 * @retries: how often a reader met a page that was being written
 * @fixed: runs of pages that io_uring registered
 * @fixed_refused: and that it would not
 * @sends: without copying
 * @sends_copied: of these, copied by the kernel after all
 * @sent_discarded: runs of pages that were discarded while they were sent
 * @nr_workers: of @worker
 */
struct shared {
	bool stop;
	uint32_t errors;
	char error[MAX_ERRORS][ERROR_ROOM];
	uint64_t outcome[OUT_NR];
	uint64_t pair[TW_NR_TIERS][TW_NR_TIERS];
	uint64_t calls;
	uint64_t retries;
	uint64_t fixed;
	uint64_t fixed_refused;
	uint64_t sends;
	uint64_t sends_copied;
	uint64_t sent_discarded;
	unsigned int nr_workers;
	struct worker worker[MAX_WORKERS];
};

/* How many pages a folio of 2 MiB has. */
#define HUGE_PAGES	512

/* Some pages of the region. */
struct area {
	uint64_t first;
	uint64_t nr;
};

struct options {
	double seconds;
	uint64_t seed;
	unsigned int threads;
	uint64_t pages;
	uint64_t least;
	double stuck;
	const char *odirect;
	bool rebind;
	bool automatic;
	bool machine;
	bool huge;
	bool quiet;
};

/**
 * struct hammer - everything; made before the processes are forked
 * @options: from the command line
 * @start: of the workers, seconds
 * @tw: the device
 * @region: the region
 * @base: its mapping
 * @policy: as it was before
 * @nr_pages: all of it
 * @writers: area
 * @counters: area
 * @direct: area
 * @ring: area, right behind it
 * @sent: area
 * @holes: area
 * @nr_adders: of the workers
 * @tiers: those that are bound
 * @nr_tiers: how many
 * @memory: of these, memory tiers
 * @nr_memory: how many
 * @root: pfns are shown
 * @shared: see there
 * @published: per page of @writers, in shared memory: at least this version
 *	must be seen by who looks now
 * @added: in shared memory, per adder, page and word: what it has added
 * @scratch: open for O_DIRECT, or -1; has room for @direct and @ring
 */
struct hammer {
	struct options options;
	double start;
	struct tw *tw;
	struct tw_policy policy;
	struct tw_region *region;
	unsigned char *base;
	uint64_t nr_pages;
	struct area writers;
	struct area counters;
	struct area direct;
	struct area ring;
	struct area sent;
	struct area holes;
	unsigned int nr_adders;
	int tiers[TW_NR_TIERS];
	int nr_tiers;
	int memory[2];
	int nr_memory;
	bool root;
	struct shared *shared;
	uint64_t *published;
	uint32_t *added;
	int scratch;
};

/* -- hammer.c -------------------------------------------------------------- */

/* Remember an error and end the run. */
void hammer_error(struct hammer *h, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A word of page @index is not what it must be; @page: the bytes we have. */
void hammer_mismatch(struct hammer *h, const struct worker *w,
		     const char *where, uint64_t index, unsigned int word,
		     uint64_t expected, uint64_t got, const uint64_t *page);
double hammer_now(void);
void hammer_sleep(unsigned int us);

static inline bool hammer_running(const struct hammer *h)
{
	return !__atomic_load_n(&h->shared->stop, __ATOMIC_RELAXED);
}

static inline uint64_t *hammer_page(const struct hammer *h, uint64_t index)
{
	return (uint64_t *)(h->base + index * PAGE_BYTES);
}

/* Where the page has its place in the scratch file. */
static inline uint64_t scratch_offset(const struct hammer *h, uint64_t index)
{
	return (index - h->direct.first) * PAGE_BYTES;
}

static inline void count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static inline void worker_did(struct worker *w, uint64_t n)
{
	__atomic_store_n(&w->ops, w->ops + n, __ATOMIC_RELAXED);
}

static inline void worker_aims(struct worker *w, uint64_t index)
{
	__atomic_store_n(&w->aim, index, __ATOMIC_RELAXED);
}

/* splitmix64 */
static inline uint64_t mix64(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint64_t worker_random(struct worker *w, uint64_t below)
{
	w->random += 0x9e3779b97f4a7c15ULL;
	return mix64(w->random) % below;
}

/*
 * Now and then (one time of @often) let others have the CPU: else a few workers
 * that never sleep would keep the movers from moving.
 */
static inline void worker_rests(struct worker *w, unsigned int often)
{
	if (!worker_random(w, often))
		hammer_sleep(worker_random(w, 1000));
}

/* -- the workers ----------------------------------------------------------- */

void writer_run(struct hammer *h, struct worker *w);
void adder_run(struct hammer *h, struct worker *w);
void adders_check(struct hammer *h);
void holes_run(struct hammer *h, struct worker *w);
void direct_run(struct hammer *h, struct worker *w);
void ring_run(struct hammer *h, struct worker *w);
void sender_run(struct hammer *h, struct worker *w);
void mover_run(struct hammer *h, struct worker *w);
void forker_run(struct hammer *h, struct worker *w);
void killer_run(struct hammer *h, struct worker *w);
void vm_reader_run(struct hammer *h, struct worker *w);
void dropper_run(struct hammer *h, struct worker *w);

/* -- machine.c ------------------------------------------------------------- */

/**
 * struct disturber - workers of --machine
 * @name: kind, NULL ends the list
 * @run: its work
 * @nr: how many
 * @needs: path without which there are none
 */
struct disturber {
	const char *name;
	worker_fn run;
	unsigned int nr;
	const char *needs;
};

extern const struct disturber disturbers[];

/* -- setup.c --------------------------------------------------------------- */

/* Say what is wrong; 0 or -errno. */
int set_up(struct hammer *h);
int tear_down(struct hammer *h);

/* -- report.c -------------------------------------------------------------- */

/* What the driver must not count while we run. */
struct trouble {
	uint64_t io_errors;
	uint64_t sigbus;
	uint64_t lost;
};

struct trouble get_trouble(struct hammer *h);
void check_trouble(struct hammer *h, const struct trouble *before);
/* Would check_least() be content? */
bool least_reached(const struct hammer *h);
void check_least(struct hammer *h);
void report(struct hammer *h);

/* -- scratch.c ------------------------------------------------------------- */

/*
 * Something that O_DIRECT works on, for direct.c: @options.odirect, or a loop
 * device over a temporary file. Says what is wrong; 0 or -errno.
 */
int scratch_open(struct hammer *h, uint64_t bytes);
void scratch_close(struct hammer *h);

#endif
