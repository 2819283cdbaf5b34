// SPDX-License-Identifier: GPL-2.0
/*
 * scan.c - what the scanner costs: a page that is touched between scans, one
 * that is not though others of its 2 MiB are, and 2 MiB that nobody touches; and
 * whole scans of few pages and many, whose slope tells their price at any size
 *
 * The scanner counts its own time, in which nothing else runs here.
 */
#include <stdio.h>
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

/* Scans every @ms, which take all the CPU that they need. *@before: as it was. */
static void scan_each(struct tw *tw, unsigned int ms, struct tw_policy *before)
{
	struct tw_policy policy;
	int err = tw_policy_get(tw, before);

	if (!err)
		err = tw_stats_map(tw, (const struct tw_stats **)&stats);
	if (err)
		die("policy and statistics", err);
	before->set = TW_POLICY_SETS;
	before->mode_set = TW_POLICY_MODES;
	policy = *before;
	policy.enabled = 1;
	policy.scan_permille = 1000;
	policy.scan_min_ms = ms;
	policy.scan_max_ms = ms;
	err = tw_policy_set(tw, &policy);
	if (err)
		die("tw_policy_set", err);
}

void bench_scan(struct tw *tw)
{
	struct tw_policy before;
	struct area a;

	scan_each(tw, 300, &before);
	area_open(&a, tw, AREA_REGION, SCAN_PAGES);
	area_write(&a);
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

/* -- at scale ------------------------------------------------------------------- */

static void open_pages(struct tw *tw, struct area *a)
{
	int err = tw_region_create(tw, (__u64)a->pages * page_size, TW_TIER_CPU, 0,
				   NULL, &a->region);
	size_t i;

	if (err)
		die("region", err);
	a->addr = tw_region_addr(a->region);
	for (i = 0; i < a->pages; i++)
		a->addr[i * page_size] = 1;
}

static const unsigned int scale[] = { 10000, 100000, 1000000 };

/* A whole scan of @a, all or none of it touched before. */
static double whole_scan(struct area *a, const char *name, bool touched)
{
	unsigned int scans = touched ? 1 : WARM_SCANS;
	struct samples s = { .nr = 0 };

	if (!touched)
		wait_scans(6 * WARM_SCANS);
	while (s.nr < MAX_ROUNDS) {
		uint64_t ns, done;

		if (touched)
			touch_some(a, 1);
		ns = stats->scan_ns;
		done = stats->scans;
		wait_scans(scans);
		sample(&s, stats->scan_ns - ns, stats->scans - done);
	}
	report(name, &s);
	return median(&s);
}

/* What each further page, or @per of them, takes from the size before to the @i-th. */
static void slope(const char *name, double low, double high, unsigned int i,
		  unsigned int per)
{
	double pages = scale[i] - scale[i - 1];
	struct samples s = { .v = { (high - low) * per / pages }, .nr = 1 };

	report(name, &s);
}

/* For a guest with several gigabytes in its first node. */
void bench_scale(struct tw *tw)
{
	double idle[3], touched[3];
	struct tw_policy before;
	char name[64];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct area a = { .kind = AREA_REGION, .pages = scale[i], .fd = -1 };

		open_pages(tw, &a);
		scan_each(tw, 500, &before);
		wait_scans(2);
		snprintf(name, sizeof(name), "scan-all-touched/1e%u", i + 4);
		touched[i] = whole_scan(&a, name, true);
		snprintf(name, sizeof(name), "scan-all-idle/1e%u", i + 4);
		idle[i] = whole_scan(&a, name, false);
		tw_policy_set(tw, &before);
		area_close(&a);
	}
	for (i = 1; i < 3; i++) {
		snprintf(name, sizeof(name), "scan-slope-touched/1e%u", i + 4);
		slope(name, touched[i - 1], touched[i], i, 1);
		snprintf(name, sizeof(name), "scan-slope-idle-2m/1e%u", i + 4);
		slope(name, idle[i - 1], idle[i], i, TABLE_PAGES);
	}
}
