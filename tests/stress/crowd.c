// SPDX-License-Identifier: GPL-2.0
/*
 * crowd.c - everybody at once
 *
 * Several processes, each an agent with a region, external pages and a stream.
 * In each, threads write and check pages, have them sent and read by the kernel,
 * move them in all the ways there are, report faults, and ask all the questions
 * that can be asked. Together they track at least 10,000 external pages and see at least 100,000 faults,
 * reported and real.
 *
 * Then all stand still and are counted: what the agents, the statistics and the
 * module say must agree with each other and with what was done, exactly. Every
 * page must have its bytes. At the end nothing may be left.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crowd.h"
#include "tw_stats.h"

#define NR_EXTERNAL	2600UL		/* of each agent */
#define NR_REPORTS	26000UL		/* of each agent */
#define MAX_COMPLAINTS	20
#define STUCK		600.0		/* seconds until a phase must be over */
#define BATCH		256

/* What the driver counts, and what must be back in the end. */
struct totals {
	uint64_t faults;
	uint64_t reported;
	uint64_t io_errors;
	uint64_t sigbus;
	uint64_t lost;
	uint64_t external;
	uint64_t external_bytes;
	uint64_t regions;
	uint64_t agents;
	uint64_t streams;
	uint64_t record_bytes;
	uint64_t requests_ended;
};

static struct crowd *crowd;
static double seconds = 30;
static bool allow_missing;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

void complain(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (__atomic_fetch_add(&crowd->complaints, 1, __ATOMIC_RELAXED) <
	    MAX_COMPLAINTS)
		dprintf(STDERR_FILENO, "crowd: %s\n", text);
}

static void must_equal(const char *what, uint64_t is, uint64_t must)
{
	if (is != must)
		complain("%s: %llu, must be %llu", what,
			 (unsigned long long)is, (unsigned long long)must);
}

bool in_phase(enum phase phase)
{
	return __atomic_load_n(&crowd->phase, __ATOMIC_ACQUIRE) == (int)phase;
}

/*
 * A call of the interface as it is, whose struct begins with its size: 0 or
 * -errno. 1: this driver does not have it, which only --allow-missing forgives.
 */
static int call(struct me *me, unsigned long cmd, void *arg, uint32_t size)
{
	memcpy(arg, &size, sizeof(size));
	__atomic_fetch_add(&me->p->calls, 1, __ATOMIC_RELAXED);
	if (!ioctl(tw_fd(me->tw), cmd, arg))
		return 0;
	if (errno == EOPNOTSUPP && allow_missing)
		return 1;
	return -errno;
}

#define CALL(_me, _cmd, _arg)	call(_me, _cmd, _arg, sizeof(*(_arg)))

void must(const struct me *me, const char *what, int ret)
{
	if (ret < 0)
		complain("agent %u: %s: %s", me->p->number, what,
			 strerrorname_np(-ret) ?: "?");
}

#define MUST(_me, _cmd, _arg)	must(_me, #_cmd, CALL(_me, _cmd, _arg))

/* A thread has done what it must; it goes on until all have. */
void done_enough(const struct me *me)
{
	__atomic_fetch_sub(&me->p->busy, 1, __ATOMIC_RELAXED);
}

/* -- the mover ------------------------------------------------------------- */

static uint64_t any_page(const struct me *me, uint64_t *random)
{
	return TW_PAGE(tw_region_id(me->region), draw(random, NR_PAGES));
}

static void move_pages(struct me *me, uint64_t *random)
{
	uint64_t first = draw(random, NR_PAGES - 64), at;
	int to = draw(random, TW_NR_TIERS), ret;
	struct tw_move_sum sum = { 0 };
	__u64 pages[16];
	unsigned int i;

	for (i = 0; i < 16; i++)
		pages[i] = any_page(me, random);
	ret = tw_migrate_pages(me->tw, pages, 16, to, TW_TIER_NONE,
			       TW_REASON_MANUAL, NULL, &sum);
	must(me, "MIGRATE_PAGES", ret);
	me->p->moved += sum.moved;
	at = first * PAGE;
	to = draw(random, TW_NR_TIERS);
	ret = tw_region_migrate(me->region, at, 32 * PAGE, to, TW_TIER_NONE,
				TW_REASON_MANUAL, NULL, 0, &sum);
	must(me, "MIGRATE_RANGE on the region", ret);
	me->p->moved += sum.moved;
	ret = tw_migrate_addr(me->tw, me->base + at, 32 * PAGE, TW_TIER_CPU,
			      TW_TIER_NONE, TW_REASON_MANUAL, NULL, 0, &sum);
	must(me, "MIGRATE_RANGE on the device", ret);
	me->p->moved += sum.moved;
}

static void request_pages(struct me *me, uint64_t *random)
{
	struct tw_request r[8];
	struct tw_request_pages arg = {
		.nr = 1 + draw(random, 8), .requests = (uintptr_t)r,
		.entry_size = sizeof(r[0]),
		.flags = draw(random, 8) ? 0 : TW_REQUEST_WAIT,
	};
	unsigned int i;
	int ret;

	memset(r, 0, sizeof(r));
	for (i = 0; i < arg.nr; i++) {
		r[i].page = any_page(me, random);
		r[i].from_tier = TW_TIER_NONE;
		r[i].to_tier = draw(random, TW_NR_TIERS);
		r[i].priority = draw(random, TW_PRIORITY_MAX + 1);
		r[i].reason = TW_REASON_MANUAL;
	}
	ret = CALL(me, TW_IOC_REQUEST, &arg);
	if (ret == -EAGAIN || ret == 1) {
		usleep(1000);
		return;
	}
	must(me, "REQUEST", ret);
	if (ret)
		return;
	me->p->requests += arg.nr;
	if (arg.flags && arg.done + arg.failed != arg.nr)
		complain("agent %u: REQUEST: %u done and %u failed of %u",
			 me->p->number, arg.done, arg.failed, arg.nr);
}

static void move_many(struct me *me, uint64_t *random)
{
	struct tw_agent_migrate agent = {
		.agent_fd = tw_agent_fd(me->agent), .nr = 100,
		.to_tier = draw(random, TW_NR_TIERS),
		.from_tier = TW_TIER_NONE, .reason = TW_REASON_MANUAL,
	};
	struct tw_numa_balance balance = { .nr = 100 };

	MUST(me, TW_IOC_AGENT_MIGRATE, &agent);
	MUST(me, TW_IOC_NUMA_BALANCE, &balance);
}

static void *move(void *data)
{
	struct me *me = data;
	uint64_t random = 22 + me->p->number;
	unsigned int n = 0;

	/* Moves of pages that exist are what there is to test. */
	while (in_phase(RUN)) {
		move_pages(me, &random);
		request_pages(me, &random);
		if (!(n % 16))
			move_many(me, &random);
		if (++n == 32)
			done_enough(me);
	}
	return NULL;
}

/* -- who reports ----------------------------------------------------------- */

static uint64_t frame_of(const struct me *me, uint64_t n)
{
	return (1ULL << 40) + ((uint64_t)me->p->number << 24) + n;
}

static bool track(struct me *me)
{
	__u64 pages[BATCH];
	__s32 status[BATCH];
	uint64_t n, i;

	for (n = 0; n < NR_EXTERNAL; n += i) {
		struct tw_track arg = {
			.tier = n / BATCH % TW_NR_TIERS, .node = -1,
			.agent_fd = tw_agent_fd(me->agent),
			.pages = (uintptr_t)pages, .status = (uintptr_t)status,
		};
		int ret;

		for (i = 0; i < BATCH && n + i < NR_EXTERNAL; i++)
			pages[i] = frame_of(me, n + i);
		arg.nr = i;
		ret = CALL(me, TW_IOC_TRACK, &arg);
		must(me, "TRACK", ret);
		if (ret)
			return false;
		me->p->tracked += arg.done;
		if (arg.done != i || arg.failed)
			complain("agent %u: TRACK: %u done, %u failed of %llu, first status %d",
				 me->p->number, arg.done, arg.failed,
				 (unsigned long long)i, status[0]);
	}
	return true;
}

/* Half of them; the others end with their agent. */
static void untrack(struct me *me)
{
	__u64 pages[BATCH];
	uint64_t n, i;

	for (n = 0; n < NR_EXTERNAL / 2; n += i) {
		struct tw_untrack arg = { .pages = (uintptr_t)pages };

		for (i = 0; i < BATCH && n + i < NR_EXTERNAL / 2; i++)
			pages[i] = frame_of(me, n + i);
		arg.nr = i;
		MUST(me, TW_IOC_UNTRACK, &arg);
		if (!allow_missing && arg.done != i)
			complain("agent %u: UNTRACK: %u done, %u failed of %llu",
				 me->p->number, arg.done, arg.failed,
				 (unsigned long long)i);
	}
}

static void *report(void *data)
{
	struct me *me = data;
	uint64_t random = 33 + me->p->number, n = 0;

	track(me);
	while (in_phase(RUN)) {
		struct tw_report arg = {
			.flags = draw(&random, 2) ? TW_REPORT_WRITE : 0,
			.page = frame_of(me, draw(&random, NR_EXTERNAL)),
			.addr = n,
		};
		int ret;

		/* Some of them are of the region. */
		if (!draw(&random, 8))
			arg.page = any_page(me, &random);
		ret = CALL(me, TW_IOC_REPORT, &arg);
		must(me, "REPORT", ret);
		me->p->reports += !ret;
		if (++n == NR_REPORTS)
			done_enough(me);
	}
	return NULL;
}

/* -- who asks -------------------------------------------------------------- */

static void ask_about_pages(struct me *me, uint64_t *random)
{
	struct tw_page info[64];
	struct tw_candidate best[64];
	__u64 pages[64];
	struct tw_page_info look = { .nr = 64, .pages = (uintptr_t)pages,
				     .entry_size = sizeof(info[0]),
				     .infos = (uintptr_t)info };
	struct tw_addr_page where = {
		.addr = (uintptr_t)me->base + draw(random, NR_PAGES * PAGE) };
	struct tw_page_list list = { .tier = TW_TIER_NONE, .nr = 64,
				     .temperature = draw(random, TW_NR_CLASSES),
				     .entry_size = sizeof(info[0]),
				     .infos = (uintptr_t)info };
	struct tw_candidates c = { .from_tier = draw(random, TW_NR_TIERS),
				   .entry_size = sizeof(best[0]),
				   .nr = 64, .candidates = (uintptr_t)best };
	struct tw_mark mark = { .temperature = draw(random, 2) ? TW_CLASS_HOT :
							 TW_CLASS_COLD,
				.nr = 64, .pages = (uintptr_t)pages };
	unsigned int i;

	for (i = 0; i < 64; i++)
		pages[i] = any_page(me, random);
	MUST(me, TW_IOC_PAGE_INFO, &look);
	for (i = 0; i < 64; i++)
		if (info[i].status || info[i].page != pages[i])
			complain("agent %u: PAGE_INFO: status %d of a page of ours",
				 me->p->number, info[i].status);
	MUST(me, TW_IOC_ADDR_PAGE, &where);
	must_equal("ADDR_PAGE", where.page,
		   TW_PAGE(tw_region_id(me->region),
			   (where.addr - (uintptr_t)me->base) / PAGE));
	MUST(me, TW_IOC_PAGE_LIST, &list);
	c.to_tier = (c.from_tier + 1 + draw(random, TW_NR_TIERS - 1)) %
		    TW_NR_TIERS;
	MUST(me, TW_IOC_CANDIDATES, &c);
	MUST(me, TW_IOC_MARK, &mark);
}

static void ask_about_tiers(struct me *me, uint64_t *random)
{
	__u32 tier = draw(random, TW_NR_TIERS);
	struct tw_pressure pressure = { .tier = tier };
	struct tw_fault_stats faults = { .tier = tier };
	struct tw_thresholds levels = { .tier = tier };
	struct tw_numa_stats node = { .node = draw(random, 2) };
	struct tw_module_stats module = { .flags = 0 };
	struct tw_stats_tier copy;
	int ret;

	MUST(me, TW_IOC_PRESSURE, &pressure);
	MUST(me, TW_IOC_FAULT_STATS, &faults);
	ret = CALL(me, TW_IOC_THRESHOLDS, &levels);
	must(me, "THRESHOLDS", ret);
	if (!ret) {
		/* Nobody changes them, so setting them again is no change. */
		levels.flags = TW_THRESHOLDS_SET;
		MUST(me, TW_IOC_THRESHOLDS, &levels);
	}
	MUST(me, TW_IOC_NUMA_STATS, &node);
	MUST(me, TW_IOC_MODULE_STATS, &module);
	must(me, "statistics", tw_stats_get_tier(me->tw, tier, &copy));
}

static void ask_about_agents(struct me *me, uint64_t *random)
{
	struct tw_agent_stats stats = { .agent_fd = tw_agent_fd(me->agent) };
	struct tw_agent_stats other = {
		.agent_fd = -1, .flags = TW_AGENT_BY_ID,
		.id = 100 + draw(random, NR_AGENTS) };
	struct tw_agent_limits limits = { .agent_fd = tw_agent_fd(me->agent) };
	struct tw_agent_entry found[4];
	struct tw_agent_list list = { .nr = 4, .agents = (uintptr_t)found,
				      .entry_size = sizeof(found[0]),
				      .cursor = draw(random, NR_AGENTS) };
	unsigned int tier;
	int ret;

	MUST(me, TW_IOC_AGENT_STATS, &stats);
	MUST(me, TW_IOC_AGENT_LIST, &list);
	/* Somebody else may not be there yet. */
	ret = CALL(me, TW_IOC_AGENT_STATS, &other);
	if (ret != -ENOENT)
		must(me, "AGENT_STATS by label", ret);
	ret = CALL(me, TW_IOC_AGENT_LIMITS, &limits);
	must(me, "AGENT_LIMITS", ret);
	if (ret)
		return;
	/* Now there is room in memory, now there is not. */
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		limits.pages[tier] = TW_NO_LIMIT;
	if (draw(random, 2)) {
		limits.pages[TW_TIER_GPU] = NR_PAGES / 4;
		limits.pages[TW_TIER_CPU] = NR_PAGES / 4;
	}
	limits.flags = TW_LIMITS_SET;
	MUST(me, TW_IOC_AGENT_LIMITS, &limits);
}

static void *ask(void *data)
{
	struct me *me = data;
	uint64_t random = 44 + me->p->number;
	struct tw_stream *stream;
	struct tw_event events[64];
	unsigned int n = 0;
	size_t nr;
	int ret;

	ret = tw_stream_create(me->tw, TW_EVENT_ALL, me->agent, 256, &stream);
	must(me, "STREAM_CREATE", ret);
	while (in_phase(RUN)) {
		ask_about_pages(me, &random);
		ask_about_tiers(me, &random);
		if (!(n % 8))
			ask_about_agents(me, &random);
		for (nr = 64; !ret && nr == 64; me->p->events += nr)
			nr = tw_stream_read(stream, events, 64);
		if (++n == 64)
			done_enough(me);
	}
	if (!ret)
		tw_stream_close(stream);
	return NULL;
}

/* -- an agent -------------------------------------------------------------- */

static void reach(struct me *me, enum phase phase)
{
	__atomic_store_n(&me->p->reached, phase, __ATOMIC_RELEASE);
	while (__atomic_load_n(&crowd->phase, __ATOMIC_ACQUIRE) <= (int)phase)
		usleep(10000);
}

static void open_all(struct me *me)
{
	must(me, "open", tw_open(NULL, &me->tw));
	if (!me->tw)
		_exit(2);
	must(me, "AGENT_CREATE",
	     tw_agent_create(me->tw, 100 + me->p->number, &me->agent));
	if (!me->agent)
		_exit(2);
	must(me, "REGION_CREATE",
	     tw_region_create(me->tw, NR_PAGES * PAGE,
			      me->p->number % 2 ? TW_TIER_GPU : TW_TIER_CPU, 0,
			      me->agent, &me->region));
	if (!me->region)
		_exit(2);
	me->base = tw_region_addr(me->region);
	/* They are there before anybody asks for them. */
	write_all(me);
}

static void be_agent(struct person *p)
{
	static void *(*const work[])(void *) = {
		write_pages, send_pages, ring_pages, move, report, ask,
	};
	struct me *me = calloc(1, sizeof(*me));
	pthread_t thread[NR_THREADS];
	unsigned int i;

	_Static_assert(sizeof(work) / sizeof(*work) == NR_THREADS,
		       "each thread has its work");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!me)
		_exit(2);
	me->p = p;
	open_all(me);
	for (i = 0; i < NR_THREADS; i++)
		if (pthread_create(&thread[i], NULL, work[i], me))
			_exit(2);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(thread[i], NULL);
	check_all(me);
	reach(me, RUN);
	/* In STOP the main process waits until the queue is empty. */
	reach(me, STOP);
	must(me, "AGENT_STATS", tw_agent_stats(me->tw, me->agent, &p->stats));
	must(me, "REGION_INFO", tw_region_info(me->region, &p->info));
	reach(me, MEASURE);
	check_all(me);
	untrack(me);
	tw_region_close(me->region);
	tw_agent_close(me->agent);
	tw_close(me->tw);
	_exit(0);
}

/* -- counting -------------------------------------------------------------- */

static struct totals get_totals(const struct tw_stats *stats)
{
	struct totals t = {
		.sigbus = tw_stats_sigbus(stats), .lost = stats->lost,
		.external = stats->external,
		.external_bytes = stats->external_bytes,
		.regions = stats->regions, .agents = stats->agents,
		.streams = stats->streams,
		.record_bytes = stats->record_bytes,
		.requests_ended = stats->requests_done + stats->requests_failed,
	};
	struct tw_stats_counters c;
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		tw_stats_sum(stats, tier, &c);
		t.faults += c.minor_read + c.minor_write + c.major_read +
			    c.major_write;
		t.reported += c.reported;
		t.io_errors += c.io_errors;
	}
	return t;
}

static uint64_t sum_of(const __u64 *by_tier)
{
	uint64_t sum = 0;
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++)
		sum += by_tier[tier];
	return sum;
}

static void count_agent(const struct person *p, uint64_t *faults)
{
	must_equal("pages of an agent", sum_of(p->stats.pages), NR_PAGES);
	must_equal("pages of a region", sum_of(p->info.pages), NR_PAGES);
	must_equal("external pages of an agent", sum_of(p->stats.external),
		   p->tracked);
	must_equal("faults reported of an agent", p->stats.reported,
		   p->reports);
	must_equal("pages lost", p->info.lost, 0);
	*faults += sum_of(p->stats.faults_minor) +
		   sum_of(p->stats.faults_major);
}

static void count_module(int device, const struct totals *is)
{
	struct tw_module_stats m = { .size = sizeof(m) };

	if (ioctl(device, TW_IOC_MODULE_STATS, &m)) {
		if (!(allow_missing && errno == EOPNOTSUPP))
			complain("MODULE_STATS: %s", strerror(errno));
		return;
	}
	must_equal("pages tracked, says the module", m.pages_tracked,
		   NR_AGENTS * NR_PAGES + is->external);
	must_equal("external pages, says the module", m.pages_external,
		   is->external);
	must_equal("faults, says the module", m.faults, is->faults);
	must_equal("faults reported, says the module", m.faults_reported,
		   is->reported);
	must_equal("requests ended, says the module",
		   m.requests_done + m.requests_failed, is->requests_ended);
}

static void count(int device, const struct tw_stats *stats,
		  const struct totals *before)
{
	struct totals is = get_totals(stats);
	uint64_t tracked = 0, reports = 0, requests = 0, faults = 0, calls = 0;
	uint64_t moved = 0, events = 0;
	unsigned int i;

	for (i = 0; i < NR_AGENTS; i++) {
		const struct person *p = &crowd->person[i];

		count_agent(p, &faults);
		tracked += p->tracked;
		reports += p->reports;
		requests += p->requests;
		calls += p->calls;
		moved += p->moved;
		events += p->events;
	}
	printf("%llu external pages, %llu faults reported and %llu real, %llu requests, %llu moves, %llu events read, %llu other calls\n",
	       (unsigned long long)tracked, (unsigned long long)reports,
	       (unsigned long long)faults, (unsigned long long)requests,
	       (unsigned long long)moved, (unsigned long long)events,
	       (unsigned long long)calls);
	must_equal("faults of all tiers", is.faults - before->faults, faults);
	must_equal("faults reported of all tiers",
		   is.reported - before->reported, reports);
	must_equal("external pages", is.external - before->external, tracked);
	must_equal("requests that ended",
		   is.requests_ended - before->requests_ended, requests);
	must_equal("I/O errors", is.io_errors, before->io_errors);
	must_equal("faults that ended in SIGBUS", is.sigbus, before->sigbus);
	must_equal("pages lost", is.lost, before->lost);
	count_module(device, &is);
	if (allow_missing)
		return;
	if (tracked < 10000 || reports + faults < 100000)
		complain("a small crowd: 10000 pages and 100000 faults are the least");
}

static void count_rest(const struct tw_stats *stats, const struct totals *before)
{
	double end = now() + 60;
	struct totals is;

	do {
		/* Regions are taken down by a worker. */
		usleep(100000);
		is = get_totals(stats);
	} while ((is.regions != before->regions ||
		  is.agents != before->agents ||
		  is.streams != before->streams ||
		  is.record_bytes != before->record_bytes ||
		  is.external != before->external ||
		  is.external_bytes != before->external_bytes) && now() < end);
	must_equal("regions left", is.regions, before->regions);
	must_equal("agents left", is.agents, before->agents);
	must_equal("streams left", is.streams, before->streams);
	must_equal("bytes of records left", is.record_bytes,
		   before->record_bytes);
	must_equal("external pages left", is.external, before->external);
	must_equal("bytes of external records left", is.external_bytes,
		   before->external_bytes);
}

/* -- the main process ------------------------------------------------------ */

static bool anybody_busy(void)
{
	unsigned int i;

	for (i = 0; i < NR_AGENTS; i++)
		if (__atomic_load_n(&crowd->person[i].busy,
				    __ATOMIC_RELAXED) > 0)
			return true;
	return false;
}

static bool all_reached(enum phase phase)
{
	unsigned int i;

	for (i = 0; i < NR_AGENTS; i++)
		if (__atomic_load_n(&crowd->person[i].reached,
				    __ATOMIC_ACQUIRE) < (int)phase)
			return false;
	return true;
}

/* An agent that is dead reaches nothing any more. */
static bool anybody_dead(void)
{
	siginfo_t info = { .si_pid = 0 };

	waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid != 0;
}

/* Begin a phase and wait until all have been through it; false: one cannot. */
static bool go_through(enum phase phase)
{
	double end = now() + STUCK;

	__atomic_store_n(&crowd->phase, phase, __ATOMIC_RELEASE);
	while (!all_reached(phase)) {
		if (anybody_dead() || now() > end) {
			complain("an agent is %s in phase %d",
				 now() > end ? "stuck" : "dead", phase);
			return false;
		}
		usleep(20000);
	}
	return true;
}

static bool let_them_run(void)
{
	double start = now(), told = start;
	unsigned int i;

	while (now() - start < seconds || anybody_busy()) {
		usleep(100000);
		if (crowd->complaints)
			return true;
		if (anybody_dead() || now() - start > seconds + STUCK) {
			complain("an agent is dead or stuck");
			return false;
		}
		if (now() - told < 20)
			continue;
		told = now();
		printf("%.0f s:", told - start);
		for (i = 0; i < NR_AGENTS; i++)
			printf(" %llu reports",
			       (unsigned long long)crowd->person[i].reports);
		printf("\n");
		fflush(stdout);
	}
	return true;
}

static void drain(const struct tw_stats *stats)
{
	double end = now() + STUCK;

	while (stats->requests_queued && now() < end)
		usleep(20000);
	must_equal("requests still queued", stats->requests_queued, 0);
}

static void run_phases(int device, const struct tw_stats *stats,
		       const struct totals *before)
{
	if (!let_them_run())
		return;
	/* Out of RUN: they stop, check all pages and say so. */
	__atomic_store_n(&crowd->phase, STOP, __ATOMIC_RELEASE);
	drain(stats);
	if (!go_through(STOP))
		return;
	drain(stats);
	if (!go_through(MEASURE))
		return;
	count(device, stats, before);
	__atomic_store_n(&crowd->phase, END, __ATOMIC_RELEASE);
}

static void start_agents(pid_t *pid)
{
	unsigned int i;

	for (i = 0; i < NR_AGENTS; i++) {
		struct person *p = &crowd->person[i];

		p->number = i;
		p->reached = -1;
		p->busy = NR_THREADS;
		pid[i] = fork();
		if (!pid[i])
			be_agent(p);
		if (pid[i] < 0) {
			perror("crowd: fork");
			exit(2);
		}
	}
}

static void end_agents(const pid_t *pid)
{
	unsigned int i;
	int status;

	for (i = 0; i < NR_AGENTS; i++) {
		if (!in_phase(END))
			kill(pid[i], SIGKILL);
		waitpid(pid[i], &status, 0);
		if (in_phase(END) && status)
			complain("agent %u ended with status %#x", i, status);
	}
}

static bool parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "allow-missing", no_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (c == 's')
			seconds = strtod(optarg, NULL);
		else if (c == 'm')
			allow_missing = true;
		else
			return false;
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	const struct tw_stats *stats;
	struct totals before;
	pid_t pid[NR_AGENTS];
	struct tw *tw;
	int ret;

	if (!parse(argc, argv)) {
		fprintf(stderr, "usage: crowd [--seconds S] [--allow-missing]\n"
			"As root, with nobody else at the device.\n");
		return 2;
	}
	crowd = mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ret = crowd == MAP_FAILED ? -ENOMEM : tw_open(NULL, &tw);
	if (!ret)
		ret = tw_stats_map(tw, &stats);
	if (ret) {
		fprintf(stderr, "crowd: %s: %s\n", TW_DEVICE, strerror(-ret));
		return 2;
	}
	before = get_totals(stats);
	start_agents(pid);
	run_phases(tw_fd(tw), stats, &before);
	end_agents(pid);
	count_rest(stats, &before);
	printf("%u failures\n", crowd->complaints);
	return crowd->complaints ? 1 : 0;
}
