// SPDX-License-Identifier: GPL-2.0
/*
 * huge.c - folios of 2 MiB: first touches, refaults, moves and scans, by page of 4 KiB,
 * against anonymous memory with huge pages
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "bench.h"

#define HUGE_PAGES	2048	/* 8 MiB, for which there is a run of memory each time */
#define FOLIO_BYTES	(2UL << 20)

/* Anonymous memory on folios of 2 MiB, with no page yet. */
static char *anon_open(void **whole)
{
	size_t bytes = HUGE_PAGES * page_size;
	char *addr;

	*whole = mmap(NULL, bytes + FOLIO_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*whole == MAP_FAILED)
		die("mmap", errno);
	addr = (char *)(((uintptr_t)*whole + FOLIO_BYTES - 1) & ~(FOLIO_BYTES - 1));
	if (madvise(addr, bytes, MADV_HUGEPAGE))
		die("MADV_HUGEPAGE", errno);
	return addr;
}

static void first_anon(void)
{
	struct samples s = { .nr = 0 };
	struct watch w;
	void *whole;

	prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	while (s.nr < MAX_ROUNDS) {
		char *addr = anon_open(&whole);

		watch_start(&w);
		touch_write(addr, order_seq(HUGE_PAGES), HUGE_PAGES);
		watch_stop(&w);
		sample(&s, w.busy, HUGE_PAGES);
		munmap(whole, HUGE_PAGES * page_size + FOLIO_BYTES);
	}
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	report("huge-first/anonymous", &s);
}

static void first_region(struct tw *tw)
{
	struct samples s = { .nr = 0 };
	struct watch w;
	struct area a;

	while (s.nr < MAX_ROUNDS) {
		area_open(&a, tw, AREA_HUGE, HUGE_PAGES);
		watch_start(&w);
		touch_write(a.addr, order_seq(HUGE_PAGES), HUGE_PAGES);
		watch_stop(&w);
		sample(&s, w.busy, HUGE_PAGES);
		area_close(&a);
	}
	report("huge-first/region", &s);
}

static void refault(struct area *a)
{
	struct samples s = { .nr = 0 };
	struct watch w;

	while (s.nr < MAX_ROUNDS) {
		area_unmap_pages(a);
		watch_start(&w);
		touch_read(a->addr, order_seq(a->pages), a->pages);
		watch_stop(&w);
		sample(&s, w.busy, a->pages);
	}
	report("huge-refault/region", &s);
}

static void move(struct area *a)
{
	struct samples s = { .nr = 0 };
	struct tw_move_sum sum;
	struct watch w;
	int err;

	while (s.nr < MAX_ROUNDS) {
		int to = s.nr % 2 ? TW_TIER_CPU : TW_TIER_GPU;

		watch_start(&w);
		err = tw_region_migrate(a->region, 0, a->pages * page_size, to,
					TW_TIER_NONE, TW_REASON_MANUAL, NULL, 0,
					&sum);
		watch_stop(&w);
		if (err || sum.moved != a->pages)
			die("moving folios", err);
		sample(&s, w.busy, a->pages);
	}
	report("huge-move/region", &s);
}

void bench_huge(struct tw *tw)
{
	struct area a;

	first_region(tw);
	first_anon();
	area_open(&a, tw, AREA_HUGE, HUGE_PAGES);
	area_write(&a);
	refault(&a);
	move(&a);
	area_close(&a);
}
