// SPDX-License-Identifier: GPL-2.0
/*
 * touch.c - first touches and refaults
 */
#include <stdio.h>

#include "bench.h"

#define FIRST_PAGES	2048
#define AGAIN_PAGES	8192

static void named(char *to, size_t room, const char *what,
		  enum area_kind kind, const char *suffix)
{
	snprintf(to, room, "%s/%s%s", what, area_names[kind], suffix);
}

/* Of a mapping that is new each time, and so are its page tables. */
static void first_touch(struct tw *tw, enum area_kind kind, const char *suffix)
{
	const uint32_t *order = order_seq(FIRST_PAGES);
	struct samples s = { .nr = 0 };
	struct watch w;
	struct area a;
	char name[64];

	while (s.nr < MAX_ROUNDS) {
		area_open(&a, tw, kind, FIRST_PAGES);
		watch_start(&w);
		touch_write(a.addr, order, FIRST_PAGES);
		watch_stop(&w);
		sample(&s, w.busy, FIRST_PAGES);
		area_close(&a);
	}
	named(name, sizeof(name), "first-touch", kind, suffix);
	report(name, &s);
}

static void first_touch_random(struct tw *tw, enum area_kind kind,
			       const char *suffix)
{
	struct samples s = { .nr = 0 };
	struct watch w;
	struct area a;
	char name[64];

	while (s.nr < MAX_ROUNDS) {
		const uint32_t *order = order_random(FIRST_PAGES);

		area_open(&a, tw, kind, FIRST_PAGES);
		watch_start(&w);
		touch_write(a.addr, order, FIRST_PAGES);
		watch_stop(&w);
		sample(&s, w.busy, FIRST_PAGES);
		area_close(&a);
	}
	named(name, sizeof(name), "first-touch-random", kind, suffix);
	report(name, &s);
}

/* Pages that are in memory but not mapped, @nr of them in the given order. */
static void refault(struct area *a, const char *what, const char *suffix,
		    const uint32_t *(*order_of)(unsigned int pages),
		    unsigned int nr, bool write)
{
	struct samples s = { .nr = 0 };
	struct watch w;
	char name[64];

	while (s.nr < MAX_ROUNDS) {
		const uint32_t *order = order_of(a->pages);

		area_unmap_pages(a);
		watch_start(&w);
		if (write)
			touch_write(a->addr, order, nr);
		else
			touch_read(a->addr, order, nr);
		watch_stop(&w);
		sample(&s, w.busy, nr);
	}
	named(name, sizeof(name), what, a->kind, suffix);
	report(name, &s);
}

static void refaults(struct tw *tw, enum area_kind kind, const char *suffix)
{
	unsigned int nr = AGAIN_PAGES;
	struct area a;

	area_open(&a, tw, kind, nr);
	area_write(&a);
	refault(&a, "refault-read", suffix, order_seq, nr, false);
	refault(&a, "refault-write", suffix, order_seq, nr, true);
	refault(&a, "refault-random-read", suffix, order_random, nr, false);
	refault(&a, "refault-random-write", suffix, order_random, nr, true);
	refault(&a, "refault-fault-read", suffix, order_windows, nr / WINDOW,
		false);
	refault(&a, "refault-fault-write", suffix, order_windows, nr / WINDOW,
		true);
	area_close(&a);

	/* Nothing beside the page that could be mapped with it. */
	area_open(&a, tw, kind, nr);
	touch_write(a.addr, order_sparse(nr), nr / WINDOW);
	refault(&a, "refault-alone-read", suffix, order_sparse, nr / WINDOW,
		false);
	area_close(&a);
}

void bench_touch(struct tw *tw, const char *suffix)
{
	static const enum area_kind kinds[] = {
		AREA_REGION, AREA_ANON, AREA_SHMEM,
	};
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		first_touch(tw, kinds[i], suffix);
		first_touch_random(tw, kinds[i], suffix);
	}
	refaults(tw, AREA_REGION, suffix);
	refaults(tw, AREA_SHMEM, suffix);
}
