/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy_calc.h - the arithmetic of heat, thresholds, scan periods and rates
 *
 * Heat comes from scans. A scan takes an eighth of a page's heat away, rounded up,
 * and adds TW_HEAT_YOUNG if the page was touched within the scan's window. So the
 * half-life of heat is five scans (TW_HEAT_DECAY). A page that is touched in each
 * window comes to a heat of 153. One that is touched in three windows of four stays
 * above 100, the default of what is hot. It falls from there below 10, the default
 * of what is cold, when it is not touched for 18 scans; a page that was touched
 * once does so after six.
 *
 * The window is all the time since the scan before. It is made shorter if so many
 * pages are touched in it that hot ones cannot be told apart. A page that was touched
 * since the scan before, but before the window, gets TW_HEAT_LATE instead, which
 * keeps it from becoming cold.
 *
 * No kernel calls and no locks, so that the unit tests run it on the host. A caller
 * owns the structs that it passes; most are those of the scanner's thread.
 */
#ifndef _TW_POLICY_CALC_H
#define _TW_POLICY_CALC_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64;
typedef int64_t s64;
#endif

#define TW_HEAT_YOUNG		20
#define TW_HEAT_LATE		3
#define TW_HEAT_DECAY		8

/**
 * enum tw_seen - what a scan finds out about a page
 * @TW_SEEN_NOT: not touched since the scan before
 * @TW_SEEN_LATE: touched since the scan before, but not within the window
 * @TW_SEEN_YOUNG: touched within the window
 */
enum tw_seen {
	TW_SEEN_NOT,
	TW_SEEN_LATE,
	TW_SEEN_YOUNG,
};

/* The heat after a scan. */
static inline unsigned int tw_heat_scanned(unsigned int heat, enum tw_seen seen)
{
	heat -= (heat + TW_HEAT_DECAY - 1) / TW_HEAT_DECAY;
	if (seen == TW_SEEN_YOUNG)
		heat += TW_HEAT_YOUNG;
	else if (seen == TW_SEEN_LATE)
		heat += TW_HEAT_LATE;
	return heat < 65535 ? heat : 65535;
}

/* Histograms of heat have buckets of four; the last holds all hotter pages, too. */
#define TW_HEAT_BUCKETS		64
#define TW_HEAT_BUCKET		4

static inline unsigned int tw_heat_bucket(unsigned int heat)
{
	heat /= TW_HEAT_BUCKET;
	return heat < TW_HEAT_BUCKETS ? heat : TW_HEAT_BUCKETS - 1;
}

/* Whether a histogram has any pages. */
static inline bool tw_heat_any(const u64 *pages)
{
	unsigned int b;

	for (b = 0; b < TW_HEAT_BUCKETS; b++)
		if (pages[b])
			return true;
	return false;
}

/*
 * The lowest heat such that the pages that are at least as hot fit into @room; 0 if
 * all pages fit. @pages is a histogram.
 */
static inline unsigned int tw_heat_fit(const u64 *pages, u64 room)
{
	unsigned int b = TW_HEAT_BUCKETS;
	u64 sum = 0;

	while (b && sum + pages[b - 1] <= room)
		sum += pages[--b];
	return b * TW_HEAT_BUCKET;
}

/*
 * The lowest heat such that at least @want pages are below it, or the highest of all
 * if there are fewer pages.
 */
static inline unsigned int tw_heat_coldest(const u64 *pages, u64 want)
{
	unsigned int b = 0;
	u64 sum = 0;

	while (b < TW_HEAT_BUCKETS && sum < want)
		sum += pages[b++];
	return b * TW_HEAT_BUCKET;
}

/*
 * Sinking is the demotion of idle pages from a store to a slower one. A page must
 * have been untouched for this many scans to sink.
 */
#define TW_SINK_AGE		16

/* An age that no page has, so that none sinks. */
#define TW_SINK_NONE		256

/*
 * The highest age such that at least @want pages are that old or older, but not below
 * TW_SINK_AGE; TW_SINK_NONE if @want is 0. @pages is a histogram by age in scans.
 */
static inline unsigned int tw_age_oldest(const u64 *pages, u64 want)
{
	unsigned int age = TW_SINK_NONE;
	u64 sum = 0;

	while (age > TW_SINK_AGE && sum < want)
		sum += pages[--age];
	return age;
}

/**
 * struct tw_demand - how often pages of a store are touched
 * @refaults: faults that read them, of late
 * @pages: how many pages the store had, summed over the scans of that time
 */
struct tw_demand {
	u64 refaults;
	u64 pages;
};

/* With fewer refaults than this nothing can be said. */
#define TW_ASKING_FEW		128
/* After this many refaults the counts are halved, so that newer ones weigh more. */
#define TW_ASKING_MANY		2048

static inline void tw_demand_add(struct tw_demand *a, u64 refaults, u64 pages)
{
	a->refaults += refaults;
	a->pages += pages;
}

static inline void tw_demand_age(struct tw_demand *a)
{
	a->refaults /= 2;
	a->pages /= 2;
}

/*
 * Whether it helps that pages sink from the faster store to the slower one. It does
 * if a page of the slower store is touched clearly more often than one of the faster
 * store, because then idle pages take room in the faster one. If not, the right pages
 * have sunk, or all are touched alike, and a further page that sinks only slows its
 * next touch.
 */
static inline bool tw_sink_helps(const struct tw_demand *fast,
				 const struct tw_demand *slow)
{
	if (!fast->pages || slow->refaults < TW_ASKING_FEW)
		return false;
	/* Compares with twice as many as if both stores' pages were touched alike. */
	return slow->refaults > fast->refaults * slow->pages / fast->pages * 2;
}

/* Sinking may take a 32nd of the time that faults wait for stores, */
#define TW_SINK_OF_WAITS	32
/* and a 100th of all time. */
#define TW_SINK_OF_TIME		100
/* At most this much unused time is saved up, in ns. */
#define TW_SINK_SAVED_NS	100000000LL

/*
 * The time that sinking may take, in ns. @has is what was left of it, below 0 if
 * sinking took more. Since then @elapsed ns have gone by, and faults have waited for
 * @waited ns.
 */
static inline s64 tw_sink_time(s64 has, u64 waited, u64 elapsed)
{
	has += waited / TW_SINK_OF_WAITS + elapsed / TW_SINK_OF_TIME;
	return has < TW_SINK_SAVED_NS ? has : TW_SINK_SAVED_NS;
}

/* At least this many slots are kept free, if that is no more than an eighth of all. */
#define TW_SINK_ROOM_MIN	16

/*
 * How many of a store's @cap slots sinking should keep free. They should be as few as
 * possible, but last until the next scan, so that no page has to go to a slower store
 * instead. @room was kept free at the scan before, and @free of it are left now.
 */
static inline u64 tw_sink_room(u64 cap, u64 room, u64 free)
{
	if (free < room / 4)
		room *= 2;
	else if (free > room / 2)
		room -= room / 8;
	if (room < TW_SINK_ROOM_MIN)
		room = TW_SINK_ROOM_MIN;
	return room < cap / 8 ? room : cap / 8;
}

/* How many pages must sink to have @room slots free; 0 while at least half are. */
static inline u64 tw_sink_need(u64 room, u64 free)
{
	return free < room / 2 ? room - free : 0;
}

/* The headroom shrinks when it has been refilled this often without a fault waiting. */
#define TW_KEEP_ROUNDS		4
/* The least headroom, in pages, and as a part of the most that is allowed. */
#define TW_KEEP_MIN		8
#define TW_KEEP_PART		16

/**
 * struct tw_headroom_hint - how much memory to keep free for faults
 * @pages: the present choice, before it is limited to what is allowed
 * @done: pages demoted since @pages was changed
 *
 * Faults should find free memory, but each page that is kept free is one more page
 * in a store. So the headroom grows when a fault waits, and shrinks while none does.
 */
struct tw_headroom_hint {
	u64 pages;
	u64 done;
};

/* How many pages to keep free if at most @most are allowed. */
static inline u64 tw_headroom_now(const struct tw_headroom_hint *k, u64 most)
{
	u64 least = most / TW_KEEP_PART;

	if (least < TW_KEEP_MIN)
		least = TW_KEEP_MIN;
	if (k->pages >= most)
		return most;
	return k->pages > least ? k->pages : least;
}

/* A fault has found no free memory, so the headroom is doubled. */
static inline void tw_headroom_stalled(struct tw_headroom_hint *k, u64 most)
{
	k->pages = 2 * tw_headroom_now(k, most);
	k->done = 0;
}

/* @pages were demoted and no fault waited; the headroom shrinks in the end. */
static inline void tw_headroom_demoted(struct tw_headroom_hint *k, u64 pages,
				       u64 most)
{
	u64 now = tw_headroom_now(k, most);

	k->done += pages;
	if (k->done < TW_KEEP_ROUNDS * now)
		return;
	k->pages = now - (now + 7) / 8;
	k->done = 0;
}

/* A heat that only pages have that were touched in most of the latest windows. */
#define TW_HEAT_STEADY		100

/*
 * Whether the program has turned to other pages: of @steady pages with such a heat,
 * more than half were not touched any more (@lost). If they are less than a 64th of
 * the @seen pages, that says nothing.
 */
static inline bool tw_scan_news(u64 lost, u64 steady, u64 seen)
{
	return lost * 2 > steady && steady * 64 > seen;
}

/*
 * The next pause between scans, in ms, from @min to @max. It is halved if more than a
 * 50th of the @seen pages should move or went to a store (@changed), and grows slowly
 * if less than a 200th did, or there is nothing to see. It is @min if the program has
 * turned to other pages (@news), and @max if there are none but cold ones (@idle).
 */
static inline unsigned int tw_scan_period(unsigned int ms, u64 changed,
					  u64 seen, bool news, bool idle,
					  unsigned int min, unsigned int max)
{
	if (news)
		return min;
	if (idle && !changed)
		return max;
	if (changed * 50 > seen)
		ms /= 2;
	else if (changed * 200 < seen || !seen)
		ms += ms / 8 + 1;
	if (ms < min)
		ms = min;
	return ms > max ? max : ms;
}

/*
 * In a shorter window pages would seem untouched that are touched through the TLB of
 * a CPU, which does not set their accessed bits again.
 */
#define TW_WINDOW_MIN_NS	5000000ULL
/* The window is all the time since the scan before. */
#define TW_WINDOW_ALL		(~0ULL)
/* The scanner waits this long at most for the window of each group of chunks. */
#define TW_WINDOW_MAX_NS	1000000000ULL
/* The window gets longer after this many scans in a row with few touches. */
#define TW_WINDOW_SCANS		4

/**
 * struct tw_window - the time before a scan in which a touch counts in full
 * @ns: its length, or TW_WINDOW_ALL
 * @low: scans in a row in which few pages were touched
 * @changed: its length differs from that in the scan before
 */
struct tw_window {
	u64 ns;
	unsigned int low;
	bool changed;
};

static inline void tw_window_set(struct tw_window *w, u64 ns)
{
	w->changed = w->ns != ns;
	w->ns = ns;
	w->low = 0;
}

/*
 * Chooses the next window. Of @seen pages in memory, about as many should be touched
 * in it as the faster tier has @room for, or half of them if there is room for more.
 * @young pages were touched in the window of this scan, and @between ns have gone by
 * since the scan before.
 */
static inline void tw_window_scanned(struct tw_window *w, u64 between, u64 young,
				     u64 seen, u64 room)
{
	u64 want = seen / 2, ns = w->ns;

	if (room < want)
		want = room > seen / 16 ? room : seen / 16;
	w->changed = false;
	if (young * 2 > want * 3) {
		ns = (ns < between ? ns : between) / 2;
		if (ns > TW_WINDOW_MAX_NS)
			ns = TW_WINDOW_MAX_NS;
		tw_window_set(w, ns > TW_WINDOW_MIN_NS ? ns : TW_WINDOW_MIN_NS);
	} else if (young * 2 >= want || ns == TW_WINDOW_ALL) {
		w->low = 0;
	} else if (++w->low == TW_WINDOW_SCANS) {
		ns *= 2;
		tw_window_set(w, ns < between && ns <= TW_WINDOW_MAX_NS ? ns :
			      TW_WINDOW_ALL);
	}
}

/* A move must save within this time what it costs. */
#define TW_PAYBACK_NS		60000000000ULL
/* The heat of a page that is touched in each window. */
#define TW_HEAT_FULL		153

/*
 * The heat from which a move pays that costs @cost_ns, including the demotion of the
 * page that makes room, and saves @saved_ns at each touch. Heat tells in which share of
 * the windows, of @window_ns each, a page is touched. A page that is touched in
 * most windows (TW_HEAT_STEADY) may be touched any number of times in each, so for it
 * a move always pays.
 */
static inline unsigned int tw_heat_pays(u64 cost_ns, u64 saved_ns, u64 window_ns)
{
	u64 touches = saved_ns ? cost_ns / saved_ns : ~0ULL;
	u64 windows;

	if (!window_ns)
		return 0;	/* there was no scan before to measure it */
	windows = TW_PAYBACK_NS / window_ns;
	if (touches >= windows)
		return TW_HEAT_STEADY;
	/* Both have at most 36 bits by now. */
	if (touches * TW_HEAT_FULL / windows < TW_HEAT_STEADY)
		return touches * TW_HEAT_FULL / windows;
	return TW_HEAT_STEADY;
}

/*
 * A measured duration without disturbances: the minimum of @least, the estimate so
 * far (0: not known yet), and @now, the newest value. The estimate rises by a 32nd at
 * each call, so that an old minimum is forgotten slowly.
 */
static inline u64 tw_least(u64 least, u64 now)
{
	least += least / 32;
	return !least || now < least ? now : least;
}

/* Bounds of the margin, in heat. */
#define TW_MARGIN_MIN		24
#define TW_MARGIN_MAX		64
/* The margin is narrowed after this many scans with little thrashing. */
#define TW_MARGIN_SCANS		4

/**
 * struct tw_margin - how far from the threshold a page's heat must be for a move
 * @heat: the margin
 * @calm: scans since the margin was changed
 * @moved: pages moved of late
 * @thrash: how many of these had been moved the other way shortly before
 *
 * Heat varies by chance, so pages near the threshold are now on one side of it and
 * now on the other. The margin keeps them from being moved to and fro.
 */
struct tw_margin {
	unsigned int heat;
	unsigned int calm;
	u64 moved;
	u64 thrash;
};

/*
 * Adapts the margin after a scan with @moved moves, @thrash of which were to and fro.
 * It is doubled if more than one move in a hundred is.
 */
static inline void tw_margin_scanned(struct tw_margin *m, u64 moved, u64 thrash)
{
	m->moved += moved - m->moved / 8;
	m->thrash += thrash - m->thrash / 8;
	m->calm++;
	if (m->thrash * 100 > m->moved && m->thrash >= 8) {
		m->heat = m->heat * 2 < TW_MARGIN_MAX ? m->heat * 2 : TW_MARGIN_MAX;
		m->moved = 0;
		m->thrash = 0;
		m->calm = 0;
	} else if (m->calm >= TW_MARGIN_SCANS) {
		m->heat -= (m->heat - TW_MARGIN_MIN + 3) / 4;
		m->calm = 0;
	}
}

/**
 * struct tw_bucket - a rate limit as a token bucket
 * @tokens: pages that may move now
 * @last: time at which tokens were last added, in ns
 */
struct tw_bucket {
	u64 tokens;
	u64 last;
};

/*
 * Takes tokens for up to @want pages at time @now and returns for how many. @rate is
 * pages per second, and the bucket holds those of one second; 0 is no limit.
 */
static inline u64 tw_bucket_take(struct tw_bucket *b, u64 want, u64 rate, u64 now)
{
	u64 ns = now - b->last;

	if (!rate)
		return want;
	if (!b->last || ns > 1000000000)
		ns = 1000000000;
	b->tokens += ns * rate / 1000000000;
	/* Time too short for a token goes on to count until there is one. */
	if (ns * rate >= 1000000000)
		b->last = now;
	if (b->tokens > rate)
		b->tokens = rate;
	if (want > b->tokens)
		want = b->tokens;
	b->tokens -= want;
	return want;
}

#endif
