// SPDX-License-Identifier: GPL-2.0
/*
 * disk.c - the NVMe store, the swap device on it and the kernel's swap, one after
 * the other on the same disk
 *
 * Two figures each: instructions (the machine's idle time left out) and time
 * elapsed, which is as good as the disk. Demotion ends when all is written
 * and the memory is free. Swap needs help for the latter: a page written by
 * MADV_PAGEOUT stays in memory until reclaim finds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define PAGES		4096
#define SAMPLE		(PAGES / WINDOW)
#define DISK_ROUNDS	6	/* the first one warms up */
#define READERS		8	/* that take turns, each with its part of the area */
#define CGROUP		"tw-bench-disk"
#define SWAP_DEVICE	"/dev/twswap"

static const char *device;
static const char *suffix;	/* of the figures' names */
static int inflight_fd = -1, stat_fd = -1;

/* -- the disk ---------------------------------------------------------------- */

static int disk_open_file(const char *name)
{
	const char *base = strrchr(device, '/');
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%s/%s",
		 base ? base + 1 : device, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path, errno);
	return fd;
}

/* How many sectors have been read from it. */
static unsigned long long disk_sectors_read(void)
{
	unsigned long long sectors;
	char text[256];
	ssize_t n = pread(stat_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		die("stat", errno);
	text[n] = 0;
	if (sscanf(text, "%*u %*u %llu", &sectors) != 1)
		die("stat", 0);
	return sectors;
}

static void disk_wait_quiet(void)
{
	struct timespec pause = { .tv_nsec = 50000 };
	unsigned int in, out;
	char text[64];
	ssize_t n;

	for (;;) {
		n = pread(inflight_fd, text, sizeof(text) - 1, 0);
		if (n <= 0)
			die("inflight", errno);
		text[n] = 0;
		if (sscanf(text, "%u %u", &in, &out) == 2 && !in && !out)
			return;
		nanosleep(&pause, NULL);
	}
}

/* -- demotion ---------------------------------------------------------------- */

static void demote_region(struct area *a)
{
	struct tw_move_sum sum;
	int err;

	err = tw_region_migrate(a->region, 0, (__u64)a->pages * page_size,
				TW_TIER_NVME, TW_TIER_NONE, TW_REASON_MANUAL,
				NULL, 0, &sum);
	if (err || sum.moved != a->pages)
		die("pages were not demoted", err);
}

static void demote_swap(struct area *a)
{
	char text[32];

	if (madvise(a->addr, a->pages * page_size, MADV_PAGEOUT))
		die("MADV_PAGEOUT", errno);
	disk_wait_quiet();
	/* Less than asked for is EAGAIN. */
	snprintf(text, sizeof(text), "%zu", a->pages * page_size);
	cgroup_write(CGROUP, "memory.reclaim", text);
}

static void demote(struct area *a)
{
	if (a->kind == AREA_REGION)
		demote_region(a);
	else
		demote_swap(a);
}

/* -- rounds ------------------------------------------------------------------ */

struct pair {
	struct samples count;
	struct samples ns;
};

static void pair_add(struct pair *p, const struct watch *w, unsigned int per)
{
	sample(&p->count, w->busy, per);
	sample(&p->ns, w->elapsed, per);
}

static void pair_report(struct pair *p, const char *what, const char *who)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%s%s", what, who, suffix);
	report(name, &p->count);
	snprintf(name, sizeof(name), "%s-time/%s%s", what, who, suffix);
	report_ns(name, &p->ns);
}

static void time_demotion(struct area *a, struct pair *p)
{
	struct watch w;

	watch_start_busy(&w);
	demote(a);
	watch_stop_busy(&w);
	pair_add(p, &w, a->pages);
}

static void time_touch(struct area *a, struct pair *p, const uint32_t *order,
		       unsigned int nr)
{
	unsigned long long before = disk_sectors_read();
	struct watch w;

	watch_start_busy(&w);
	touch_read(a->addr, order, nr);
	watch_stop_busy(&w);
	if (disk_sectors_read() - before < nr * page_size / 512)
		die("the pages were not on the disk", 0);
	pair_add(p, &w, nr);
}

static void disk_rounds(struct tw *tw, enum area_kind kind, const char *who)
{
	struct pair dirty = { 0 }, clean = { 0 };
	struct pair seq = { 0 }, rnd = { 0 }, turns = { 0 };
	unsigned int i;
	struct area a;

	area_open(&a, tw, kind, PAGES);
	for (i = 0; i < DISK_ROUNDS; i++) {
		area_write(&a);
		time_demotion(&a, &dirty);
		time_touch(&a, &seq, order_seq(PAGES), PAGES);
		time_demotion(&a, &clean);
		time_touch(&a, &turns, order_turns(PAGES, READERS), PAGES);
		demote(&a);
		time_touch(&a, &rnd, order_windows(PAGES), SAMPLE);
	}
	pair_report(&dirty, "demote", who);
	pair_report(&seq, "fault-in", who);
	pair_report(&clean, "demote-clean", who);
	pair_report(&rnd, "fault-in-random", who);
	pair_report(&turns, "fault-in-turns", who);
	area_close(&a);
}

/* -- swap -------------------------------------------------------------------- */

static void make_swap(const char *path)
{
	pid_t pid = fork();
	int status, null;

	if (pid < 0)
		die("fork", errno);
	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("mkswap", "mkswap", "-f", path, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("mkswap", 0);
	if (swapon(path, 0))
		die("swapon", errno);
}

/* The swap device over the NVMe store. */
static void swap_device_rounds(struct tw *tw)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	int err;

	err = tw_swap_create(tw, 2 * PAGES, NULL);
	if (err)
		die("tw_swap_create", err);
	while (access(SWAP_DEVICE, F_OK))
		nanosleep(&pause, NULL);
	make_swap(SWAP_DEVICE);
	disk_rounds(NULL, AREA_ANON, "swap-device");
	if (swapoff(SWAP_DEVICE))
		die("swapoff", errno);
	err = tw_swap_destroy(tw);
	if (err)
		die("tw_swap_destroy", err);
}

void bench_disk(struct tw *tw, const char *dev, const char *names)
{
	struct tw_tier_info info;
	int err;

	device = dev;
	suffix = names;
	inflight_fd = disk_open_file("inflight");
	stat_fd = disk_open_file("stat");
	if (!cgroup_enter(CGROUP))
		die("a cgroup with a memory controller is needed", 0);
	/* Reclaim is for the area, not for the program. */
	if (mlockall(MCL_CURRENT))
		die("mlockall", errno);
	err = tw_tier_info(tw, TW_TIER_NVME, &info);
	if (err || info.kind != TW_KIND_STORE)
		die("the NVMe tier is not bound", err);
	disk_rounds(tw, AREA_REGION, "store");
	swap_device_rounds(tw);
	err = tw_tier_unbind(tw, TW_TIER_NVME, 0, NULL);
	if (err)
		die("tw_tier_unbind", err);
	make_swap(device);
	disk_rounds(NULL, AREA_ANON, "swap");
}
