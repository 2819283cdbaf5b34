/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pressure_calc.h - levels of pressure: by room, and by the time that faults wait
 *
 * By room: the share of the pages used, in percent, with a threshold for each level
 * and a lower one at which it is left. A store is judged by its own pages. A memory
 * tier is kept nearly full on purpose, so it is judged by all tiers that its pages may
 * go to, itself among them (struct tw_pressure_pool).
 *
 * By waiting: faults that find no room wait until there is some, and pages that had to
 * leave memory too soon are waited for when they come back. The share of time that goes
 * there is averaged over 10 and 60 seconds, as the kernel's PSI does (struct tw_stall).
 * Of a store, what counts is the time of transfers that take many times as long as one
 * did when it was measured, also of those that have not ended (struct tw_slow).
 *
 * Pure arithmetic: no kernel calls and no locks, so that the unit tests run it
 * on the host. The caller owns the structs.
 */
#ifndef _TW_PRESSURE_CALC_H
#define _TW_PRESSURE_CALC_H

#ifdef __KERNEL__
#include <linux/limits.h>
#include <linux/types.h>
#else
#include <limits.h>
#include <stdbool.h>
#endif
#include <linux/tierwatch.h>

/* -- by room ------------------------------------------------------------------- */

/**
 * struct tw_pressure_state - a tier's level by room
 * @level: in, out: enum tw_level
 * @up: out: pages used from which @level rises; ULONG_MAX for never
 * @down: out: pages used below which @level falls; 0 for never
 */
struct tw_pressure_state {
	unsigned int level;
	unsigned long up;
	unsigned long down;
};

/* @percent of @capacity, rounded up; does not overflow. */
static inline unsigned long tw_pressure_pages(unsigned long capacity,
					      unsigned int percent)
{
	return capacity / 100 * percent + (capacity % 100 * percent + 99) / 100;
}

/**
 * struct tw_pressure_levels - thresholds of MEDIUM, HIGH and CRITICAL
 * @enter: percent used from which a tier is on each level
 * @leave: percent used below which a tier leaves each level
 */
struct tw_pressure_levels {
	unsigned int enter[3];
	unsigned int leave[3];
};

#define TW_PRESSURE_DEFAULTS { { 70, 85, 95 }, { 65, 80, 90 } }

/* Whether both rise within 1..100, and each level is left below where it is entered. */
static inline bool tw_pressure_valid(const struct tw_pressure_levels *l)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (l->enter[i] > 100 || l->leave[i] < 1 ||
		    l->leave[i] >= l->enter[i])
			return false;
		if (i && (l->enter[i] <= l->enter[i - 1] ||
			  l->leave[i] <= l->leave[i - 1]))
			return false;
	}
	return true;
}

/* Pages used from which a tier is on @level (MEDIUM and above). */
static inline unsigned long
tw_pressure_enter(const struct tw_pressure_levels *l, unsigned long capacity,
		  unsigned int level)
{
	return tw_pressure_pages(capacity, l->enter[level - 1]);
}

/* Pages used below which a tier leaves @level again. */
static inline unsigned long
tw_pressure_leave(const struct tw_pressure_levels *l, unsigned long capacity,
		  unsigned int level)
{
	return tw_pressure_pages(capacity, l->leave[level - 1]);
}

/**
 * tw_pressure_calc - compute the level by room, and from what use it changes
 * @l: valid levels
 * @used: pages used
 * @capacity: pages; where there are none it is always CRITICAL
 * @s: in: @s->level of the time before; out: all members
 */
static inline void tw_pressure_calc(const struct tw_pressure_levels *l,
				    unsigned long used, unsigned long capacity,
				    struct tw_pressure_state *s)
{
	unsigned int level = s->level;

	if (level > TW_PRESSURE_CRITICAL)
		level = TW_PRESSURE_CRITICAL;
	while (level < TW_PRESSURE_CRITICAL &&
	       used >= tw_pressure_enter(l, capacity, level + 1))
		level++;
	while (level > TW_PRESSURE_LOW &&
	       used < tw_pressure_leave(l, capacity, level))
		level--;

	s->level = level;
	s->up = level < TW_PRESSURE_CRITICAL ?
		tw_pressure_enter(l, capacity, level + 1) : ULONG_MAX;
	s->down = level > TW_PRESSURE_LOW ?
		tw_pressure_leave(l, capacity, level) : 0;
}

/**
 * struct tw_pressure_pool - the tiers that pages of memory may go to, together
 * @used: pages used in them
 * @capacity: pages that they hold
 * @nr: how many tiers these are
 * @up: pages used from which the level of some memory tier rises; ULONG_MAX: of none
 * @down: pages used below which the level of some memory tier falls; 0: of none
 * @seen: what of @used is in each tier
 */
struct tw_pressure_pool {
	unsigned long used;
	unsigned long capacity;
	unsigned int nr;
	unsigned long up;
	unsigned long down;
	unsigned long seen[TW_NR_TIERS];
};

/* Takes in where a memory tier's level, which is by all of the pool, changes. */
static inline void tw_pressure_pool_take(struct tw_pressure_pool *p,
					 const struct tw_pressure_state *s)
{
	if (s->up < p->up)
		p->up = s->up;
	if (s->down > p->down)
		p->down = s->down;
}

/*
 * How many of @room pages one of the pool's tiers may change by before the whole is
 * looked at again. Together they cannot reach a threshold unseen, but for a small part
 * of the pool, so that pages which come and go close to one do not cause a look each.
 */
static inline unsigned long
tw_pressure_share(const struct tw_pressure_pool *p, unsigned long room)
{
	unsigned long share, least;

	if (p->nr < 2)
		return room;
	share = room / p->nr;
	least = p->capacity / 1024 + 1;
	return share > least ? share : least;
}

/* Narrows @s, of a tier with @used pages, to where the pool is to be looked at. */
static inline void tw_pressure_pool_narrow(const struct tw_pressure_pool *p,
					   unsigned long used,
					   struct tw_pressure_state *s)
{
	unsigned long share, room;

	if (p->up != ULONG_MAX) {
		room = p->up > p->used ? p->up - p->used : 0;
		share = tw_pressure_share(p, room);
		/* There may not be so many pages left that could come. */
		if (p->nr > 1 && p->used + share > p->capacity)
			share = room / p->nr + 1;
		if (used + share < s->up)
			s->up = used + share;
	}
	if (p->down) {
		share = tw_pressure_share(p, p->used > p->down ?
					     p->used - p->down : 0);
		if (used > share && used - share > s->down)
			s->down = used - share;
	}
}

/* -- by waiting ---------------------------------------------------------------- */

#define TW_STALL_PERIOD_NS	2000000000ULL
/* A share is a part of this. */
#define TW_STALL_ALL		(1U << 20)
/* What is left of an average after a period, of 65536: e^(-2/10) and e^(-2/60). */
#define TW_STALL_KEEP10		53656U
#define TW_STALL_KEEP60		63387U
/* Averages below this are over, which ends the periods. */
#define TW_STALL_LEAST		(TW_STALL_ALL / 2000)
/* After so many periods nothing is left of an average. */
#define TW_STALL_PERIODS	300U

/* Permille of the last 10 s from which the level is MEDIUM and HIGH, and is left. */
#define TW_STALL_ENTER		{ 10, 100 }
#define TW_STALL_LEAVE		{ 5, 50 }

/**
 * struct tw_stall - the share of time that faults wait for a tier
 * @total: ns that they had waited when it was last looked at
 * @at: when that was, in ns
 * @avg10: share of the last 10 s, of TW_STALL_ALL
 * @avg60: of the last 60 s
 * @level: enum tw_level by @avg10, never CRITICAL
 * @on: it is to be looked at after each period
 */
struct tw_stall {
	unsigned long long total;
	unsigned long long at;
	unsigned int avg10;
	unsigned int avg60;
	unsigned int level;
	bool on;
};

static inline unsigned int tw_stall_avg(unsigned int avg, unsigned int share,
					unsigned int keep)
{
	return ((unsigned long long)avg * keep +
		(unsigned long long)share * (65536 - keep)) >> 16;
}

static inline unsigned int tw_stall_permille(unsigned int avg)
{
	return ((unsigned long long)avg * 1000 + TW_STALL_ALL / 2) / TW_STALL_ALL;
}

static inline void tw_stall_judge(struct tw_stall *s)
{
	static const unsigned int enter[] = TW_STALL_ENTER, leave[] = TW_STALL_LEAVE;
	unsigned int now = tw_stall_permille(s->avg10);

	while (s->level < TW_PRESSURE_HIGH && now >= enter[s->level])
		s->level++;
	while (s->level > TW_PRESSURE_LOW && now < leave[s->level - 1])
		s->level--;
}

/**
 * tw_stall_look - take in how long faults have waited
 * @s: what is known
 * @total: ns that they have waited since load, each fault by itself
 * @now: ns
 *
 * The first look at new waiting begins a period, and those that come before the period
 * is over change nothing.
 */
static inline void tw_stall_look(struct tw_stall *s, unsigned long long total,
				 unsigned long long now)
{
	unsigned long long ns = total - s->total, past = now - s->at, share;
	unsigned int i;

	if (!s->on) {
		s->on = ns != 0;
		s->at = now;
		return;
	}
	/* Another CPU's clock may be a little behind. */
	if (now < s->at || past < TW_STALL_PERIOD_NS)
		return;
	share = ns / (past / TW_STALL_ALL);
	if (share > TW_STALL_ALL)
		share = TW_STALL_ALL;
	for (i = 0; i < past / TW_STALL_PERIOD_NS && i < TW_STALL_PERIODS; i++) {
		s->avg10 = tw_stall_avg(s->avg10, share, TW_STALL_KEEP10);
		s->avg60 = tw_stall_avg(s->avg60, share, TW_STALL_KEEP60);
	}
	s->total = total;
	s->at = now;
	s->on = s->avg10 >= TW_STALL_LEAST || s->avg60 >= TW_STALL_LEAST;
	if (!s->on) {
		s->avg10 = 0;
		s->avg60 = 0;
	}
	tw_stall_judge(s);
}

/* -- by how slow a store is ---------------------------------------------------- */

/* A store is slow when its transfers take so many times as long as it was measured, */
#define TW_SLOW_TIMES		256U
/*
 * and at least this on average. It was measured with one page at a time, and a transfer may
 * have 64 pages that are far apart, and others before it.
 */
#define TW_SLOW_LEAST_NS	50000000ULL
/* One that never ends adds a period to each period, and so has to be enough. */
#define TW_SLOW_MOST_NS		(TW_STALL_PERIOD_NS / 2)

/**
 * struct tw_io_time - the time that transfers of a store take
 * @nr: how many are under way
 * @begun_ns: the sum of the times at which these began; wraps
 * @ended: how many have ended
 * @ended_ns: how long these took, together
 */
struct tw_io_time {
	unsigned int nr;
	unsigned long long begun_ns;
	unsigned long long ended;
	unsigned long long ended_ns;
};

static inline void tw_io_time_begin(struct tw_io_time *t, unsigned long long now)
{
	t->nr++;
	t->begun_ns += now;
}

static inline void tw_io_time_end(struct tw_io_time *t, unsigned long long began,
				  unsigned long long now)
{
	t->nr--;
	t->begun_ns -= began;
	t->ended++;
	/* Another CPU's clock may be a little behind. */
	if (now > began)
		t->ended_ns += now - began;
}

/* How long all transfers have taken until now, those that are under way as well. */
static inline unsigned long long tw_io_time_all(const struct tw_io_time *t,
						unsigned long long now)
{
	unsigned long long under_way = t->nr * now - t->begun_ns;

	return t->ended_ns + ((long long)under_way > 0 ? under_way : 0);
}

/**
 * struct tw_slow - how long a store was waited for while it was slow
 * @on: it is to be looked at after each period
 * @at: when it was looked at last, in ns
 * @all_ns: tw_io_time_all() then
 * @ended: transfers that had ended then
 * @total: ns of all periods in which it was slow, each transfer by itself
 */
struct tw_slow {
	bool on;
	unsigned long long at;
	unsigned long long all_ns;
	unsigned long long ended;
	unsigned long long total;
};

/* What a transfer takes from which a store is slow, which took @latency_ns once. */
static inline unsigned long long tw_slow_ns(unsigned long long latency_ns)
{
	unsigned long long ns = latency_ns * TW_SLOW_TIMES;

	if (ns > TW_SLOW_MOST_NS)
		return TW_SLOW_MOST_NS;
	return ns > TW_SLOW_LEAST_NS ? ns : TW_SLOW_LEAST_NS;
}

/**
 * tw_slow_look - take in how long transfers take
 * @s: what is known
 * @io: transfers until now
 * @latency_ns: of the store, as it was measured
 * @now: ns
 *
 * The first look begins a period. A period without transfers is the last. Those that
 * have not ended count as if they ended now, so that one that never does is seen in each
 * period.
 */
static inline void tw_slow_look(struct tw_slow *s, const struct tw_io_time *io,
				unsigned long long latency_ns, unsigned long long now)
{
	unsigned long long all = tw_io_time_all(io, now), ns, nr;

	if (s->on) {
		if (now < s->at || now - s->at < TW_STALL_PERIOD_NS)
			return;
		ns = all > s->all_ns ? all - s->all_ns : 0;
		nr = io->ended - s->ended + io->nr;
		if (nr && ns / nr >= tw_slow_ns(latency_ns))
			s->total += ns;
		s->on = nr != 0;
	} else {
		s->on = true;
	}
	s->at = now;
	s->all_ns = all;
	s->ended = io->ended;
}

#endif
