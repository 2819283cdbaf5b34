// SPDX-License-Identifier: GPL-2.0
/*
 * run.c - the threads, phase by phase, and the clock of the reports
 *
 * A phase starts its threads and ends with them; only then the distribution
 * changes, so that nothing is shared that changes. The main thread waits for
 * the threads, for signals and for the next report, all in poll().
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

#define NSEC		1000000000ULL
#define NAP_NS		100000	/* think time is slept in pieces of this */

/**
 * struct worker - a thread
 * @w: the run
 * @thread: its thread
 * @number: which
 * @rng: its random numbers, which go on from phase to phase
 * @place: where it is in a scan
 * @quota: operations of this phase; 0: as many as there is time for
 * @debt: nanoseconds that it owes to thinking
 * @operations: in this phase. Others look at this one and the next
 * @writes: of these
 */
struct worker {
	struct workload *w;
	pthread_t thread;
	unsigned int number;
	struct rng rng;
	uint64_t place;
	uint64_t quota;
	int64_t debt;
	uint64_t operations;
	uint64_t writes;
} __attribute__((aligned(128)));

static struct {
	struct worker *workers;
	cpu_set_t cpus;
	int signal_fd;
	int done_fd;
	double phase_began;
	struct rusage rusage;
} own;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}

static double now(void)
{
	return now_ns() / 1e9;
}

/* The share of this phase that falls to each thread, all together the whole. */
static uint64_t quota(const struct workload *w, unsigned int number)
{
	uint64_t all = w->options.operations, threads = w->options.threads;

	return all / threads + (number < all % threads);
}

int run_init(struct workload *w)
{
	struct worker *worker;
	unsigned int i;

	own.signal_fd = interrupt_init();
	own.done_fd = eventfd(0, EFD_CLOEXEC);
	own.workers = aligned_alloc(128, w->options.threads *
				    sizeof(*own.workers));
	if (own.signal_fd < 0 || own.done_fd < 0 || !own.workers) {
		complain("setting up: %s", strerror(errno));
		return -errno;
	}
	sched_getaffinity(0, sizeof(own.cpus), &own.cpus);
	for (i = 0; i < w->options.threads; i++) {
		worker = &own.workers[i];
		memset(worker, 0, sizeof(*worker));
		worker->w = w;
		worker->number = i;
		worker->quota = quota(w, i);
		worker->place = w->pages / w->options.threads * i;
		rng_seed(&worker->rng, w->options.seed, i);
	}
	return 0;
}

/* Round robin over the CPUs that we may use. */
static void pin(unsigned int number)
{
	int nr = CPU_COUNT(&own.cpus), cpu;
	unsigned int skip = nr ? number % nr : 0;
	cpu_set_t one;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &own.cpus) && !skip--)
			break;
	if (cpu == CPU_SETSIZE)
		return;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

/* Short pauses are saved up, and oversleeping is taken off the next ones. */
static void think(struct worker *me)
{
	struct timespec t;
	uint64_t began;

	me->debt += me->w->options.think_ns;
	if (me->debt < NAP_NS)
		return;
	began = now_ns();
	t.tv_sec = me->debt / NSEC;
	t.tv_nsec = me->debt % NSEC;
	nanosleep(&t, NULL);
	me->debt -= now_ns() - began;
}

static bool stopped(const struct workload *w)
{
	return __atomic_load_n(&w->stop, __ATOMIC_RELAXED);
}

static bool is_write(struct worker *me)
{
	const struct workload *w = me->w;

	if (w->dist.pattern == DIST_GUPS)
		return true;
	return w->options.write_percent &&
	       rng_below(&me->rng, 100) < w->options.write_percent;
}

/* One access, checked: a read, or a write that tells what was there. */
static void operate(struct worker *me)
{
	struct workload *w = me->w;
	uint64_t page = dist_next(&w->dist, &me->rng, &me->place);
	unsigned int word = rng_below(&me->rng, PAGE_WORDS);
	uint64_t *at = workload_page(w, page) + word, value;

	if (is_write(me)) {
		value = __atomic_fetch_add(at, CONTENT_STEP, __ATOMIC_RELAXED);
		if (w->written)
			__atomic_fetch_add(&w->written[page], 1,
					   __ATOMIC_RELAXED);
		__atomic_store_n(&me->writes, me->writes + 1, __ATOMIC_RELAXED);
	} else {
		value = __atomic_load_n(at, __ATOMIC_RELAXED);
	}
	if (!content_right(content_key(w->options.seed, page, word), value))
		memory_wrong(w, page, word, value);
	__atomic_store_n(&me->operations, me->operations + 1,
			 __ATOMIC_RELAXED);
}

static void *worker_run(void *data)
{
	struct worker *me = data;
	struct workload *w = me->w;
	uint64_t one = 1;

	if (w->options.pin)
		pin(me->number);
	while (!stopped(w)) {
		if (w->options.operations && me->operations >= me->quota)
			break;
		operate(me);
		if (w->options.think_ns)
			think(me);
	}
	if (write(own.done_fd, &one, sizeof(one)) != sizeof(one))
		complain("eventfd: %s", strerror(errno));
	return NULL;
}

static void measure(struct workload *w, struct work *work)
{
	struct rusage usage;
	unsigned int i;

	memset(work, 0, sizeof(*work));
	work->seconds = now() - own.phase_began;
	for (i = 0; i < w->options.threads; i++) {
		work->operations +=
			__atomic_load_n(&own.workers[i].operations,
					__ATOMIC_RELAXED);
		work->writes += __atomic_load_n(&own.workers[i].writes,
						__ATOMIC_RELAXED);
	}
	getrusage(RUSAGE_SELF, &usage);
	work->major_faults = usage.ru_majflt - own.rusage.ru_majflt;
	work->minor_faults = usage.ru_minflt - own.rusage.ru_minflt;
}

static int look(struct workload *w, const char *event, unsigned int phase,
		const struct work *work)
{
	struct tally tally;
	int ret = place_read(w, &tally);

	if (!ret)
		report_tally(w, event, phase, work, &tally);
	return ret;
}

/* Wait for the threads until a time; how many of them have ended. */
static unsigned int wait_until(struct workload *w, double until)
{
	struct pollfd pfd[2] = {
		{ .fd = own.done_fd, .events = POLLIN },
		/* It stays readable: once is enough. */
		{ .fd = w->interrupted ? -1 : own.signal_fd, .events = POLLIN },
	};
	int ms = (until - now()) * 1000 + 1;
	uint64_t ended = 0;

	poll(pfd, 2, ms > 0 ? ms : 0);
	if (pfd[1].revents)
		w->interrupted = true;
	if (pfd[0].revents &&
	    read(own.done_fd, &ended, sizeof(ended)) != sizeof(ended))
		ended = 0;
	return ended;
}

/* Until all threads have ended, reporting now and then. */
static int attend(struct workload *w, unsigned int phase, unsigned int threads)
{
	double report = own.phase_began + w->options.interval, end, next;
	struct work work;
	int ret = 0;

	end = own.phase_began + (w->options.operations ? 1e9 :
				 w->options.seconds);
	while (threads) {
		next = report < end ? report : end;
		/* Told to stop: there is only their end to wait for. */
		threads -= wait_until(w, stopped(w) ? now() + 1 : next);
		if (w->interrupted || ret || now() >= end)
			__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
		if (!threads || stopped(w) || now() < report)
			continue;
		measure(w, &work);
		ret = look(w, "interval", phase, &work);
		while (report <= now())
			report += w->options.interval;
	}
	return ret;
}

static int start(struct workload *w, unsigned int *started)
{
	int ret = 0;

	getrusage(RUSAGE_SELF, &own.rusage);
	own.phase_began = now();
	w->stop = false;
	for (*started = 0; *started < w->options.threads; ++*started) {
		own.workers[*started].operations = 0;
		own.workers[*started].writes = 0;
	}
	for (*started = 0; *started < w->options.threads; ++*started) {
		ret = pthread_create(&own.workers[*started].thread, NULL,
				     worker_run, &own.workers[*started]);
		if (ret)
			break;
	}
	if (!ret)
		return 0;
	complain("thread: %s", strerror(ret));
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	return -ret;
}

static void add_up(struct work *total, const struct work *work)
{
	total->seconds += work->seconds;
	total->operations += work->operations;
	total->writes += work->writes;
	total->major_faults += work->major_faults;
	total->minor_faults += work->minor_faults;
}

static int run_phase(struct workload *w, unsigned int phase)
{
	unsigned int started, i;
	struct work work;
	int ret, failed;

	dist_phase(&w->dist, phase);
	dist_probabilities(&w->dist, w->probability);
	/* As the phase before has left it: what there is to gain. */
	memset(&work, 0, sizeof(work));
	ret = look(w, "interval", phase, &work);
	if (ret)
		return ret;
	failed = start(w, &started);
	ret = attend(w, phase, started);
	for (i = 0; i < started; i++)
		pthread_join(own.workers[i].thread, NULL);
	measure(w, &work);
	add_up(&w->total, &work);
	if (!ret)
		ret = look(w, "phase", phase, &work);
	return failed ? failed : ret;
}

int run_phases(struct workload *w)
{
	int ret = 0;

	while (w->begun < w->options.phases && !ret && !w->wrong &&
	       !interrupted(w))
		ret = run_phase(w, w->begun++);
	free(own.workers);
	return ret;
}
