// SPDX-License-Identifier: GPL-2.0
/*
 * writers.c - workers that change memory with the CPU: whole pages, atomic
 * counters, and pages that come and go
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "hammer.h"

#define HOT_PAGES	8
#define BURST		64
#define HOLE_RUN	16

/* -- pages of checked content ------------------------------------------- */

/* Page i belongs to writer i % of. Most of the work is on a few pages. */
static uint64_t writer_pick(struct hammer *h, struct worker *w)
{
	uint64_t mine = (h->writers.nr - w->number + w->of - 1) / w->of;

	if (worker_random(w, 8) && mine > HOT_PAGES)
		mine = HOT_PAGES;
	return worker_random(w, mine) * w->of + w->number;
}

static bool writer_check(struct hammer *h, struct worker *w, uint64_t at,
			 uint64_t version, const char *where)
{
	uint64_t index = h->writers.first + at;

	return content_right(h, w, where, hammer_page(h, index), index,
			     version);
}

static bool writer_step(struct hammer *h, struct worker *w, uint64_t *version)
{
	uint64_t at = writer_pick(h, w);
	uint64_t index = h->writers.first + at;

	worker_aims(w, index);
	if (!writer_check(h, w, at, version[at], "before rewriting"))
		return false;
	content_fill(hammer_page(h, index), h->options.seed, index,
		     ++version[at]);
	__atomic_store_n(&h->published[at], version[at], __ATOMIC_RELEASE);
	worker_did(w, 1);
	worker_rests(w, 64);
	return worker_random(w, 4) ||
	       writer_check(h, w, at, version[at], "just written");
}

void writer_run(struct hammer *h, struct worker *w)
{
	uint64_t *version = calloc(h->writers.nr, sizeof(*version));
	bool right = true;
	uint64_t at;

	if (!version) {
		hammer_error(h, "writer %u: no memory", w->number);
		return;
	}
	while (right && hammer_running(h))
		right = writer_step(h, w, version);
	worker_aims(w, NO_AIM);
	for (at = w->number; right && at < h->writers.nr; at += w->of)
		right = writer_check(h, w, at, version[at], "at the end");
	free(version);
}

/* -- atomic counters ------------------------------------------------------- */

/*
 * Word number n below nr_adders of a page is adder n's own: it knows the value
 * at any time. The others are everybody's: their totals are checked at the end.
 */
static uint32_t *added(struct hammer *h, unsigned int adder, uint64_t page)
{
	return h->added + (adder * h->counters.nr + page) * PAGE_WORDS;
}

static bool adder_own(struct hammer *h, struct worker *w, uint64_t page)
{
	uint64_t index = h->counters.first + page;
	uint64_t *word = hammer_page(h, index) + w->number;
	uint32_t *count = added(h, w->number, page) + w->number;
	uint64_t before = __atomic_fetch_add(word, 1, __ATOMIC_RELAXED);

	if (before == *count) {
		++*count;
		return true;
	}
	hammer_mismatch(h, w, "own counter", index, w->number, *count, before,
			NULL);
	return false;
}

static bool adder_step(struct hammer *h, struct worker *w)
{
	uint64_t page = worker_random(w, worker_random(w, 2) ? h->counters.nr :
				      2);
	uint64_t *words = hammer_page(h, h->counters.first + page);
	uint32_t *counts = added(h, w->number, page);
	unsigned int i, word;

	worker_aims(w, h->counters.first + page);
	for (i = 0; i < BURST; i++) {
		word = h->nr_adders +
		       worker_random(w, PAGE_WORDS - h->nr_adders);
		__atomic_fetch_add(&words[word], 1, __ATOMIC_RELAXED);
		counts[word]++;
		if (i % 8 == 0 && !adder_own(h, w, page))
			return false;
	}
	worker_did(w, BURST);
	worker_rests(w, 2);
	return true;
}

void adder_run(struct hammer *h, struct worker *w)
{
	while (hammer_running(h) && adder_step(h, w))
		;
	worker_aims(w, NO_AIM);
}

/* When all adders are done. */
void adders_check(struct hammer *h)
{
	uint64_t page, index, total, got;
	unsigned int word, adder;

	for (page = 0; page < h->counters.nr; page++) {
		index = h->counters.first + page;
		for (word = 0; word < PAGE_WORDS; word++) {
			total = 0;
			for (adder = 0; adder < h->nr_adders; adder++)
				total += added(h, adder, page)[word];
			got = hammer_page(h, index)[word];
			if (got == total)
				continue;
			hammer_mismatch(h, NULL, "total of counter", index,
					word, total, got, NULL);
			return;
		}
	}
}

/* -- pages that are discarded ---------------------------------------------- */

/* What the worker knows of its pages. */
struct hole {
	uint64_t version;
	bool touched;
};

static bool hole_check(struct hammer *h, struct worker *w, struct hole *hole,
		       uint64_t at, const char *where)
{
	uint64_t index = h->holes.first + at;

	hole[at].touched = true;
	return content_right(h, w, where, hammer_page(h, index), index,
			     hole[at].version);
}

static bool hole_fill(struct hammer *h, struct worker *w, struct hole *hole,
		      uint64_t at, uint64_t version)
{
	uint64_t index = h->holes.first + at;

	if (!hole_check(h, w, hole, at, "before refilling"))
		return false;
	content_fill(hammer_page(h, index), h->options.seed, index, version);
	hole[at].version = version;
	return true;
}

static int hole_free(struct hammer *h, uint64_t at, uint64_t nr, bool punch,
		     uint64_t *freed)
{
	uint64_t offset = (h->holes.first + at) * PAGE_BYTES;
	__u64 count = 0;
	int ret;

	if (!punch) {
		ret = tw_region_discard(h->region, offset, nr * PAGE_BYTES,
					&count);
		*freed = count;
		return ret;
	}
	if (fallocate(tw_region_fd(h->region),
		      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
		      nr * PAGE_BYTES))
		return -errno;
	return 0;
}

static bool hole_punch(struct hammer *h, struct worker *w, struct hole *hole,
		       uint64_t at, uint64_t nr)
{
	bool punch = worker_random(w, 2);
	uint64_t freed = 0, touched = 0, i;
	int ret;

	for (i = at; i < at + nr; i++)
		touched += hole[i].touched;
	ret = hole_free(h, at, nr, punch, &freed);
	if (ret) {
		hammer_error(h, "holes: discarding %llu pages from %llu: unexpected errno: %s",
			     (unsigned long long)nr,
			     (unsigned long long)(h->holes.first + at),
			     strerror(-ret));
		return false;
	}
	/* Of a folio all pages are there when one of them was touched. */
	if (!punch && (h->options.huge ? freed < touched || freed > nr :
		       freed != touched)) {
		hammer_error(h, "holes: discarding %llu pages from %llu: %llu freed, %llu were touched",
			     (unsigned long long)nr,
			     (unsigned long long)(h->holes.first + at),
			     (unsigned long long)freed,
			     (unsigned long long)touched);
		return false;
	}
	for (i = at; i < at + nr; i++)
		memset(&hole[i], 0, sizeof(hole[i]));
	return true;
}

static bool hole_step(struct hammer *h, struct worker *w, struct hole *hole,
		      uint64_t version)
{
	uint64_t at = worker_random(w, h->holes.nr), nr, i;
	bool right = true;

	nr = 1 + worker_random(w, HOLE_RUN);
	if (h->options.huge && !worker_random(w, 16)) {
		at -= at % HUGE_PAGES;
		nr = HUGE_PAGES;
	}
	worker_aims(w, h->holes.first + at);
	if (nr > h->holes.nr - at)
		nr = h->holes.nr - at;
	switch (nr == HUGE_PAGES ? 0 : worker_random(w, 4)) {
	case 0:
		right = hole_punch(h, w, hole, at, nr);
		break;
	case 1:
		for (i = at; right && i < at + nr; i++)
			right = hole_check(h, w, hole, i, "later");
		break;
	default:
		for (i = at; right && i < at + nr; i++)
			right = hole_fill(h, w, hole, i, version);
		break;
	}
	worker_did(w, 1);
	worker_rests(w, 4);
	return right;
}

void holes_run(struct hammer *h, struct worker *w)
{
	struct hole *hole = calloc(h->holes.nr, sizeof(*hole));
	uint64_t version = 1, at;
	bool right = true;

	if (!hole) {
		hammer_error(h, "holes: no memory");
		return;
	}
	while (right && hammer_running(h))
		right = hole_step(h, w, hole, version++);
	worker_aims(w, NO_AIM);
	for (at = 0; right && at < h->holes.nr; at++)
		right = hole_check(h, w, hole, at, "at the end");
	free(hole);
}
