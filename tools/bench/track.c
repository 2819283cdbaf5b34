// SPDX-License-Identifier: GPL-2.0
/*
 * track.c - what tracking costs: reports, looks and candidates among few pages
 * and many, and what is added to a managed fault
 *
 * Many pages are external ones: only their records exist.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

#define FIRST_PFN	(1ULL << 40)	/* of no memory */
#define TRIES		1024
#define HOT_PAGES	200
#define HOT_REPORTS	128
#define FAULT_PAGES	8192
#define FAULTS		(FAULT_PAGES / WINDOW)
#define EVENTS		4096
#define SWITCH		"/sys/module/tier_watch/parameters/track_faults"

static int device;

static void call(unsigned long cmd, void *arg, const char *what)
{
	if (ioctl(device, cmd, arg) < 0)
		die(what, errno);
}

/* -- external pages -------------------------------------------------------- */

#define CHUNK	4096

static void external(unsigned long cmd, uint64_t from, uint64_t to)
{
	static __u64 pages[CHUNK];

	while (from < to) {
		__u32 n = to - from < CHUNK ? to - from : CHUNK, i;
		struct tw_track track = {
			.size = sizeof(track), .tier = TW_TIER_GPU, .node = 0,
			.agent_fd = -1, .nr = n, .pages = (uintptr_t)pages,
		};
		struct tw_untrack untrack = {
			.size = sizeof(untrack), .nr = n,
			.pages = (uintptr_t)pages,
		};

		for (i = 0; i < n; i++)
			pages[i] = FIRST_PFN + from + i;
		if (cmd == TW_IOC_TRACK)
			call(cmd, &track, "TW_IOC_TRACK");
		else
			call(cmd, &untrack, "TW_IOC_UNTRACK");
		if ((cmd == TW_IOC_TRACK ? track.done : untrack.done) != n)
			die("not all external pages", 0);
		from += n;
	}
}

/* Page numbers all over the range, always the same. */
static uint64_t some_page(uint64_t pages, unsigned int i)
{
	return (i * 0x9e3779b97f4a7c15ULL >> 20) % pages;
}

static void reports(const char *name, uint64_t first, uint64_t pages)
{
	struct samples s = { .nr = 0 };
	struct watch w;
	unsigned int i;

	while (s.nr < MAX_ROUNDS) {
		watch_start(&w);
		for (i = 0; i < TRIES; i++) {
			struct tw_report arg = {
				.size = sizeof(arg),
				.page = first + some_page(pages, i),
			};

			call(TW_IOC_REPORT, &arg, "TW_IOC_REPORT");
		}
		watch_stop(&w);
		sample(&s, w.busy, TRIES);
	}
	report(name, &s);
}

static void infos(const char *name, uint64_t first, uint64_t pages)
{
	static struct tw_page info[TRIES];
	static __u64 numbers[TRIES];
	struct samples s = { .nr = 0 };
	struct watch w;
	unsigned int i;

	for (i = 0; i < TRIES; i++)
		numbers[i] = first + some_page(pages, i);
	while (s.nr < MAX_ROUNDS) {
		struct tw_page_info arg = {
			.size = sizeof(arg), .nr = TRIES,
			.pages = (uintptr_t)numbers, .infos = (uintptr_t)info,
		};

		watch_start(&w);
		call(TW_IOC_PAGE_INFO, &arg, "TW_IOC_PAGE_INFO");
		watch_stop(&w);
		if (info[0].status || info[TRIES - 1].status)
			die("a page is not there", 0);
		sample(&s, w.busy, TRIES);
	}
	report(name, &s);
}

/* What 100 hot candidates take: pages reported more often than hot_threshold. */
static void heat_up(uint64_t first, uint64_t pages)
{
	struct tw_report arg = { .size = sizeof(arg) };
	unsigned int i, n;

	for (i = 0; i < HOT_PAGES; i++) {
		arg.page = first + some_page(pages, i);
		for (n = 0; n < HOT_REPORTS; n++)
			call(TW_IOC_REPORT, &arg, "TW_IOC_REPORT");
	}
}

static void candidates(const char *name, int from, int to)
{
	static struct tw_candidate found[100];
	struct samples s = { .nr = 0 };
	struct watch w;

	while (s.nr < MAX_ROUNDS) {
		struct tw_candidates arg = {
			.size = sizeof(arg), .from_tier = from, .to_tier = to,
			.nr = 100, .candidates = (uintptr_t)found,
		};

		watch_start(&w);
		call(TW_IOC_CANDIDATES, &arg, "TW_IOC_CANDIDATES");
		watch_stop(&w);
		if (arg.nr != 100)
			die("fewer than 100 candidates", 0);
		sample(&s, w.busy, 1);
	}
	report(name, &s);
}

static void among(const char *size, uint64_t first, uint64_t pages)
{
	char name[64];

	snprintf(name, sizeof(name), "report/%s", size);
	reports(name, first, pages);
	snprintf(name, sizeof(name), "page-info/%s", size);
	infos(name, first, pages);
	heat_up(first, pages);
	snprintf(name, sizeof(name), "candidates-hot/%s", size);
	candidates(name, TW_TIER_GPU, TW_TIER_CPU);
	snprintf(name, sizeof(name), "candidates-cold/%s", size);
	candidates(name, TW_TIER_GPU, TW_TIER_HDD);
}

/* -- region pages ------------------------------------------------------------ */

static void real_pages(struct tw *tw, const char *size, unsigned int pages)
{
	volatile char *addr;
	struct tw_region *r;
	char name[64];
	size_t i;
	int err;

	err = tw_region_create(tw, (__u64)pages * page_size, TW_TIER_CPU, 0,
			       NULL, &r);
	if (err)
		die("tw_region_create", err);
	addr = tw_region_addr(r);
	for (i = 0; i < pages; i++)
		addr[i * page_size] = 1;
	snprintf(name, sizeof(name), "report/%s", size);
	reports(name, TW_PAGE(tw_region_id(r), 0), pages);
	snprintf(name, sizeof(name), "page-info/%s", size);
	infos(name, TW_PAGE(tw_region_id(r), 0), pages);
	snprintf(name, sizeof(name), "candidates-cold/%s", size);
	candidates(name, TW_TIER_CPU, TW_TIER_GPU);
	tw_region_close(r);
}

/* For a guest with several gigabytes in its first node. */
void bench_flat(struct tw *tw)
{
	device = tw_fd(tw);
	external(TW_IOC_TRACK, 0, 10000);
	among("1e4", FIRST_PFN, 10000);
	external(TW_IOC_TRACK, 10000, 10000000);
	among("1e7", FIRST_PFN, 10000000);
	external(TW_IOC_UNTRACK, 0, 10000000);
	real_pages(tw, "real-1e4", 10000);
	real_pages(tw, "real-1e5", 100000);
	real_pages(tw, "real-1e6", 1000000);
}

/* -- a managed fault ----------------------------------------------------------- */

static void tracking(bool on)
{
	int fd = open(SWITCH, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, on ? "Y" : "N", 1) != 1)
		die(SWITCH, errno);
	close(fd);
}

static uint64_t faults(struct area *a, const uint32_t *order)
{
	struct watch w;

	area_unmap_pages(a);
	watch_start(&w);
	touch_read(a->addr, order, FAULTS);
	watch_stop(&w);
	return w.busy;
}

/* The same faults with and without tracking. */
static void tracking_rounds(struct area *a, const char *suffix)
{
	struct samples with = { .nr = 0 }, without = { .nr = 0 };
	const uint32_t *order = order_windows(FAULT_PAGES);
	struct samples cost = { .nr = 0 };
	char name[64];

	while (cost.nr < MAX_ROUNDS) {
		uint64_t less, more;

		tracking(false);
		less = faults(a, order);
		tracking(true);
		more = faults(a, order);
		sample(&without, less, FAULTS);
		sample(&with, more, FAULTS);
		sample(&cost, more > less ? more - less : 0, FAULTS);
	}
	snprintf(name, sizeof(name), "tracking-added%s", suffix);
	report(name, &cost);
	snprintf(name, sizeof(name), "tracking-fault-off%s", suffix);
	report(name, &without);
	snprintf(name, sizeof(name), "tracking-fault-on%s", suffix);
	report(name, &with);
}

/* Without a listener, and then with a consumer of the faults' events attached. */
void bench_tracking(struct tw *tw)
{
	struct area a = { .kind = AREA_REGION, .pages = FAULT_PAGES, .fd = -1 };
	struct tw_stream *s;
	int err;

	err = tw_region_create(tw, FAULT_PAGES * page_size, TW_TIER_CPU, 0,
			       NULL, &a.region);
	if (err)
		die("region", err);
	a.addr = tw_region_addr(a.region);
	area_write(&a);
	tracking_rounds(&a, "-quiet");
	err = tw_stream_create(tw, TW_EVENT_BIT(TW_EVENT_FAULT), NULL, EVENTS, &s);
	if (err)
		die("stream", err);
	tracking_rounds(&a, "");
	tw_stream_close(s);
	area_close(&a);
}
