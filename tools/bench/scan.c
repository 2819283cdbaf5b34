// SPDX-License-Identifier: GPL-2.0
/*
 * scan.c - what the scanner costs: a page that is touched between scans, one
 * that is not though others of its 2 MiB are, and 2 MiB that nobody touches
 *
 * The scanner counts its own time, in which nothing else runs here.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define SCAN_PAGES	16384
#define TABLE_PAGES	512
/* Scans until every table has been idle for long; of so many one reads it. */
#define WARM_SCANS	64

static const volatile struct tw_stats *stats;

static void wait_scans(unsigned int n)
{
	uint64_t until = stats->scans + n;
	struct timespec nap = { .tv_nsec = 1000000 };

	while (stats->scans < until)
		nanosleep(&nap, NULL);
}

/* Every @each-th page; what the CPU remembers of the mapping is forgotten. */
static void touch_some(struct area *a, unsigned int each)
{
	size_t bytes = (size_t)a->pages * page_size;
	unsigned int i;

	if (mprotect(a->addr, bytes, PROT_READ) ||
	    mprotect(a->addr, bytes, PROT_READ | PROT_WRITE))
		die("mprotect", 0);
	for (i = 0; i < a->pages; i += each)
		touch(a->addr + (size_t)i * page_size);
}

/* One scan after touches, per page. */
static void after_touches(const char *name, struct area *a, unsigned int each)
{
	struct samples s = { .nr = 0 };

	while (s.nr < MAX_ROUNDS) {
		uint64_t ns, pages;

		touch_some(a, each);
		ns = stats->scan_ns;
		pages = stats->scan_pages;
		wait_scans(1);
		sample(&s, stats->scan_ns - ns, stats->scan_pages - pages);
	}
	report(name, &s);
}

/* Scans of what nobody touches, per 2 MiB. */
static void idle(const char *name)
{
	struct samples s = { .nr = 0 };

	wait_scans(2 * WARM_SCANS);
	while (s.nr < MAX_ROUNDS) {
		uint64_t ns = stats->scan_ns, pages = stats->scan_pages;

		wait_scans(WARM_SCANS);
		sample(&s, stats->scan_ns - ns,
		       (stats->scan_pages - pages) / TABLE_PAGES);
	}
	report(name, &s);
}

void bench_scan(struct tw *tw)
{
	struct tw_policy before, policy;
	struct area a;
	int err;

	err = tw_policy_get(tw, &before);
	if (!err)
		err = tw_stats_map(tw, (const struct tw_stats **)&stats);
	if (err)
		die("policy and statistics", err);
	area_open(&a, tw, AREA_REGION, SCAN_PAGES);
	area_write(&a);
	before.set = TW_POLICY_SETS;
	before.mode_set = TW_POLICY_MODES;
	policy = before;
	policy.enabled = 1;
	policy.scan_permille = 1000;
	policy.scan_min_ms = 300;
	policy.scan_max_ms = 300;
	err = tw_policy_set(tw, &policy);
	if (err)
		die("tw_policy_set", err);
	wait_scans(2);
	after_touches("scan-touched", &a, 1);
	after_touches("scan-sparse", &a, TABLE_PAGES / 2);
	idle("scan-idle-2m");
	area_close(&a);
	area_open(&a, tw, AREA_HUGE, SCAN_PAGES);
	area_write(&a);
	wait_scans(2);
	after_touches("scan-huge-touched", &a, 1);
	idle("scan-huge-idle-2m");
	tw_policy_set(tw, &before);
	area_close(&a);
}
