/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy_calc.h - the arithmetic of heat, cuts, periods and rates
 *
 * Heat by scans: a scan takes an eighth off, rounded up, and adds
 * TW_HEAT_YOUNG when the page was touched within its window. Its half-life is
 * five scans. A page touched in each window comes to 153, one touched in three
 * of four stays above the documented 100; one not touched for 18 scans has
 * fallen from there below the documented 10, one touched once is below it after
 * six. The window is all the time since the scan before, or so much less that
 * not everything is touched in it, which would tell nothing: what was touched,
 * but before the window, adds TW_HEAT_LATE, which keeps it from being cold.
 *
 * No kernel calls: the unit tests run it on the host.
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

/* What a scan knows of a page: touched since the one before, in the window? */
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

/* Buckets of four; the last has all that is hotter. */
#define TW_HEAT_BUCKETS		64
#define TW_HEAT_BUCKET		4

static inline unsigned int tw_heat_bucket(unsigned int heat)
{
	heat /= TW_HEAT_BUCKET;
	return heat < TW_HEAT_BUCKETS ? heat : TW_HEAT_BUCKETS - 1;
}

/* Are there any? */
static inline bool tw_heat_any(const u64 *pages)
{
	unsigned int b;

	for (b = 0; b < TW_HEAT_BUCKETS; b++)
		if (pages[b])
			return true;
	return false;
}

/*
 * The lowest heat such that pages at least that hot fit @room. @pages: how many
 * there are by bucket. 0: all fit.
 */
static inline unsigned int tw_heat_fit(const u64 *pages, u64 room)
{
	unsigned int b = TW_HEAT_BUCKETS;
	u64 sum = 0;

	while (b && sum + pages[b - 1] <= room)
		sum += pages[--b];
	return b * TW_HEAT_BUCKET;
}

/* The lowest heat such that pages below it are at least @want, if there are. */
static inline unsigned int tw_heat_coldest(const u64 *pages, u64 want)
{
	unsigned int b = 0;
	u64 sum = 0;

	while (b < TW_HEAT_BUCKETS && sum < want)
		sum += pages[b++];
	return b * TW_HEAT_BUCKET;
}

/* A page must have been untouched for so many scans to sink. */
#define TW_SINK_AGE		16

/* No page has that age. */
#define TW_SINK_NONE		256

/* The age from which on @want pages are, or a few more, or TW_SINK_NONE. */
static inline unsigned int tw_age_oldest(const u64 *pages, u64 want)
{
	unsigned int age = TW_SINK_NONE;
	u64 sum = 0;

	while (age > TW_SINK_AGE && sum < want)
		sum += pages[--age];
	return age;
}

/**
 * struct tw_demand - how often pages of a store are asked for
 * @refaults: lately
 * @pages: how many were there, summed over as many scans
 */
struct tw_demand {
	u64 refaults;
	u64 pages;
};

/* Refaults that tell enough, and after which older ones count half. */
#define TW_ASKING_FEW		128
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
 * Does it help that pages sink from one store to another? Where those of the
 * slower one are asked for clearly more often, what lies idle in the faster one
 * is in the wrong place. Otherwise one page is as good as another, or those that
 * sank were the right ones, and each more is one more in the slower store.
 */
static inline bool tw_sink_helps(const struct tw_demand *fast,
				 const struct tw_demand *slow)
{
	if (!fast->pages || slow->refaults < TW_ASKING_FEW)
		return false;
	/* What they would be asked for, were they like the others. */
	return slow->refaults > fast->refaults * slow->pages / fast->pages * 2;
}

/* Sinking may take so much of what faults wait for stores, and of all time. */
#define TW_SINK_OF_WAITS	32
#define TW_SINK_OF_TIME		100
#define TW_SINK_SAVED_NS	100000000LL

/*
 * Time that sinking has, ns: @has is what was left, less than none when it took
 * more; faults have waited @waited since, out of @elapsed.
 */
static inline s64 tw_sink_time(s64 has, u64 waited, u64 elapsed)
{
	has += waited / TW_SINK_OF_WAITS + elapsed / TW_SINK_OF_TIME;
	return has < TW_SINK_SAVED_NS ? has : TW_SINK_SAVED_NS;
}

#define TW_SINK_ROOM_MIN	16

/*
 * How many slots of @cap are to be free, as few as can be, so that nothing goes
 * past the store from one scan to the next: @room was wanted, @free are left.
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

/* How many pages are to sink for that. */
static inline u64 tw_sink_need(u64 room, u64 free)
{
	return free < room / 2 ? room - free : 0;
}

/* Headroom after which pages were demoted without a fault that waited: less. */
#define TW_KEEP_ROUNDS		4
#define TW_KEEP_MIN		8
/* The least, of the most. */
#define TW_KEEP_PART		16

/**
 * struct tw_headroom_hint - memory kept free: each page of it is one more in a
 *	store
 * @pages: as found right, before the limits that hold now
 * @done: pages demoted since it was changed
 */
struct tw_headroom_hint {
	u64 pages;
	u64 done;
};

/* How many pages to keep free, where @most are allowed. */
static inline u64 tw_headroom_now(const struct tw_headroom_hint *k, u64 most)
{
	u64 least = most / TW_KEEP_PART;

	if (least < TW_KEEP_MIN)
		least = TW_KEEP_MIN;
	if (k->pages >= most)
		return most;
	return k->pages > least ? k->pages : least;
}

/* A fault has found none: more. */
static inline void tw_headroom_stalled(struct tw_headroom_hint *k, u64 most)
{
	k->pages = 2 * tw_headroom_now(k, most);
	k->done = 0;
}

/* So many were demoted, and nobody had to wait: with less in the end. */
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

/* Heat that only a page has which was touched in most windows of late. */
#define TW_HEAT_STEADY		100

/*
 * The program has turned to other pages when most of those (@steady) are not
 * touched any more (@lost). Few of them tell little.
 */
static inline bool tw_scan_news(u64 lost, u64 steady, u64 seen)
{
	return lost * 2 > steady && steady * 64 > seen;
}

/*
 * The next pause between scans: shorter when much is going on (@changed of @seen
 * pages were wanted elsewhere, or went to a store), the shortest when the program
 * has turned to other pages (@news), else slowly longer.
 */
static inline unsigned int tw_scan_period(unsigned int ms, u64 changed,
					  u64 seen, bool news,
					  unsigned int min, unsigned int max)
{
	if (news)
		return min;
	if (changed * 50 > seen)
		ms /= 2;
	else if (changed * 200 < seen)
		ms += ms / 8 + 1;
	if (ms < min)
		ms = min;
	return ms > max ? max : ms;
}

/* Shorter ones tell of what is in a CPU's TLB as if it were not touched. */
#define TW_WINDOW_MIN_NS	5000000ULL
#define TW_WINDOW_ALL		(~0ULL)
/* Each group of chunks waits for its end. */
#define TW_WINDOW_MAX_NS	1000000000ULL
/* Scans in a row that must ask for a longer one. */
#define TW_WINDOW_SCANS		4

/**
 * struct tw_window - within which a touch counts in full
 * @ns: how long, or TW_WINDOW_ALL: the time from scan to scan
 * @low: scans in a row in which little was touched
 * @changed: it is another one than in the scan before
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
 * The next window: such that of @seen pages in memory about as many are touched
 * in it as the faster tier has @room for, so that who is among them differs; half
 * where all fit. @between: from scan to scan, ns; @young: pages touched in it.
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

/* A move must have paid after this time at most. */
#define TW_PAYBACK_NS		60000000000ULL
/* What heat comes to when a page is touched in each window. */
#define TW_HEAT_FULL		153

/*
 * The heat from which on a move pays that costs @cost_ns, with the page that
 * makes room for it, and saves @saved_ns at each touch: heat tells the share of
 * windows of @window_ns with a touch. A page touched in most of them may be
 * touched any number of times.
 */
static inline unsigned int tw_heat_pays(u64 cost_ns, u64 saved_ns, u64 window_ns)
{
	u64 touches = saved_ns ? cost_ns / saved_ns : ~0ULL;
	u64 windows;

	if (!window_ns)
		return 0;	/* not known yet */
	windows = TW_PAYBACK_NS / window_ns;
	if (touches >= windows)
		return TW_HEAT_STEADY;
	/* Both have at most 36 bits by now. */
	if (touches * TW_HEAT_FULL / windows < TW_HEAT_STEADY)
		return touches * TW_HEAT_FULL / windows;
	return TW_HEAT_STEADY;
}

/*
 * What something takes when nothing else gets in between: the least lately,
 * forgotten slowly; 0: not known yet.
 */
static inline u64 tw_least(u64 least, u64 now)
{
	least += least / 32;
	return !least || now < least ? now : least;
}

/* How far from the cut a page must be to move: heat, at least and at most. */
#define TW_MARGIN_MIN		24
#define TW_MARGIN_MAX		64
/* Scans without much to and fro after which it is tried with less. */
#define TW_MARGIN_SCANS		4

/**
 * struct tw_margin - chance alone puts pages near the cut on either side of it
 * @heat: how far they must be from it
 * @moved: pages moved lately
 * @thrash: of them, to and fro
 * @calm: scans since it was widened or narrowed
 */
struct tw_margin {
	unsigned int heat;
	unsigned int calm;
	u64 moved;
	u64 thrash;
};

/* After a scan. Wider when more than one move in a hundred is to and fro. */
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
 * struct tw_bucket - a rate limit
 * @tokens: pages that may move now
 * @last: when they were counted, ns
 */
struct tw_bucket {
	u64 tokens;
	u64 last;
};

/* How many of @want may move at @now, at @rate a second (0: all), burst a second. */
static inline u64 tw_bucket_take(struct tw_bucket *b, u64 want, u64 rate, u64 now)
{
	u64 ns = now - b->last;

	if (!rate)
		return want;
	if (!b->last || ns > 1000000000)
		ns = 1000000000;
	b->tokens += ns * rate / 1000000000;
	/* What the division lost is not forgotten: no tokens, no new start. */
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
