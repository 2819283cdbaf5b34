// SPDX-License-Identifier: GPL-2.0
/*
 * move.c - pages between the CPU's node and the GPU's, by us and by
 * move_pages(2)
 *
 * There and back, and after each move the pages are touched: ours are unmapped
 * then, those of move_pages() are not. What is reported is the mean of both
 * ways.
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define MOVE_PAGES	512
#define SINGLE_PAGES	2048
#define SINGLES		256

/**
 * struct mover - moves pages of an area
 * @a: the area
 * @tw: device
 * @node: of the two tiers
 * @range: the pages are all of the area: move them as a range
 * @addr: pages to move, for move_pages()
 * @number: the same, for us
 * @nr: how many
 */
struct mover {
	struct area a;
	struct tw *tw;
	int node[2];
	bool range;
	void *addr[SINGLE_PAGES];
	__u64 number[SINGLE_PAGES];
	unsigned int nr;
};

static struct mover mover;

static int node_of(struct tw *tw, int tier)
{
	struct tw_tier_info info;
	int err = tw_tier_info(tw, tier, &info);

	if (err)
		die("tw_tier_info", err);
	return info.nodes ? __builtin_ctzll(info.nodes) : -1;
}

static void move_region(struct mover *m, unsigned int from, unsigned int nr,
			int to)
{
	struct tw_move_sum sum;
	int err;

	if (m->range)
		err = tw_region_migrate(m->a.region, 0,
					(__u64)nr * page_size, to,
					TW_TIER_NONE, TW_REASON_MANUAL, NULL, 0,
					&sum);
	else
		err = tw_migrate_pages(m->tw, m->number + from, nr, to,
				       TW_TIER_NONE, TW_REASON_MANUAL, NULL,
				       &sum);
	if (err || sum.moved != nr)
		die("pages did not move", err);
}

static void move_anon(struct mover *m, unsigned int from, unsigned int nr,
		      int to)
{
	static int nodes[SINGLE_PAGES], status[SINGLE_PAGES];
	unsigned int i;

	for (i = 0; i < nr; i++)
		nodes[i] = m->node[to];
	if (syscall(SYS_move_pages, 0, (unsigned long)nr, m->addr + from, nodes,
		    status, MPOL_MF_MOVE))
		die("move_pages", errno);
	for (i = 0; i < nr; i++)
		if (status[i] != m->node[to])
			die("move_pages: a page", status[i]);
}

static void move(struct mover *m, unsigned int from, unsigned int nr, int to)
{
	if (m->a.kind == AREA_REGION)
		move_region(m, from, nr, to);
	else
		move_anon(m, from, nr, to);
}

static void mover_open(struct mover *m, struct tw *tw, enum area_kind kind,
		       unsigned int pages, const uint32_t *order)
{
	unsigned int i;

	m->tw = tw;
	m->node[TW_TIER_GPU] = node_of(tw, TW_TIER_GPU);
	m->node[TW_TIER_CPU] = node_of(tw, TW_TIER_CPU);
	m->nr = pages;
	area_open(&m->a, tw, kind, pages);
	for (i = 0; i < pages; i++) {
		m->addr[i] = m->a.addr + order[i] * page_size;
		if (kind == AREA_REGION)
			m->number[i] = tw_region_page(m->a.region, m->addr[i]);
	}
	area_write(&m->a);
}

static void touch_moved(struct mover *m, unsigned int from, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		touch(m->addr[from + i]);
}

static void report_moves(const char *what, enum area_kind kind,
			 const struct samples *moved,
			 const struct samples *both)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", what, area_names[kind]);
	report(name, moved);
	snprintf(name, sizeof(name), "%s-touch/%s", what, area_names[kind]);
	report(name, both);
}

/* All pages in one call. */
static void move_batch(struct tw *tw, enum area_kind kind, const char *what,
		       bool range)
{
	const uint32_t *order = range ? order_seq(MOVE_PAGES) :
					order_random(MOVE_PAGES);
	struct samples moved = { .nr = 0 }, both = { .nr = 0 };
	struct watch there, back, touch;
	struct mover *m = &mover;

	mover_open(m, tw, kind, MOVE_PAGES, order);
	m->range = range;
	while (moved.nr < MAX_ROUNDS) {
		uint64_t touched;

		watch_start_busy(&there);
		move(m, 0, m->nr, TW_TIER_GPU);
		watch_stop_busy(&there);
		watch_start(&touch);
		touch_moved(m, 0, m->nr);
		watch_stop(&touch);
		touched = touch.busy;
		watch_start_busy(&back);
		move(m, 0, m->nr, TW_TIER_CPU);
		watch_stop_busy(&back);
		watch_start(&touch);
		touch_moved(m, 0, m->nr);
		watch_stop(&touch);
		touched += touch.busy;
		sample(&moved, there.busy + back.busy, 2 * m->nr);
		sample(&both, there.busy + back.busy + touched, 2 * m->nr);
	}
	report_moves(what, kind, &moved, &both);
	area_close(&m->a);
}

/* A page a call, each touched right after. */
static uint64_t single_pass(struct mover *m, int to, bool touch)
{
	struct watch w;
	unsigned int i;

	watch_start_busy(&w);
	for (i = 0; i < SINGLES; i++) {
		move(m, i, 1, to);
		if (touch)
			touch_moved(m, i, 1);
	}
	watch_stop_busy(&w);
	return w.busy;
}

static void move_single(struct tw *tw, enum area_kind kind)
{
	struct samples moved = { .nr = 0 }, both = { .nr = 0 };
	struct mover *m = &mover;

	mover_open(m, tw, kind, SINGLE_PAGES, order_random(SINGLE_PAGES));
	m->range = false;
	while (both.nr < MAX_ROUNDS) {
		uint64_t ns;

		ns = single_pass(m, TW_TIER_GPU, true);
		ns += single_pass(m, TW_TIER_CPU, true);
		sample(&both, ns, 2 * SINGLES);
		ns = single_pass(m, TW_TIER_GPU, false);
		touch_moved(m, 0, SINGLES);
		ns += single_pass(m, TW_TIER_CPU, false);
		touch_moved(m, 0, SINGLES);
		sample(&moved, ns, 2 * SINGLES);
	}
	report_moves("move-single", kind, &moved, &both);
	area_close(&m->a);
}

void bench_move(struct tw *tw)
{
	static const enum area_kind kinds[] = { AREA_REGION, AREA_ANON };
	unsigned int i;

	if (node_of(tw, TW_TIER_GPU) < 0 || node_of(tw, TW_TIER_CPU) < 0) {
		report_skipped("move-512/region", "two memory tiers are needed");
		return;
	}
	for (i = 0; i < 2; i++) {
		move_batch(tw, kinds[i], "move-512", true);
		move_batch(tw, kinds[i], "move-512-random", false);
		move_single(tw, kinds[i]);
	}
}
