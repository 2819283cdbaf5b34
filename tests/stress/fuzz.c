// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz.c - random calls of the whole interface, from many threads
 *
 * Each process has two threads; every other process is an ordinary user in the
 * device's group. They make ioctls of fuzz_gen.c and, in between, map, touch,
 * punch, fork and close. The main process keeps the tiers bound and watches
 * that all get on.
 *
 * It is a failure when a call gives an errno, or a page an outcome, that the
 * contract at the top of the header does not have; when a refused call has
 * changed its struct; when a call that succeeded has left outcomes unset; when
 * somebody gets stuck or dies; when a row of the table never succeeds; and
 * when, with everything closed, the driver counts more than before. What
 * happens inside the kernel is for the kernel to complain about.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_THREADS	64
#define NOBODY		65534
#define STUCK		300	/* seconds without a call */
#define MAX_COMPLAINTS	20

struct fuzz_shared {
	bool stop;
	uint32_t complaints;
	uint32_t nr_threads;
	struct tally tally[MAX_THREADS];
};

/* What must be back where it was when all is closed. */
struct census {
	uint64_t regions;
	uint64_t agents;
	uint64_t streams;
	uint64_t record_bytes;
	uint64_t stream_bytes;
	uint64_t external;
	uint64_t external_bytes;
	uint64_t requests_queued;
	uint64_t used[TW_NR_TIERS];
	uint64_t kept[TW_NR_TIERS];
};

struct tw_tier_info fuzz_tiers[TW_NR_TIERS];
int fuzz_store_fd[TW_NR_TIERS];
uint32_t fuzz_max_pages;

static struct fuzz_shared *shared;
static uint64_t max_calls = 1000000, seed;
static double max_seconds = 2400;
static unsigned int nr_processes = 3;
static bool allow_missing;
static struct slot first_slots[NR_OBJECT_KINDS][NR_SHARED];
static struct tw_thresholds first_thresholds[TW_NR_TIERS];
static struct tw_agent_limits first_limits;
static struct tw_policy first_policy;
static __thread sigjmp_buf *touching;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void complain(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (__atomic_fetch_add(&shared->complaints, 1, __ATOMIC_RELAXED) <
	    MAX_COMPLAINTS)
		dprintf(STDERR_FILENO, "fuzz: %s\n", text);
}

static void die(const char *what)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* -- judging --------------------------------------------------------------- */

static void judge_error(const struct fuzzer *f, const struct call *call, int err)
{
	bool tells = call->cmd == TW_IOC_TIER_UNBIND ||
		     (call->cmd == TW_IOC_ATTACH && err == EEXIST);

	if (!fuzz_errno_allowed(call->row, err))
		complain("thread %u, call %llu: %s ended with errno %d, which is not in the contract",
			 f->number, (unsigned long long)f->tally->calls,
			 fuzz_call_name(call->row), err);
	/* EMSGSIZE tells the count, an unbind how far it came, EEXIST what is attached. */
	if (call->own && err != EMSGSIZE && !tells &&
	    memcmp(f->arena.before, f->arena.arg, 1024))
		complain("thread %u, call %llu: %s was refused (errno %d) and has changed its struct",
			 f->number, (unsigned long long)f->tally->calls,
			 fuzz_call_name(call->row), err);
}

static void judge_outcomes(const struct fuzzer *f, const struct call *call)
{
	uint32_t i;

	for (i = 0; i < call->nr_status; i++) {
		if (fuzz_status_allowed(f->arena.status[i]))
			continue;
		complain("thread %u, call %llu: %s gave page %u of %u the outcome %d",
			 f->number, (unsigned long long)f->tally->calls,
			 fuzz_call_name(call->row), i, call->nr_status,
			 f->arena.status[i]);
		return;
	}
}

static void judge(struct fuzzer *f, const struct call *call, int ret, int err)
{
	struct tally *t = f->tally;

	t->by_call[call->row]++;
	if (ret < 0) {
		t->errnos[err < NR_ERRNOS ? err : 0]++;
		judge_error(f, call, err);
		return;
	}
	t->passed[call->row]++;
	if (ret)
		complain("%s returned %d", fuzz_call_name(call->row), ret);
	if (call->row == fuzz_nr_calls())
		return;
	judge_outcomes(f, call);
}

static void make_call(struct fuzzer *f)
{
	struct call call;
	double start;
	uint32_t i;
	int ret, err;

	fuzz_generate(f, &call);
	for (i = 0; i < call.nr_status; i++)
		f->arena.status[i] = STATUS_UNSET;
	memcpy(f->arena.before, f->arena.arg, 1024);
	__atomic_store_n(&f->tally->last, call.row, __ATOMIC_RELAXED);
	start = now();
	ret = ioctl(call.fd, call.cmd, call.arg);
	err = errno;
	f->tally->us[call.row] += (now() - start) * 1e6;
	judge(f, &call, ret, err);
	__atomic_store_n(&f->tally->calls, f->tally->calls + 1,
			 __ATOMIC_RELAXED);
	/* An object made at a strange address: its fd is there, too. */
	if (!ret && call.own && !fuzz_keep(f, &call))
		complain("%s succeeded without an fd", fuzz_call_name(call.row));
}

/* -- memory ---------------------------------------------------------------- */

static void on_bad_access(int signal)
{
	if (touching)
		siglongjmp(*touching, 1);
	/* Not ours to survive. */
	complain("signal %d where nothing was touched on purpose", signal);
	_exit(3);
}

static void touch(struct fuzzer *f)
{
	const struct mapping *m = &f->mapping[fuzz_random(f, NR_MAPPINGS)];
	uint64_t at = fuzz_random(f, MAPPING_PAGES);
	unsigned int nr = 1 + fuzz_random(f, 4);
	bool write = one_in(f, 2);
	sigjmp_buf back;
	volatile unsigned int i;

	if (!m->at || sigsetjmp(back, 0))
		goto out;
	touching = &back;
	for (i = 0; i < nr; i++) {
		volatile unsigned char *p =
			m->at + (at + i) * PAGE % m->bytes;

		if (write)
			*p = nr;
		else
			(void)*p;
	}
out:
	touching = NULL;
}

/* A mapping is replaced by nothing that something else could be put into. */
static void unmap(struct mapping *m)
{
	if (m->at)
		mmap(m->at, m->bytes, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		     -1, 0);
	m->at = NULL;
}

static unsigned char *reserve(uint64_t bytes, uint64_t guard)
{
	unsigned char *p = mmap(NULL, bytes + guard, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				-1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static unsigned char *guarded(uint64_t bytes, int prot)
{
	unsigned char *p = reserve(bytes, GUARD);

	if (mprotect(p, bytes, prot))
		die("mprotect");
	return p;
}

static void map(struct fuzzer *f, unsigned char *window)
{
	unsigned int at = fuzz_random(f, NR_MAPPINGS);
	const struct slot *any = &f->slot[ON_REGION][fuzz_random(f, NR_OBJECTS)];
	const struct slot *busy = &f->slot[ON_REGION][fuzz_random(f, NR_SHARED)];
	const struct slot *s = one_in(f, 3) ? any : busy;
	struct mapping *m = &f->mapping[at];
	/* Regions may be huge; their places in the window are not. */
	uint64_t pages = s->pages < MAPPING_PAGES ? s->pages : MAPPING_PAGES;
	bool read_only = one_in(f, 8);
	unsigned char *p;

	unmap(m);
	if (s->fd < 0 || !pages)
		return;
	p = mmap(window + at * (MAPPING_PAGES * PAGE + GUARD), pages * PAGE,
		 read_only ? PROT_READ : PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, s->fd, 0);
	if (p == MAP_FAILED)
		return;
	m->at = p;
	m->bytes = pages * PAGE;
}

/* -- other calls ----------------------------------------------------------- */

static void drop(struct fuzzer *f)
{
	enum object kind = ON_REGION + fuzz_random(f, NR_OBJECT_KINDS - 1);
	unsigned int at = NR_SHARED + fuzz_random(f, NR_OBJECTS - NR_SHARED);
	struct slot *s = &f->slot[kind][at];

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void punch(struct fuzzer *f)
{
	const struct slot *s = &f->slot[ON_REGION][fuzz_random(f, NR_OBJECTS)];
	uint64_t from = fuzz_random(f, MAPPING_PAGES), nr = fuzz_random(f, 64);
	int mode = one_in(f, 8) ? fuzz_random(f, 128) :
				  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (s->fd >= 0)
		fallocate(s->fd, mode, from * PAGE, nr * PAGE);
}

static void advise(struct fuzzer *f)
{
	static const int advice[] = { MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT,
				      MADV_WILLNEED, MADV_REMOVE };
	const struct mapping *m = &f->mapping[fuzz_random(f, NR_MAPPINGS)];
	int one = advice[fuzz_random(f, 5)];

	if (m->at)
		madvise(m->at, m->bytes, one);
}

/* A child that has all our objects and mappings, and lets go of them. */
static void fork_one(struct fuzzer *f)
{
	pid_t pid = fork();

	if (!pid) {
		touch(f);
		close(f->slot[ON_REGION][NR_SHARED].fd);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void look_at_stream(struct fuzzer *f)
{
	const struct slot *s = &f->slot[ON_STREAM][fuzz_random(f, NR_OBJECTS)];
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	uint64_t bytes = (1 + fuzz_random(f, 64)) * PAGE;
	unsigned char *at;

	if (s->fd < 0)
		return;
	poll(&p, 1, 0);
	at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, s->fd, 0);
	if (at != MAP_FAILED)
		munmap(at, bytes);
}

static void do_something_else(struct fuzzer *f, unsigned char *window)
{
	switch (fuzz_random(f, 32)) {
	case 0 ... 3:
		map(f, window);
		break;
	case 4:
		unmap(&f->mapping[fuzz_random(f, NR_MAPPINGS)]);
		break;
	case 5 ... 6:
		drop(f);
		break;
	case 7 ... 8:
		punch(f);
		break;
	case 9:
		advise(f);
		break;
	case 10:
		look_at_stream(f);
		break;
	case 11:
		if (one_in(f, 40))
			fork_one(f);
		break;
	default:
		touch(f);
	}
}

/* -- a thread -------------------------------------------------------------- */

static void make_arena(struct arena *a)
{
	unsigned char *edge = guarded(2 * PAGE, PROT_READ | PROT_WRITE);

	a->arg = guarded(ARG_ROOM, PROT_READ | PROT_WRITE);
	a->pages = (void *)guarded(MAX_NR * sizeof(struct tw_request),
				   PROT_READ | PROT_WRITE);
	a->status = (void *)guarded(MAX_NR * sizeof(*a->status),
				    PROT_READ | PROT_WRITE);
	a->infos = guarded(MAX_BYTES, PROT_READ | PROT_WRITE);
	a->read_only = guarded(PAGE, PROT_READ);
	a->edge = edge + 2 * PAGE;
}

static void make_slots(struct fuzzer *f)
{
	unsigned int kind, i;

	for (kind = 0; kind < NR_OBJECT_KINDS; kind++)
		for (i = 0; i < NR_OBJECTS; i++)
			f->slot[kind][i] = i < NR_SHARED ? first_slots[kind][i] :
				(struct slot){ .fd = -1 };
	f->device = open(TW_DEVICE, O_RDWR | O_CLOEXEC);
	if (f->device < 0)
		die(TW_DEVICE);
	f->slot[ON_DEVICE][0].fd = f->device;
	f->strange[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	f->strange[1] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->strange[2] = -1;
	f->strange[3] = 987654;
}

static void *run_thread(void *data)
{
	struct tally *t = &shared->tally[(uintptr_t)data];
	uint64_t quota = max_calls / shared->nr_threads + 1;
	struct fuzzer *f = calloc(1, sizeof(*f));
	unsigned char *window;

	if (!f)
		die("memory");
	window = reserve(NR_MAPPINGS * (MAPPING_PAGES * PAGE + GUARD), 0);
	f->number = (uintptr_t)data;
	f->random = seed * 1000003 + f->number * 7919;
	f->tally = t;
	make_arena(&f->arena);
	make_slots(f);
	while (t->calls < quota &&
	       !__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		if (fuzz_random(f, 16))
			make_call(f);
		else
			do_something_else(f, window);
	}
	__atomic_store_n(&t->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* -- a process ------------------------------------------------------------- */

static void on_alarm(int signal)
{
	(void)signal;
}

static void set_signals(bool interrupted)
{
	struct sigaction bad = { .sa_handler = on_bad_access,
				 .sa_flags = SA_NODEFER };
	struct sigaction alarm = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 17000 }, { 0, 17000 } };

	sigaction(SIGBUS, &bad, NULL);
	sigaction(SIGSEGV, &bad, NULL);
	/* Without SA_RESTART: calls are interrupted. */
	sigaction(SIGALRM, &alarm, NULL);
	if (interrupted)
		setitimer(ITIMER_REAL, &often, NULL);
}

static void become_user(void)
{
	struct stat st;

	if (stat(TW_DEVICE, &st))
		die(TW_DEVICE);
	if (setgroups(1, &st.st_gid) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		die("becoming an ordinary user");
}

static void run_process(unsigned int number)
{
	const struct rlimit few = { 40, 40 }, none = { 0, 0 };
	pthread_t thread[2];
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	if (number & 1)
		become_user();
	/* One of them runs out of fds. */
	if (number == 2)
		setrlimit(RLIMIT_NOFILE, &few);
	set_signals(number & 1 || number & 2);
	for (i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, run_thread,
				   (void *)(uintptr_t)(2 * number + i)))
			die("pthread_create");
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

/* -- tiers ----------------------------------------------------------------- */

static int bind_tier(int device, unsigned int tier)
{
	const struct tw_tier_info *info = &fuzz_tiers[tier];
	struct tw_tier_bind bind = {
		.size = sizeof(bind), .tier = tier,
		.flags = info->kind == TW_KIND_NUMA ? TW_BIND_MOVABLE : 0,
		.fd = fuzz_store_fd[tier], .capacity = info->capacity,
		.nodes = info->kind == TW_KIND_NUMA ? info->nodes : 0,
	};

	return ioctl(device, TW_IOC_TIER_BIND, &bind);
}

static struct tw_tier_info get_tier(int device, unsigned int tier)
{
	struct tw_tier_info info = { .size = sizeof(info), .tier = tier };

	if (ioctl(device, TW_IOC_TIER_INFO, &info))
		die("TIER_INFO");
	return info;
}

static int open_store(uint32_t dev)
{
	char path[64], folder[] = "/tmp/fuzz-XXXXXX";
	int fd;

	snprintf(path, sizeof(path), "/dev/block/%u:%u", dev >> 8, dev & 0xff);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* Without udev there is no such folder. */
	if (!mkdtemp(folder))
		die(folder);
	snprintf(path, sizeof(path), "%s/store", folder);
	if (mknod(path, S_IFBLK | 0600, dev))
		die(path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(path);
	unlink(path);
	rmdir(folder);
	return fd;
}

static void find_tiers(int device)
{
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		fuzz_tiers[tier] = get_tier(device, tier);
		fuzz_store_fd[tier] = -1;
		if (fuzz_tiers[tier].kind == TW_KIND_STORE)
			fuzz_store_fd[tier] = open_store(fuzz_tiers[tier].dev);
	}
}

/* What somebody has unbound, or made smaller, is as it was, sooner or later. */
static void keep_tiers(int device)
{
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		struct tw_tier_info now = get_tier(device, tier);
		struct tw_tier_resize resize = { .size = sizeof(resize), .tier = tier,
						 .capacity = fuzz_tiers[tier].capacity };

		if (fuzz_tiers[tier].kind == TW_KIND_NONE)
			continue;
		if (now.kind == TW_KIND_NONE)
			bind_tier(device, tier);
		else if (now.kind == TW_KIND_STORE && now.capacity < resize.capacity)
			ioctl(device, TW_IOC_TIER_RESIZE, &resize);
	}
}

/* As it was before. */
static void restore_tiers(int device)
{
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		struct tw_tier_unbind unbind = { .size = sizeof(unbind),
						 .tier = tier };

		if (get_tier(device, tier).kind != TW_KIND_NONE &&
		    ioctl(device, TW_IOC_TIER_UNBIND, &unbind))
			complain("unbinding tier %u with nothing left: %s",
				 tier, strerror(errno));
		if (fuzz_tiers[tier].kind != TW_KIND_NONE &&
		    bind_tier(device, tier) && errno != EBUSY)
			complain("binding tier %u again: %s", tier,
				 strerror(errno));
	}
	keep_tiers(device);
}

/* -- settings that outlive us ---------------------------------------------- */

static void save_settings(int device)
{
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		first_thresholds[tier].size = sizeof(first_thresholds[tier]);
		first_thresholds[tier].tier = tier;
		if (ioctl(device, TW_IOC_THRESHOLDS, &first_thresholds[tier]) &&
		    !(allow_missing && errno == EOPNOTSUPP))
			die("THRESHOLDS");
	}
	first_limits.size = sizeof(first_limits);
	first_limits.agent_fd = -1;
	if (ioctl(device, TW_IOC_AGENT_LIMITS, &first_limits) &&
	    errno != ENOENT && !(allow_missing && errno == EOPNOTSUPP))
		die("AGENT_LIMITS");
	first_policy.size = sizeof(first_policy);
	if (ioctl(device, TW_IOC_POLICY, &first_policy) &&
	    !(allow_missing && errno == EOPNOTSUPP))
		die("POLICY");
}

/* Of the users that are tried. */
static void lift_user_limits(int device)
{
	struct tw_group_limits limits = {
		.size = sizeof(limits),
		.flags = TW_GROUP_SET,
		.kind = TW_GROUP_USER,
	};
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++)
		limits.pages[tier] = TW_NO_LIMIT;
	for (limits.uid = 0; limits.uid < 4; limits.uid++)
		if (ioctl(device, TW_IOC_GROUP_LIMITS, &limits) &&
		    !(allow_missing && errno == EOPNOTSUPP))
			complain("lifting a user's limits again: %s",
				 strerror(errno));
}

static void restore_settings(int device)
{
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		first_thresholds[tier].flags = TW_THRESHOLDS_SET;
		if (ioctl(device, TW_IOC_THRESHOLDS, &first_thresholds[tier]) &&
		    !(allow_missing && errno == EOPNOTSUPP))
			complain("setting the thresholds of tier %u again: %s",
				 tier, strerror(errno));
	}
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		first_limits.pages[tier] = TW_NO_LIMIT;
		first_limits.hard[tier] = TW_NO_LIMIT;
	}
	first_limits.flags = TW_LIMITS_SET;
	/* No default agent any more: no limits either. */
	if (ioctl(device, TW_IOC_AGENT_LIMITS, &first_limits) &&
	    errno != ENOENT && !(allow_missing && errno == EOPNOTSUPP))
		complain("lifting the limits again: %s", strerror(errno));
	lift_user_limits(device);
	first_policy.set = TW_POLICY_SETS;
	first_policy.mode_set = TW_POLICY_MODES;
	if (ioctl(device, TW_IOC_POLICY, &first_policy) &&
	    !(allow_missing && errno == EOPNOTSUPP))
		complain("setting the policy again: %s", strerror(errno));
}

/* One pass; a page that cools down meanwhile may be in none of the lists. */
static void untrack_listed(int device)
{
	static struct tw_page found[256];
	static uint64_t pages[256];
	uint32_t temperature, i, nr;

	for (temperature = 0; temperature < TW_NR_CLASSES; temperature++) {
		struct tw_page_list list = {
			.size = sizeof(list), .tier = TW_TIER_NONE,
			.temperature = temperature,
			.entry_size = sizeof(found[0]),
			.infos = (uintptr_t)found,
		};

		do {
			list.nr = 256;
			if (ioctl(device, TW_IOC_PAGE_LIST, &list)) {
				if (!(allow_missing && errno == EOPNOTSUPP))
					complain("PAGE_LIST: %s", strerror(errno));
				return;
			}
			for (i = 0, nr = 0; i < list.nr; i++)
				if (found[i].flags & TW_PAGE_EXTERNAL)
					pages[nr++] = found[i].page;
			struct tw_untrack untrack = {
				.size = sizeof(untrack), .nr = nr,
				.pages = (uintptr_t)pages,
			};
			if (nr && ioctl(device, TW_IOC_UNTRACK, &untrack))
				complain("UNTRACK: %s", strerror(errno));
		} while (list.cursor);
	}
}

/* External pages of the default agent stay until somebody forgets them. */
static void untrack_all(int device, const struct tw_stats *stats)
{
	unsigned int pass;

	for (pass = 0; pass < 10 && stats->external; pass++)
		untrack_listed(device);
}

/* -- before and after ------------------------------------------------------ */

static struct census take_census(int device, const struct tw_stats *stats)
{
	struct census c = {
		.regions = stats->regions, .agents = stats->agents,
		.streams = stats->streams, .record_bytes = stats->record_bytes,
		.stream_bytes = stats->stream_bytes,
		.external = stats->external,
		.external_bytes = stats->external_bytes,
		.requests_queued = stats->requests_queued,
	};
	unsigned int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		struct tw_tier_info info = get_tier(device, tier);

		c.used[tier] = info.used;
		c.kept[tier] = info.kept;
	}
	return c;
}

#define NR_CENSUS	(sizeof(struct census) / sizeof(uint64_t))

/* The first figure that is more than before; NR_CENSUS: none. */
static unsigned int census_leak(const struct census *before,
				const struct census *after)
{
	const uint64_t *b = (const uint64_t *)before;
	const uint64_t *a = (const uint64_t *)after;
	unsigned int i;

	for (i = 0; i < NR_CENSUS; i++)
		if (a[i] > b[i])
			break;
	return i;
}

static void check_census(int device, const struct tw_stats *stats,
			 const struct census *before)
{
	static const char *const name[] = {
		"regions", "agents", "streams", "record_bytes", "stream_bytes",
		"external", "external_bytes", "requests_queued",
		"used GPU", "used CPU", "used NVMe", "used SSD", "used HDD",
		"kept GPU", "kept CPU", "kept NVMe", "kept SSD", "kept HDD",
	};
	double end = now() + 60;
	struct census after;
	unsigned int i;

	_Static_assert(sizeof(name) / sizeof(name[0]) == NR_CENSUS, "names");
	do {
		/* Regions are taken down by a worker. */
		usleep(100000);
		after = take_census(device, stats);
		i = census_leak(before, &after);
	} while (i < NR_CENSUS && now() < end);
	if (i < NR_CENSUS)
		complain("left behind: %s is %llu, was %llu", name[i],
			 (unsigned long long)((uint64_t *)&after)[i],
			 (unsigned long long)((const uint64_t *)before)[i]);
}

/* -- the objects that all share -------------------------------------------- */

static void touch_all(int region)
{
	unsigned char *at = mmap(NULL, MAPPING_PAGES * PAGE,
				 PROT_READ | PROT_WRITE, MAP_SHARED, region, 0);

	if (at == MAP_FAILED)
		die("mapping a region");
	memset(at, 1, MAPPING_PAGES * PAGE);
	munmap(at, MAPPING_PAGES * PAGE);
}

static void make_shared_objects(int device)
{
	unsigned int i;

	for (i = 0; i < NR_SHARED; i++) {
		struct tw_agent_create agent = { .size = sizeof(agent),
						 .id = 1000 + i };
		struct tw_region_create region = { .size = sizeof(region) };
		struct tw_stream_create stream = { .size = sizeof(stream) };

		if (ioctl(device, TW_IOC_AGENT_CREATE, &agent))
			die("AGENT_CREATE");
		region.bytes = MAPPING_PAGES * PAGE;
		region.affinity = i;
		region.agent_fd = i ? agent.fd : -1;
		if (ioctl(device, TW_IOC_REGION_CREATE, &region))
			die("REGION_CREATE");
		stream.mask = TW_EVENT_ALL;
		stream.agent_fd = i ? agent.fd : -1;
		stream.events = TW_STREAM_MIN_EVENTS;
		if (ioctl(device, TW_IOC_STREAM_CREATE, &stream))
			die("STREAM_CREATE");
		touch_all(region.fd);
		first_slots[ON_DEVICE][i] = (struct slot){ .fd = device };
		first_slots[ON_AGENT][i] = (struct slot){ agent.fd, agent.id, 0 };
		first_slots[ON_STREAM][i] = (struct slot){ .fd = stream.fd };
		first_slots[ON_REGION][i] = (struct slot){
			region.fd, region.id, MAPPING_PAGES };
	}
}

static void close_shared_objects(void)
{
	unsigned int kind, i;

	for (kind = ON_REGION; kind < NR_OBJECT_KINDS; kind++)
		for (i = 0; i < NR_SHARED; i++)
			close(first_slots[kind][i].fd);
}

/* -- watching -------------------------------------------------------------- */

static uint64_t all_calls(void)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < shared->nr_threads; i++)
		sum += __atomic_load_n(&shared->tally[i].calls, __ATOMIC_RELAXED);
	return sum;
}

/* True when a thread has made no call for too long. */
static bool anybody_stuck(uint64_t *seen, double *since)
{
	unsigned int i;

	for (i = 0; i < shared->nr_threads; i++) {
		const struct tally *t = &shared->tally[i];
		uint64_t calls = __atomic_load_n(&t->calls, __ATOMIC_RELAXED);

		if (calls != seen[i] ||
		    __atomic_load_n(&t->done, __ATOMIC_ACQUIRE)) {
			seen[i] = calls;
			since[i] = now();
		} else if (now() - since[i] > STUCK) {
			complain("thread %u is stuck after %llu calls, the last one %s",
				 i, (unsigned long long)calls,
				 fuzz_call_name(t->last));
			return true;
		}
	}
	return false;
}

static unsigned int reap(const pid_t *pid, bool *gone, int flags)
{
	unsigned int i, alive = 0;
	int status;

	for (i = 0; i < nr_processes; i++) {
		if (gone[i])
			continue;
		if (waitpid(pid[i], &status, flags) != pid[i]) {
			alive++;
			continue;
		}
		gone[i] = true;
		if (WIFSIGNALED(status) || WEXITSTATUS(status))
			complain("process %u: %s %d", i,
				 WIFSIGNALED(status) ? "signal" : "exit code",
				 WIFSIGNALED(status) ? WTERMSIG(status) :
				 WEXITSTATUS(status));
	}
	return alive;
}

static void watch(int device, const pid_t *pid)
{
	static double since[MAX_THREADS];
	static uint64_t seen[MAX_THREADS];
	static bool gone[MAX_THREADS];
	double start = now(), told = start, kept = start;
	unsigned int i;

	for (i = 0; i < MAX_THREADS; i++)
		since[i] = start;
	while (reap(pid, gone, WNOHANG)) {
		usleep(200000);
		/* Not at once: the threads should bind some themselves. */
		if (now() - kept > 2) {
			keep_tiers(device);
			kept = now();
		}
		if (now() - start > max_seconds || shared->complaints)
			__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
		if (now() - told > 20) {
			told = now();
			printf("%.0f s: %llu calls\n", told - start,
			       (unsigned long long)all_calls());
			fflush(stdout);
		}
		if (!anybody_stuck(seen, since))
			continue;
		for (i = 0; i < nr_processes; i++)
			if (!gone[i])
				kill(pid[i], SIGKILL);
		reap(pid, gone, 0);
		return;
	}
}

/* -- the report ------------------------------------------------------------ */

static void report_errnos(void)
{
	unsigned int i, thread;

	printf("errno:");
	for (i = 0; i < NR_ERRNOS; i++) {
		uint64_t sum = 0;

		for (thread = 0; thread < shared->nr_threads; thread++)
			sum += shared->tally[thread].errnos[i];
		if (sum)
			printf(" %s %llu", strerrorname_np(i) ?: "?",
			       (unsigned long long)sum);
	}
	printf("\n");
}

static void report(double seconds)
{
	uint64_t all = 0, good = 0;
	unsigned int row, i;

	for (row = 0; row <= fuzz_nr_calls(); row++) {
		uint64_t calls = 0, passed = 0;
		double us = 0;

		for (i = 0; i < shared->nr_threads; i++) {
			us += shared->tally[i].us[row];
			calls += shared->tally[i].by_call[row];
			passed += shared->tally[i].passed[row];
		}
		printf("%-24s %9llu calls %5.1f %% succeeded %9.0f us each\n",
		       fuzz_call_name(row), (unsigned long long)calls,
		       calls ? 100.0 * passed / calls : 0.0,
		       calls ? us / calls : 0.0);
		all += calls;
		good += passed;
		if (row < fuzz_nr_calls() && calls >= 500 && !passed &&
		    !allow_missing)
			complain("%s has never succeeded: the fuzzer does not reach it",
				 fuzz_call_name(row));
	}
	report_errnos();
	printf("%llu calls in %.0f s, %.0f a second, %.1f %% succeeded\n",
	       (unsigned long long)all, seconds, all / seconds,
	       all ? 100.0 * good / all : 0.0);
	if (all < max_calls && !shared->complaints)
		complain("only %llu calls of %llu were made in time",
			 (unsigned long long)all, (unsigned long long)max_calls);
}

/* -- its own checks -------------------------------------------------------- */

static int check_failed;

static void check(const char *name, bool good)
{
	printf("%sok %s\n", good ? "" : "not ", name);
	check_failed |= !good;
}

/* Complaints that @judge makes about a call that ended so. */
static uint32_t judged(int ret, int err, bool change, int32_t status)
{
	static struct fuzzer f;
	struct call call = { .row = 0, .cmd = TW_IOC_INFO, .own = true,
			     .nr_status = 1 };
	uint32_t before = shared->complaints;

	if (!f.arena.arg)
		make_arena(&f.arena);
	f.tally = &shared->tally[0];
	f.arena.status[0] = status;
	memcpy(f.arena.before, f.arena.arg, 1024);
	f.arena.arg[20] ^= change;
	judge(&f, &call, ret, err);
	return shared->complaints - before;
}

static bool same_seed_same_calls(void)
{
	static struct fuzzer f[2];
	struct call call[2];
	unsigned int i, n;

	for (i = 0; i < 2; i++) {
		make_arena(&f[i].arena);
		f[i].random = 42;
		f[i].tally = &shared->tally[i];
		/* Whatever there is of objects. */
		memset(f[i].slot, i ? 0xff : 0, sizeof(f[i].slot));
		f[i].device = 100;
	}
	for (n = 0; n < 10000; n++) {
		for (i = 0; i < 2; i++)
			fuzz_generate(&f[i], &call[i]);
		if (call[0].row != call[1].row || call[0].cmd != call[1].cmd ||
		    call[0].own != call[1].own ||
		    f[0].random != f[1].random)
			return false;
	}
	return true;
}

/* Would it notice? Prints one line a check. */
static int self_check(void)
{
	struct census before = { .regions = 1 }, after = before;

	check("an errno of the contract is fine", !judged(-1, EINVAL, false, 0));
	check("an errno outside of it is not", judged(-1, ENXIO, false, 0));
	check("nor is one that is the kernel's own", judged(-1, 512, false, 0));
	check("EIO is TIER_UNBIND's and TIER_RESIZE's only", judged(-1, EIO, false, 0));
	check("a refused call that changes its struct", judged(-1, EINVAL, true, 0));
	check("EMSGSIZE tells the count", !judged(-1, EMSGSIZE, true, 0));
	check("success with outcomes is fine", !judged(0, 0, false, -EBUSY));
	check("an outcome that was never set", judged(0, 0, false, STATUS_UNSET));
	check("an outcome outside the contract", judged(0, 0, false, -ENXIO));
	check("a positive return", judged(7, 0, false, 0));
	check("nothing left behind is fine",
	      census_leak(&before, &after) == NR_CENSUS);
	after.kept[TW_TIER_HDD]++;
	check("one page left behind is not",
	      census_leak(&before, &after) == NR_CENSUS - 1);
	check("the same seed makes the same calls", same_seed_same_calls());
	return check_failed;
}

/* -- main ------------------------------------------------------------------ */

static void say_how(void)
{
	fprintf(stderr,
		"usage: fuzz [--calls N] [--seconds S] [--seed N] [--threads N] [--allow-missing]\n"
		"       fuzz --check\n"
		"As root, with nobody else at the device. --threads: rounded up to an even number.\n");
	exit(2);
}

static bool parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "calls", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'x' },
		{ "threads", required_argument, NULL, 't' },
		{ "allow-missing", no_argument, NULL, 'm' },
		{ "check", no_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 },
	};
	bool only_check = false;
	int c;

	seed = time(NULL);
	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case 'c':
			max_calls = strtoull(optarg, NULL, 0);
			break;
		case 's':
			max_seconds = strtod(optarg, NULL);
			break;
		case 'x':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			nr_processes = (strtoul(optarg, NULL, 0) + 1) / 2;
			break;
		case 'm':
			allow_missing = true;
			break;
		case 'k':
			only_check = true;
			break;
		default:
			say_how();
		}
	}
	if (optind != argc || !nr_processes || nr_processes > MAX_THREADS / 2 ||
	    !max_calls)
		say_how();
	return only_check;
}

static int run(void)
{
	struct tw_info info = { .size = sizeof(info) };
	pid_t pid[MAX_THREADS / 2];
	const struct tw_stats *stats;
	struct census before;
	double start;
	unsigned int i;
	int device;

	device = open(TW_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0 || ioctl(device, TW_IOC_INFO, &info))
		die(TW_DEVICE);
	fuzz_max_pages = info.max_pages;
	stats = mmap(NULL, info.stats_size, PROT_READ, MAP_SHARED, device, 0);
	if (stats == MAP_FAILED)
		die("mapping the statistics");
	find_tiers(device);
	save_settings(device);
	before = take_census(device, stats);
	make_shared_objects(device);
	printf("seed %llu, %u processes of two threads, %llu calls\n",
	       (unsigned long long)seed, nr_processes,
	       (unsigned long long)max_calls);
	fflush(stdout);
	start = now();
	for (i = 0; i < nr_processes; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			die("fork");
		if (!pid[i])
			run_process(i);
	}
	watch(device, pid);
	report(now() - start);
	keep_tiers(device);
	close_shared_objects();
	restore_settings(device);
	untrack_all(device, stats);
	check_census(device, stats, &before);
	restore_tiers(device);
	printf("%u failures\n", shared->complaints);
	return shared->complaints ? 1 : 0;
}

int main(int argc, char **argv)
{
	bool only_check = parse(argc, argv);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("memory");
	shared->nr_threads = 2 * nr_processes;
	return only_check ? self_check() : run();
}
