// SPDX-License-Identifier: GPL-2.0
/*
 * measure.c - the stopwatch, rounds and results
 *
 * Under QEMU's -icount a nanosecond of guest time is an instruction. Whether
 * that is so is found out with a loop of known length.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MAX_RESULTS	256
#define NAME_LEN	64

struct result {
	char name[NAME_LEN];
	char text[160];
};

static struct result results[MAX_RESULTS];
static unsigned int nr_results;
static const char *unit = "ns";
static uint64_t overhead;

void __noreturn die(const char *what, int err)
{
	if (err)
		fprintf(stderr, "tw-bench: %s: %s\n", what,
			strerror(err < 0 ? -err : err));
	else
		fprintf(stderr, "tw-bench: %s\n", what);
	exit(1);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* -- the stopwatch ----------------------------------------------------------- */

/*
 * Time that all CPUs together have idled, with I/O under way or not: in ns,
 * which /proc/stat has not.
 */
static uint64_t idle_ns(void)
{
	uint64_t sum = 0, one;
	FILE *f = fopen("/proc/timer_list", "r");
	char line[256];

	if (!f)
		die("/proc/timer_list", errno);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " .idle_sleeptime : %" SCNu64, &one) == 1 ||
		    sscanf(line, " .iowait_sleeptime : %" SCNu64, &one) == 1)
			sum += one;
	fclose(f);
	return sum;
}

void watch_start(struct watch *w)
{
	w->start = now_ns();
}

void watch_stop(struct watch *w)
{
	uint64_t ns = now_ns() - w->start;

	w->elapsed = ns > overhead ? ns - overhead : 0;
	w->busy = w->elapsed;
}

void watch_start_busy(struct watch *w)
{
	w->idle = idle_ns();
	w->start = now_ns();
}

void watch_stop_busy(struct watch *w)
{
	uint64_t idle;

	watch_stop(w);
	idle = idle_ns() - w->idle;
	w->busy = w->elapsed > idle ? w->elapsed - idle : 0;
}

/* Two instructions a turn, where instructions have a known length. */
static void known_loop(unsigned long turns)
{
#if defined(__x86_64__)
	asm volatile("1: dec %0\n\tjnz 1b" : "+r" (turns) : : "cc");
#else
	(void)turns;
#endif
}

void watch_init(void)
{
	const unsigned long turns = 100000;
	struct samples s = { .nr = 0 };
	struct watch w;
	unsigned int i;

	for (i = 0; i < MAX_ROUNDS; i++) {
		watch_start(&w);
		watch_stop(&w);
		sample(&s, w.elapsed, 1);
	}
	overhead = median(&s);
	s.nr = 0;
	for (i = 0; i < MAX_ROUNDS; i++) {
		watch_start(&w);
		known_loop(turns);
		watch_stop(&w);
		sample(&s, w.elapsed, turns);
	}
	/* Instructions a nanosecond, of which two make a turn. */
	if (median(&s) > 1.98 && median(&s) < 2.02)
		unit = "instructions";
	report("check/two-instructions", &s);
}

/* -- rounds ------------------------------------------------------------------ */

void sample(struct samples *s, uint64_t value, unsigned int per)
{
	if (s->nr == MAX_ROUNDS)
		die("too many rounds", 0);
	s->v[s->nr++] = (double)value / per;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorted copy without the round that warms up; returns how many there are. */
static unsigned int sorted(const struct samples *s, double *v)
{
	unsigned int nr = s->nr > 1 ? s->nr - 1 : s->nr;

	if (!nr)
		die("no rounds", 0);
	memcpy(v, s->v + s->nr - nr, nr * sizeof(*v));
	qsort(v, nr, sizeof(*v), compare);
	return nr;
}

double median(const struct samples *s)
{
	double v[MAX_ROUNDS];
	unsigned int nr = sorted(s, v);

	return nr & 1 ? v[nr / 2] : (v[nr / 2 - 1] + v[nr / 2]) / 2;
}

/* -- results ----------------------------------------------------------------- */

static struct result *result_new(const char *name)
{
	struct result *r = &results[nr_results];

	if (nr_results == MAX_RESULTS)
		die("too many results", 0);
	nr_results++;
	snprintf(r->name, sizeof(r->name), "%s", name);
	return r;
}

static void report_unit(const char *name, const struct samples *s,
			const char *in)
{
	struct result *r = result_new(name);
	double v[MAX_ROUNDS];
	unsigned int nr = sorted(s, v);

	snprintf(r->text, sizeof(r->text), "%s\t%.3f\t%.3f\t%.3f\t%u", in,
		 median(s), v[0], v[nr - 1], nr);
}

void report(const char *name, const struct samples *s)
{
	report_unit(name, s, unit);
}

void report_ns(const char *name, const struct samples *s)
{
	report_unit(name, s, "ns");
}

void report_skipped(const char *name, const char *why)
{
	struct result *r = result_new(name);

	snprintf(r->text, sizeof(r->text), "skipped\t%s", why);
}

void report_print(void)
{
	unsigned int i;

	for (i = 0; i < nr_results; i++)
		printf("%s\t%s\n", results[i].name, results[i].text);
}
