// SPDX-License-Identifier: GPL-2.0
/*
 * movers.c - move pages among the tiers, in every way there is
 */
#include <errno.h>
#include <string.h>

#include "hammer.h"

#define MOST		256
#define RANGE		64
#define AIM_TRIES	16
#define CHASES		8

/**
 * struct move - one call
 * @first: page index
 * @nr: pages
 * @to: tier
 * @from: tier, or TW_TIER_NONE
 * @by_pfn: pages are named by frame: they can be gone by then
 * @info: what the pages were just before
 * @number: the pages' numbers
 * @status: outcomes
 */
struct move {
	uint64_t first;
	uint64_t nr;
	int to;
	int from;
	bool by_pfn;
	struct tw_page info[MOST];
	__u64 number[MOST];
	__s32 status[MOST];
};

/* The HDD is slow: it is asked for less often. */
static int pick_tier(struct hammer *h, struct worker *w)
{
	int tier = h->tiers[worker_random(w, h->nr_tiers)];

	if (tier == TW_TIER_HDD && worker_random(w, 2))
		tier = h->tiers[worker_random(w, h->nr_tiers)];
	return tier;
}

static enum outcome classify(const struct move *m, int status)
{
	switch (status) {
	case 0:
		return OUT_MOVED;
	case TW_MOVE_ALREADY:
		return OUT_ALREADY;
	case -EBUSY:
		return OUT_BUSY;
	case -ENOSPC:
		return OUT_FULL;
	case -EINVAL:
		return m->from != TW_TIER_NONE ? OUT_OTHER_TIER :
						 OUT_UNEXPECTED;
	case -ENOENT:
		return OUT_UNTOUCHED;
	default:
		return OUT_UNEXPECTED;
	}
}

/* Book the outcomes; the driver's sums must be the same. */
static void book(struct hammer *h, const struct move *m,
		 const struct tw_move_sum *sum)
{
	uint64_t outcome[OUT_NR] = { 0 };
	enum outcome out;
	uint64_t i;

	for (i = 0; i < m->nr; i++) {
		out = classify(m, m->status[i]);
		outcome[out]++;
		if (out == OUT_UNEXPECTED)
			hammer_error(h, "mover: page %#llx from %s to %s: unexpected status %d (%s)",
				     (unsigned long long)m->number[i],
				     tw_tier_name(m->from), tw_tier_name(m->to),
				     m->status[i], strerror(-m->status[i]));
	}
	for (i = 0; i < OUT_NR; i++)
		count(&h->shared->outcome[i], outcome[i]);
	if (m->from != TW_TIER_NONE)
		count(&h->shared->pair[m->from][m->to], outcome[OUT_MOVED]);
	if (sum->done != m->nr || sum->moved != outcome[OUT_MOVED] ||
	    sum->already != outcome[OUT_ALREADY] ||
	    sum->moved + sum->already + sum->failed + sum->untouched != m->nr)
		hammer_error(h, "mover: the sums of a call over %llu pages are wrong: %llu moved for %llu statuses",
			     (unsigned long long)m->nr,
			     (unsigned long long)sum->moved,
			     (unsigned long long)outcome[OUT_MOVED]);
}

static bool failed(struct hammer *h, const char *what, int ret)
{
	if (!ret)
		return false;
	hammer_error(h, "mover: %s: unexpected errno: %s", what,
		     strerror(-ret));
	return true;
}

/* One of the tiers that the pages are in, TW_TIER_NONE when there is none. */
static int pick_from(const struct move *m, struct worker *w)
{
	uint64_t nr[TW_NR_TIERS] = { 0 }, i;
	int found[TW_NR_TIERS], kinds = 0, tier;

	for (i = 0; i < m->nr; i++)
		if (m->info[i].tier < TW_NR_TIERS)
			nr[m->info[i].tier]++;
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		if (nr[tier])
			found[kinds++] = tier;
	return kinds ? found[worker_random(w, kinds)] : TW_TIER_NONE;
}

/* Where the pages are; @from becomes a tier that some of them are in, or any. */
static bool look(struct hammer *h, struct worker *w, struct move *m)
{
	int ret;

	ret = tw_region_pages(h->region, m->first * PAGE_BYTES,
			      m->nr * PAGE_BYTES, m->info, MOST);
	if (failed(h, "looking pages up", ret))
		return false;
	m->from = worker_random(w, 8) ? pick_from(m, w) : TW_TIER_NONE;
	while (m->to == m->from && h->nr_tiers > 1)
		m->to = pick_tier(h, w);
	return true;
}

static void move_range(struct hammer *h, struct move *m, bool by_address)
{
	uint64_t offset = m->first * PAGE_BYTES, length = m->nr * PAGE_BYTES;
	struct tw_move_sum sum;
	uint64_t i;
	int ret;

	for (i = 0; i < m->nr; i++)
		m->number[i] = TW_PAGE(tw_region_id(h->region), m->first + i);
	if (by_address)
		ret = tw_migrate_addr(h->tw, h->base + offset, length, m->to,
				      m->from, TW_REASON_MANUAL, m->status,
				      MOST, &sum);
	else
		ret = tw_region_migrate(h->region, offset, length, m->to,
					m->from, TW_REASON_MANUAL, m->status,
					MOST, &sum);
	if (!failed(h, by_address ? "range by address" : "range by offset",
		    ret))
		book(h, m, &sum);
}

static void move_numbers(struct hammer *h, struct move *m)
{
	struct tw_move_sum sum;
	int ret;

	ret = tw_migrate_pages(h->tw, m->number, m->nr, m->to, m->from,
			       TW_REASON_MANUAL, m->status, &sum);
	if (!failed(h, m->by_pfn ? "pages by pfn" : "pages by number", ret))
		book(h, m, &sum);
}

/* Scattered over all areas, each page named at most a few times. */
static void scatter(struct hammer *h, struct worker *w, struct move *m)
{
	uint64_t id = tw_region_id(h->region), i;

	m->nr = 1 + worker_random(w, MOST);
	for (i = 0; i < m->nr; i++)
		m->number[i] = TW_PAGE(id, worker_random(w, h->nr_pages));
	m->from = worker_random(w, 4) ? pick_tier(h, w) : TW_TIER_NONE;
	while (m->to == m->from && h->nr_tiers > 1)
		m->to = pick_tier(h, w);
}

/* The frames of those pages that are in memory; false if there is none. */
static bool frames(struct move *m)
{
	uint64_t i, nr = 0;

	for (i = 0; i < m->nr; i++)
		if (m->info[i].pfn)
			m->number[nr++] = m->info[i].pfn;
	m->nr = nr;
	m->by_pfn = true;
	return nr;
}

static void pick_range(struct hammer *h, struct worker *w, struct move *m)
{
	m->first = worker_random(w, h->nr_pages);
	m->nr = 1 + worker_random(w, RANGE);
	if (m->nr > h->nr_pages - m->first)
		m->nr = h->nr_pages - m->first;
}

/* The page that somebody is at work on right now; NO_AIM when nobody was met. */
static uint64_t find_aim(struct hammer *h, struct worker *w)
{
	struct shared *s = h->shared;
	uint64_t aim = NO_AIM;
	int tries;

	for (tries = 0; tries < AIM_TRIES && aim == NO_AIM; tries++) {
		struct worker *victim =
			&s->worker[worker_random(w, s->nr_workers)];

		aim = __atomic_load_n(&victim->aim, __ATOMIC_RELAXED);
	}
	return aim;
}

/* To the page that somebody is at work on, and what lies behind it. */
static bool aim(struct hammer *h, struct worker *w, struct move *m)
{
	m->first = find_aim(h, w);
	if (m->first == NO_AIM)
		return false;
	m->nr = 1 + worker_random(w, 4);
	if (m->nr > h->nr_pages - m->first)
		m->nr = h->nr_pages - m->first;
	return true;
}

/*
 * Quick moves back and forth, just where somebody is at work: the more of them,
 * the more races.
 */
static void chase(struct hammer *h, struct worker *w, struct move *m)
{
	int i;

	m->from = TW_TIER_NONE;
	for (i = 0; i < CHASES && hammer_running(h); i++) {
		if (!aim(h, w, m))
			return;
		m->to = h->memory[i % h->nr_memory];
		move_range(h, m, i & 2);
	}
}

static void step(struct hammer *h, struct worker *w, struct move *m)
{
	unsigned int how = worker_random(w, 12);

	m->to = pick_tier(h, w);
	m->by_pfn = false;
	if (how >= 8) {
		chase(h, w, m);
		return;
	}
	if (how == 0) {
		scatter(h, w, m);
		move_numbers(h, m);
		return;
	}
	if (how < 4 || !aim(h, w, m))
		pick_range(h, w, m);
	if (!look(h, w, m))
		return;
	if (how == 1 && h->root && frames(m))
		move_numbers(h, m);
	else if (how != 1)
		move_range(h, m, how & 1);
}

void mover_run(struct hammer *h, struct worker *w)
{
	struct move move;

	while (hammer_running(h)) {
		step(h, w, &move);
		count(&h->shared->calls, 1);
		worker_did(w, 1);
	}
}
