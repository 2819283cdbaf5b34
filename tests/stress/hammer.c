// SPDX-License-Identifier: GPL-2.0
/*
 * hammer - memory whose every byte is known is changed, read, pinned, forked,
 * killed and discarded from all sides while its pages move among the tiers
 *
 * Exit code: 0 without any error; 1 with one (a wrong byte is reported as
 * "mismatch", with page, offset, expected and got); 2 for wrong usage; 3 when
 * it could not be set up.
 *
 * Reproducing a failure: each worker draws from its own random numbers, which
 * follow from --seed and the worker's place. The same seed, --threads and
 * --pages give every worker the same sequence of steps and every page the same
 * contents, so a report can be matched with a worker's history; how the workers
 * interleave is up to the scheduler. Run the line that a failure prints, with
 * more --seconds when it does not come back at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hammer.h"
#include "pins.h"

#define MIN_PAGES	256
#define MAX_PAGES	(1 << 20)
#define MAX_WRITERS	16
#define TICK_US		100000
#define LONGER		300	/* seconds more, if need be */
#define STATUS_EVERY	5.0
#define SETUP_FAILED	3

static struct hammer hammer;
static bool interrupted;
static pid_t main_pid;

static bool was_interrupted(void)
{
	return __atomic_load_n(&interrupted, __ATOMIC_RELAXED);
}

double hammer_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void hammer_sleep(unsigned int us)
{
	struct timespec time = {
		.tv_sec = us / 1000000,
		.tv_nsec = us % 1000000 * 1000,
	};

	nanosleep(&time, NULL);
}

/* -- errors ---------------------------------------------------------------- */

static void stop(struct hammer *h)
{
	__atomic_store_n(&h->shared->stop, true, __ATOMIC_RELAXED);
}

void hammer_error(struct hammer *h, const char *format, ...)
{
	struct shared *s = h->shared;
	uint32_t at = __atomic_fetch_add(&s->errors, 1, __ATOMIC_RELAXED);
	va_list args;

	if (at < MAX_ERRORS) {
		va_start(args, format);
		vsnprintf(s->error[at], ERROR_ROOM, format, args);
		va_end(args);
	}
	stop(h);
}

static const char *whereabouts(struct hammer *h, uint64_t index)
{
	struct tw_page page;

	if (tw_region_pages(h->region, index * PAGE_BYTES, PAGE_BYTES, &page,
			    1))
		return "?";
	return tw_tier_name(page.tier);
}

void hammer_mismatch(struct hammer *h, const struct worker *w,
		     const char *where, uint64_t index, unsigned int word,
		     uint64_t expected, uint64_t got, const uint64_t *page)
{
	char says[96] = "";

	if (page)
		snprintf(says, sizeof(says),
			 "; the page says index %llu, version %llu",
			 (unsigned long long)page[1],
			 (unsigned long long)(page[0] + 1) / 2);
	hammer_error(h, "mismatch: %s %u, %s: page %llu, offset %#llx (word %u): expected %#llx, got %#llx%s; it is in tier %s now",
		     w ? w->name : "main", w ? w->number : 0, where,
		     (unsigned long long)index,
		     (unsigned long long)(index * PAGE_BYTES + word * 8), word,
		     (unsigned long long)expected, (unsigned long long)got,
		     says, whereabouts(h, index));
}

static void print_errors(struct hammer *h)
{
	double elapsed = hammer_now() - h->start;
	uint32_t nr = h->shared->errors, i;

	for (i = 0; i < nr && i < MAX_ERRORS; i++)
		fprintf(stderr, "hammer: %s\n", h->shared->error[i]);
	if (nr > MAX_ERRORS)
		fprintf(stderr, "hammer: %u more errors\n", nr - MAX_ERRORS);
	if (nr)
		fprintf(stderr, "hammer: FAILED after %.1f s; reproduce with: hammer --seed %llu --seconds %.0f --threads %u --pages %llu%s%s%s%s\n",
			elapsed, (unsigned long long)h->options.seed,
			h->options.seconds, h->options.threads,
			(unsigned long long)h->options.pages,
			h->options.rebind ? " --rebind" : "",
			h->options.automatic ? " --auto" : "",
			h->options.machine ? " --machine" : "",
			h->options.huge ? " --huge" : "");
}

/* A thread cannot go on from here, so the process ends. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	struct hammer *h = &hammer;
	uint64_t at = (unsigned char *)info->si_addr - h->base;

	(void)context;
	if (at < h->nr_pages * PAGE_BYTES)
		hammer_error(h, "signal %d (code %d) at page %llu, offset %#llx",
			     number, info->si_code,
			     (unsigned long long)at / PAGE_BYTES,
			     (unsigned long long)at);
	else
		hammer_error(h, "signal %d (code %d) at address %p", number,
			     info->si_code, info->si_addr);
	if (getpid() == main_pid)
		print_errors(h);
	_exit(1);
}

static void on_interrupt(int number)
{
	(void)number;
	__atomic_store_n(&interrupted, true, __ATOMIC_RELAXED);
}

static void catch_signals(void)
{
	struct sigaction fault = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO,
	};
	struct sigaction end = { .sa_handler = on_interrupt };

	main_pid = getpid();
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
}

/* -- workers --------------------------------------------------------------- */

static void add_workers(struct hammer *h, const char *name, worker_fn run,
			unsigned int nr, bool process)
{
	struct shared *s = h->shared;
	struct worker *w;
	unsigned int i;

	for (i = 0; i < nr && s->nr_workers < MAX_WORKERS; i++) {
		w = &s->worker[s->nr_workers];
		w->name = name;
		w->number = i;
		w->of = nr;
		w->process = process;
		w->run = run;
		w->least = h->options.least;
		w->aim = NO_AIM;
		w->random = mix64(h->options.seed * MAX_WORKERS +
				  s->nr_workers);
		w->hammer = h;
		s->nr_workers++;
	}
}

static void plan_workers(struct hammer *h)
{
	unsigned int nr = h->options.threads, own, i;
	const struct disturber *d;
	struct shared *s = h->shared;

	add_workers(h, "writer", writer_run, nr, false);
	add_workers(h, "adder", adder_run, h->nr_adders - 1, false);
	add_workers(h, "adder", adder_run, 1, true);
	s->worker[s->nr_workers - 1].number = h->nr_adders - 1;
	add_workers(h, "holes", holes_run, 1, false);
	if (h->scratch >= 0)
		add_workers(h, "direct", direct_run, 2, false);
	if (h->scratch >= 0 && ring_possible())
		add_workers(h, "ring", ring_run, 1, false);
	add_workers(h, "sender", sender_run, 1, false);
	add_workers(h, "forker", forker_run, 1, true);
	add_workers(h, "killer", killer_run, 1, true);
	add_workers(h, "vm-reader", vm_reader_run, 1, true);
	add_workers(h, "dropper", dropper_run, 1, false);
	if (h->nr_tiers > 1)
		add_workers(h, "mover", mover_run, nr, false);
	own = s->nr_workers;
	for (d = disturbers; h->options.machine && d->name; d++)
		if (!access(d->needs, F_OK))
			add_workers(h, d->name, d->run, d->nr, false);
	for (i = 0; i < s->nr_workers; i++) {
		s->worker[i].moved_on = hammer_now();
		/* How often these get round is up to the machine. */
		if (i >= own && s->worker[i].least)
			s->worker[i].least = 1;
	}
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;

	w->run(w->hammer, w);
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int start_process(struct worker *w)
{
	w->pid = fork();
	if (w->pid < 0)
		return -errno;
	if (w->pid)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	w->run(w->hammer, w);
	_exit(0);
}

/* Signals are the main thread's. */
static int start_thread(struct worker *w)
{
	sigset_t mask, old;
	int ret;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &mask, &old);
	ret = -pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/* Processes first: they are forked from a process without threads. */
static int start_workers(struct hammer *h)
{
	struct shared *s = h->shared;
	struct worker *w;
	unsigned int i, pass;
	int ret;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < s->nr_workers; i++) {
			w = &s->worker[i];
			if (w->process != !pass)
				continue;
			ret = pass ? start_thread(w) : start_process(w);
			if (ret)
				return ret;
		}
	}
	return 0;
}

static void check_process(struct hammer *h, struct worker *w)
{
	int status;

	if (!w->process || w->done || waitpid(w->pid, &status, WNOHANG) <= 0)
		return;
	w->done = true;
	if (status)
		hammer_error(h, "%s %u: its process ended with status %#x",
			     w->name, w->number, status);
	else if (hammer_running(h))
		hammer_error(h, "%s %u: its process ended early", w->name,
			     w->number);
}

static void check_progress(struct hammer *h, struct worker *w, double now)
{
	uint64_t ops = __atomic_load_n(&w->ops, __ATOMIC_RELAXED);

	if (ops != w->seen_ops) {
		w->seen_ops = ops;
		w->moved_on = now;
	} else if (now - w->moved_on > h->options.stuck) {
		hammer_error(h, "%s %u is stuck: nothing done for %.0f s",
			     w->name, w->number, h->options.stuck);
		w->moved_on = now;
	}
}

static void print_status(struct hammer *h, double elapsed)
{
	struct shared *s = h->shared;
	uint64_t ops = 0;
	unsigned int i;

	for (i = 0; i < s->nr_workers; i++)
		ops += __atomic_load_n(&s->worker[i].ops, __ATOMIC_RELAXED);
	printf("hammer: %3.0f s: %llu operations, %llu pages moved, %llu busy, %llu errors\n",
	       elapsed, (unsigned long long)ops,
	       (unsigned long long)s->outcome[OUT_MOVED],
	       (unsigned long long)s->outcome[OUT_BUSY],
	       (unsigned long long)s->errors);
	fflush(stdout);
}

/*
 * As long as it was told, and on a slow machine longer: until everybody has
 * done something and every pair of tiers has moved pages.
 */
static bool time_is_up(struct hammer *h, double elapsed)
{
	if (elapsed < h->options.seconds)
		return false;
	return least_reached(h) || elapsed >= h->options.seconds + LONGER;
}

static void watch(struct hammer *h)
{
	double start = h->start, now = start, said = start;
	struct shared *s = h->shared;
	unsigned int i;

	while (hammer_running(h) && !was_interrupted() &&
	       !time_is_up(h, now - start)) {
		hammer_sleep(TICK_US);
		now = hammer_now();
		for (i = 0; i < s->nr_workers; i++) {
			check_process(h, &s->worker[i]);
			check_progress(h, &s->worker[i], now);
		}
		if (!h->options.quiet && now - said >= STATUS_EVERY) {
			print_status(h, now - start);
			said = now;
		}
	}
	stop(h);
}

static bool all_done(struct hammer *h, const struct worker **last)
{
	struct shared *s = h->shared;
	unsigned int i;

	for (i = 0; i < s->nr_workers; i++) {
		check_process(h, &s->worker[i]);
		*last = &s->worker[i];
		if (!__atomic_load_n(&s->worker[i].done, __ATOMIC_ACQUIRE))
			return false;
	}
	return true;
}

/* What the machine's tasks wait for goes to the console, if we may ask for it. */
static void show_blocked(void)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "w", 1) == 1 && write(fd, "l", 1) == 1)
		hammer_sleep(TICK_US);
	close(fd);
}

/* False when somebody does not come back. */
static bool wait_workers(struct hammer *h)
{
	double until = hammer_now() + h->options.stuck;
	const struct worker *last;
	struct worker *w;
	unsigned int i;

	while (!all_done(h, &last)) {
		if (hammer_now() > until) {
			hammer_error(h, "%s %u does not end: stuck in its last check or in a system call",
				     last->name, last->number);
			show_blocked();
			return false;
		}
		hammer_sleep(TICK_US / 10);
	}
	for (i = 0; i < h->shared->nr_workers; i++) {
		w = &h->shared->worker[i];
		if (!w->process)
			pthread_join(w->thread, NULL);
	}
	return true;
}

/* -- the run --------------------------------------------------------------- */

static int run(struct hammer *h)
{
	struct trouble before = get_trouble(h);
	int ret;

	h->start = hammer_now();
	plan_workers(h);
	printf("hammer: seed %llu, %.0f s, %u writers and movers, %llu pages, %d tiers, O_DIRECT %s\n",
	       (unsigned long long)h->options.seed, h->options.seconds,
	       h->options.threads, (unsigned long long)h->nr_pages,
	       h->nr_tiers, h->scratch < 0 ? "left out" : "on");
	fflush(stdout);
	ret = start_workers(h);
	if (ret)
		hammer_error(h, "starting workers: %s", strerror(-ret));
	else
		watch(h);
	if (ret || !wait_workers(h)) {
		print_errors(h);
		_exit(1);
	}
	if (!h->shared->errors)
		adders_check(h);
	check_trouble(h, &before);
	if (!h->shared->errors && !was_interrupted())
		check_least(h);
	report(h);
	print_errors(h);
	if (!h->shared->errors)
		printf("hammer: %s, no errors\n",
		       was_interrupted() ? "interrupted" : "passed");
	return h->shared->errors || was_interrupted();
}

/* -- command line ---------------------------------------------------------- */

static const char usage[] =
"usage: hammer [options]\n"
"\n"
"  --seconds N     how long (default 20)\n"
"  --seed N        of all random numbers (default: from the clock, printed)\n"
"  --threads N     writers, and as many movers, 1..16 (default 2)\n"
"  --pages N       of the region (default 1536)\n"
"  --odirect PATH  file or spare block device for O_DIRECT (overwritten);\n"
"                  \"none\" leaves it out; default: a loop device (as root)\n"
"  --rebind        give the memory tiers less capacity than the region for the\n"
"                  time of the run, so that there is pressure (as root)\n"
"  --auto          with automatic migration (as root)\n"
"  --machine       while memory is reclaimed, compacted, wanted by others, taken\n"
"                  away and brought back, and so are CPUs (as root)\n"
"  --huge          with folios of 2 MiB, which come and go in half of the region\n"
"                  (at least 2048 pages)\n"
"  --min-ops N     each worker must do that many operations (default 10)\n"
"  --stuck N       seconds without progress that are an error (default 120)\n"
"  --quiet         no line every few seconds\n";

static const struct option long_options[] = {
	{ "seconds", required_argument, NULL, 's' },
	{ "seed", required_argument, NULL, 'S' },
	{ "threads", required_argument, NULL, 't' },
	{ "pages", required_argument, NULL, 'p' },
	{ "odirect", required_argument, NULL, 'o' },
	{ "min-ops", required_argument, NULL, 'm' },
	{ "stuck", required_argument, NULL, 'k' },
	{ "rebind", no_argument, NULL, 'r' },
	{ "auto", no_argument, NULL, 'a' },
	{ "machine", no_argument, NULL, 'M' },
	{ "huge", no_argument, NULL, 'H' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static bool get_number(uint64_t *number, uint64_t least, uint64_t most)
{
	char *end;

	errno = 0;
	*number = strtoull(optarg, &end, 0);
	return !errno && end != optarg && !*end && *optarg != '-' &&
	       *number >= least && *number <= most;
}

static bool set_option(struct options *options, int which)
{
	uint64_t n = 0;
	bool right = true;

	switch (which) {
	case 's':
		right = get_number(&n, 1, 1000000);
		options->seconds = n;
		break;
	case 'S':
		return get_number(&options->seed, 0, UINT64_MAX);
	case 't':
		right = get_number(&n, 1, MAX_WRITERS);
		options->threads = n;
		break;
	case 'p':
		return get_number(&options->pages, MIN_PAGES, MAX_PAGES);
	case 'o':
		options->odirect = optarg;
		break;
	case 'm':
		return get_number(&options->least, 0, UINT64_MAX);
	case 'k':
		right = get_number(&n, 1, 1000000);
		options->stuck = n;
		break;
	case 'r':
		options->rebind = true;
		break;
	case 'a':
		options->automatic = true;
		break;
	case 'M':
		options->machine = true;
		break;
	case 'H':
		options->huge = true;
		break;
	case 'q':
		options->quiet = true;
		break;
	default:
		right = false;
	}
	return right;
}

int main(int argc, char **argv)
{
	struct hammer *h = &hammer;
	int which, ret;

	h->options = (struct options){
		.seconds = 20,
		.seed = (uint64_t)(hammer_now() * 1e6) % 1000000,
		.threads = 2,
		.pages = 1536,
		.least = 10,
		.stuck = 120,
	};
	while ((which = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		if (which == 'h' || !set_option(&h->options, which)) {
			fputs(usage, which == 'h' ? stdout : stderr);
			return which == 'h' ? 0 : 2;
		}
	}
	if (h->options.huge && h->options.pages < 4 * HUGE_PAGES) {
		fputs(usage, stderr);
		return 2;
	}
	if (set_up(h))
		return SETUP_FAILED;
	catch_signals();
	ret = run(h);
	if (tear_down(h))
		ret = SETUP_FAILED;
	tw_close(h->tw);
	return ret;
}
