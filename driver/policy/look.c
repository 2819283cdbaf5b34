// SPDX-License-Identifier: GPL-2.0
/*
 * look.c - a scan's look at the pages of one chunk
 *
 * Owns the heat and the age of pages while scans are made, and what a chunk keeps
 * from scan to scan (tw_chunk.idle to ->cold). Only the scanner's thread calls it, with
 * a reference to the space.
 *
 * Most chunks cost little. The state of one that has been untouched for long is known
 * without a look at its records, and mostly without one at its pages: a glance at its page
 * table tells that it was not touched, and many tables are glanced at together. Of records
 * in a row to which the same happens, one is worked out and the others are only counted.
 *
 * Locks: none. Heat and age are hints that change without a lock, see record.h.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "pages/heat.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/accessed.h"
#include "policy/decide.h"
#include "policy/look.h"
#include "policy/policy_calc.h"
#include "tiers/tier.h"

/* After so many scans an untouched chunk is known without a look at its records. */
#define TW_LONG_IDLE	8
/* After so many further scans its records are looked at all the same. */
#define TW_BEHIND_MOST	64
/* The same where no page would get older. */
#define TW_BEHIND_AGED	255

/* The part of their words in which records that are alike are equal. */
#define TW_ALIKE_W	(TW_W_STATE_MASK | TW_W_TIER_MASK | TW_W_PREFAULT)

enum tw_alike_as {
	TW_ALIKE_NOTHING,	/* there is no page, or it is lost */
	TW_ALIKE_COLD,		/* the page has no heat, and its chunk counts it */
	TW_ALIKE_QUIET,		/* the page is counted, and the policy does nothing */
};

/**
 * struct tw_alike - records in a row to which the same happens
 * @w: TW_ALIKE_W of their words, or ~0 if no record can be alike
 * @seen: how they were seen
 * @heat: their heat before
 * @age: their age before
 * @heat_now: their heat afterwards
 * @age_now: their age afterwards
 * @as: how they are counted
 * @nr: how many there are, without the first
 */
struct tw_alike {
	unsigned long w;
	enum tw_seen seen;
	u16 heat;
	u8 age;
	u16 heat_now;
	u8 age_now;
	enum tw_alike_as as;
	unsigned int nr;
};

/* -- known without a look at each record ----------------------------------------- */

/* May any of the chunk's pages be mapped? Of foreign pages only a look can tell. */
static bool tw_look_mapped(const struct tw_chunk_look *l)
{
	return l->sp->foreign || atomic_read(&l->c->nr_mem);
}

/* Is the state of the chunk known if it was not touched since the scan before? */
static inline bool tw_look_rests(const struct tw_found *f, const struct tw_chunk *c)
{
	return READ_ONCE(c->all_cold) && c->idle >= TW_LONG_IDLE &&
	       c->behind < (c->aged ? TW_BEHIND_AGED : TW_BEHIND_MOST) - 1 &&
	       !(c->tiers & f->needs);
}

void tw_look_first(struct tw_found *f, struct tw_chunk_look *l)
{
	struct tw_chunk *c = l->c;
	int looked;

	l->known = false;
	bitmap_zero(l->seen, TW_CHUNK_PAGES);
	if (tw_look_mapped(l)) {
		looked = tw_scan_chunk(l->sp, c, l->seen,
				       l->touched ? TW_SCAN_TOUCHED : TW_SCAN_FIRST);
		/* What could not be looked at is what it was before. */
		l->known = looked < 0;
		if (looked && (looked < 0 || c->idle < TW_LONG_IDLE))
			return;
		f->skipped += TW_CHUNK_PAGES;
	} else if (c->idle < TW_LONG_IDLE) {
		c->idle++;
	}
	l->known = tw_look_rests(f, c);
	if (l->known)
		c->behind++;
}

void tw_look_again(struct tw_chunk_look *l)
{
	if (l->known)
		return;
	bitmap_zero(l->young, TW_CHUNK_PAGES);
	if (tw_look_mapped(l))
		tw_scan_chunk(l->sp, l->c, l->young, TW_SCAN_AGAIN);
}

/**
 * struct tw_cold - pages without heat of some chunks
 * @tiers: the tiers where they are, a bit for each
 * @nr: as tw_chunk.cold
 */
struct tw_cold {
	unsigned int tiers;
	unsigned int nr[TW_NR_TIERS * 2];
};

static inline void tw_cold_add(struct tw_cold *cold, const struct tw_chunk *c)
{
	unsigned int left, at;

	for (left = c->tiers; left; left &= left - 1) {
		at = 2 * __ffs(left);
		cold->nr[at] += c->cold[at];
		cold->nr[at + 1] += c->cold[at + 1];
	}
	cold->tiers |= c->tiers;
}

static void tw_look_count_cold(struct tw_found *f, const struct tw_space *sp,
			       const struct tw_cold *cold)
{
	unsigned long tiers = cold->tiers;
	int home = sp->home;
	unsigned int tier;

	for_each_set_bit(tier, &tiers, TW_NR_TIERS) {
		unsigned int resident = cold->nr[tier * 2 + 1];
		unsigned int all = cold->nr[tier * 2] + resident;

		f->bands[tier][0] += all;
		f->pages += all;
		if (sp->foreign && tw_tier_is_memory(tier)) {
			f->memory += all;
			f->foreign += all;
		}
		if (!resident)
			continue;
		f->memory += resident;
		f->map.home[home][0] += resident;
		f->map.tier[tier][0] += resident;
	}
}

/*
 * Of chunks that may rest: which of them have not been touched, as far as their tables
 * tell. *@touched: which may have been.
 */
static u64 tw_look_resting(struct tw_found *f, struct tw_space *sp,
			   struct tw_chunk *const *c, unsigned int nr, u64 *touched)
{
	u64 stored = 0, mapped = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!tw_look_rests(f, c[i]))
			continue;
		if (!atomic_read(&c[i]->nr_mem))
			stored |= BIT_ULL(i);
		else if (!tw_scan_sure_due(c[i]))
			mapped |= BIT_ULL(i);
	}
	if (!tw_scan_tables(sp, c, mapped, touched))
		return 0;
	mapped &= ~*touched;
	for (i = 0; i < nr; i++)
		if (mapped & BIT_ULL(i))
			tw_scan_untouched(c[i]);
	return stored | mapped;
}

u64 tw_look_glance(struct tw_found *f, struct tw_space *sp, struct tw_chunk *const *c,
		   unsigned int nr, u64 *touched)
{
	struct tw_cold cold = { 0 };
	u64 rest, left;

	*touched = 0;
	rest = tw_look_resting(f, sp, c, nr, touched);
	if (!rest)
		return 0;
	for (left = rest; left; left &= left - 1) {
		struct tw_chunk *one = c[__ffs64(left)];

		one->behind++;
		tw_cold_add(&cold, one);
	}
	f->skipped += hweight64(rest) * TW_CHUNK_PAGES;
	tw_look_count_cold(f, sp, &cold);
	return rest;
}

/* -- records one by one ------------------------------------------------------------ */

/*
 * Handles a page that has no heat and gets none, as most pages of a big space: it is
 * only counted and gets older. False if it is not such a page, or is wanted elsewhere.
 */
static bool tw_look_cold(struct tw_chunk *c, struct tw_rec *rec,
			 unsigned long w, enum tw_seen seen, unsigned int scans,
			 struct tw_alike *a)
{
	int tier = tw_w_tier(w);

	if (seen || a->heat || tw_policy_needs_cold(tier))
		return false;
	a->heat_now = 0;
	a->age_now = min_t(unsigned int, a->age + scans, U8_MAX);
	if (a->age_now != a->age)
		WRITE_ONCE(rec->age, a->age_now);
	if (a->age_now != U8_MAX)
		c->aged = false;
	c->cold[tier * 2 + tw_w_resident(w)]++;
	c->tiers |= BIT(tier);
	a->as = TW_ALIKE_COLD;
	a->w = w & TW_ALIKE_W;
	return true;
}

/* Counts @n pages, whose heat was and is that of @a. */
static void tw_look_count(struct tw_found *f, int home, unsigned long w,
			  enum tw_seen seen, const struct tw_alike *a,
			  unsigned int n)
{
	unsigned int bucket = tw_heat_bucket(a->heat_now);
	int tier = tw_w_tier(w);

	f->pages += n;
	f->bands[tier][tw_heat_band(a->heat_now)] += n;
	if (!tw_w_in_memory(w))
		return;
	f->memory += n;
	if (seen == TW_SEEN_YOUNG)
		f->young += n;
	if (a->heat >= TW_HEAT_STEADY) {
		f->steady += n;
		if (seen != TW_SEEN_YOUNG)
			f->lost += n;
	}
	if (tw_w_state(w) == TW_FOREIGN) {
		f->foreign += n;	/* it has no place in what the policy decides */
		return;
	}
	f->map.home[home][bucket] += n;
	f->map.tier[tier][bucket] += n;
}

/* Would the policy do nothing about further pages like this one? */
static bool tw_look_quiet(unsigned long w, int home, const struct tw_alike *a)
{
	int tier = tw_w_tier(w);
	bool needed = tw_policy_needs_cold(tier);

	if (tw_heat_band(a->heat_now) != tw_heat_band(a->heat))
		return false;
	if (tw_w_state(w) == TW_FOREIGN)
		return true;
	if (tw_w_state(w) == TW_STORE)
		return !needed;
	return tw_w_state(w) == TW_MEM && tier == home &&
	       !(w & TW_W_PREFAULT) && (a->seen == TW_SEEN_YOUNG || !needed);
}

/* Gives a page its new heat and age, counts it, and shows it to the policy. */
static void tw_look_page(struct tw_found *f, struct tw_chunk_look *l,
			 unsigned long idx, struct tw_rec *rec, unsigned long w,
			 struct tw_alike *a)
{
	int tier = tw_w_tier(w), home = l->sp->home;
	enum tw_seen seen = a->seen;

	if (seen && !tw_rec_touched(rec))
		seen = TW_SEEN_NOT;
	a->heat_now = tw_heat_scanned(a->heat, seen);
	a->age_now = seen ? 0 : min(a->age + 1, U8_MAX);
	if (a->heat_now != a->heat)
		WRITE_ONCE(rec->heat, a->heat_now);
	if (a->age_now != a->age)
		WRITE_ONCE(rec->age, a->age_now);
	if (tw_heat_band(a->heat_now) != tw_heat_band(a->heat))
		tw_heat_banded(tw_space_page(l->sp, idx), tier, a->heat_now);
	tw_look_count(f, home, w, seen, a, 1);
	if (tw_w_state(w) == TW_STORE && tw_policy_needs_cold(tier)) {
		f->map.age[tier][a->age_now]++;
		tw_policy_see_stored(l->sp, idx, tier, a->age_now);
	}
	if (tw_w_resident(w))
		tw_policy_see(l->sp, idx, w, a->heat_now, seen == TW_SEEN_YOUNG);
	if (!tw_look_quiet(w, home, a))
		return;
	a->as = TW_ALIKE_QUIET;
	a->w = w & TW_ALIKE_W;
}

/* Works out a record, the first one of those that may be alike. */
static void tw_look_rec(struct tw_found *f, struct tw_chunk_look *l,
			struct tw_rec *rec, enum tw_seen seen,
			unsigned int scans, struct tw_alike *a)
{
	unsigned long w = tw_rec_w(rec);
	enum tw_state s = tw_w_state(w);

	*a = (struct tw_alike){
		.w = ~0UL,
		.seen = seen,
		.heat = READ_ONCE(rec->heat),
		.age = READ_ONCE(rec->age),
	};
	if (s == TW_NONE || s == TW_POISON) {
		a->heat_now = a->heat;
		a->age_now = a->age;
		a->w = w & TW_ALIKE_W;
	} else if (!tw_look_cold(l->c, rec, w, seen, scans, a)) {
		WRITE_ONCE(l->c->all_cold, false);
		tw_look_page(f, l, l->c->base + (rec - l->c->rec), rec, w, a);
	}
}

/*
 * Gives records that are alike their new heat and age, as far as they follow each other
 * from @rec on, up to @nr, which were seen like the ones before. Returns how many there
 * were; they are still to be counted. This is where a scan spends its time, so the loop
 * has all that it compares in registers.
 */
static unsigned int tw_alike_run(const struct tw_alike *a, struct tw_rec *rec,
				 unsigned int nr)
{
	const bool changed = a->heat_now != a->heat || a->age_now != a->age;
	const struct tw_rec *end = rec + nr, *first = rec;
	const unsigned long w = a->w;
	const u16 heat = a->heat;
	const u8 age = a->age;

	for (; rec < end; rec++) {
		if ((tw_rec_w(rec) & TW_ALIKE_W) != w ||
		    READ_ONCE(rec->heat) != heat || READ_ONCE(rec->age) != age)
			break;
		if (changed) {
			WRITE_ONCE(rec->heat, a->heat_now);
			WRITE_ONCE(rec->age, a->age_now);
		}
	}
	return rec - first;
}

static void tw_alike_end(struct tw_found *f, struct tw_chunk_look *l,
			 const struct tw_alike *a)
{
	if (!a->nr)
		return;
	if (a->as == TW_ALIKE_COLD)
		l->c->cold[tw_w_tier(a->w) * 2 + tw_w_resident(a->w)] += a->nr;
	else if (a->as == TW_ALIKE_QUIET)
		tw_look_count(f, l->sp->home, a->w, a->seen, a, a->nr);
}

/* How many pages from @i on were seen alike, up to the end of a word of the bitmaps. */
static unsigned int tw_look_same(const struct tw_chunk_look *l, unsigned int i,
				 enum tw_seen *seen)
{
	unsigned int left = BITS_PER_LONG - i % BITS_PER_LONG;
	unsigned long young = l->young[BIT_WORD(i)] >> i % BITS_PER_LONG;
	unsigned long late = l->seen[BIT_WORD(i)] >> i % BITS_PER_LONG & ~young;
	unsigned long others;

	if (young & 1) {
		*seen = TW_SEEN_YOUNG;
		others = ~young;
	} else if (late & 1) {
		*seen = TW_SEEN_LATE;
		others = ~late;
	} else {
		*seen = TW_SEEN_NOT;
		others = young | late;
	}
	return others ? min_t(unsigned int, __ffs(others), left) : left;
}

static void tw_look_records(struct tw_found *f, struct tw_chunk_look *l,
			    unsigned int scans)
{
	struct tw_alike a = { .w = ~0UL };
	unsigned int i = 0, same, run;
	enum tw_seen seen;

	while (i < TW_CHUNK_PAGES) {
		same = tw_look_same(l, i, &seen);
		run = seen == a.seen ? tw_alike_run(&a, &l->c->rec[i], same) : 0;
		a.nr += run;
		i += run;
		if (run == same)
			continue;
		tw_alike_end(f, l, &a);
		tw_look_rec(f, l, &l->c->rec[i++], seen, scans, &a);
	}
	tw_alike_end(f, l, &a);
}

void tw_look_done(struct tw_found *f, struct tw_chunk_look *l)
{
	struct tw_cold cold = { 0 };
	struct tw_chunk *c = l->c;
	unsigned int scans;

	if (!l->known) {
		scans = c->behind + 1;
		c->behind = 0;
		c->tiers = 0;
		memset(c->cold, 0, sizeof(c->cold));
		/* Changes from here on clear it again, see tw_chunk_changed(). */
		WRITE_ONCE(c->all_cold, true);
		c->aged = true;
		tw_look_records(f, l, scans);
	}
	tw_cold_add(&cold, c);
	tw_look_count_cold(f, l->sp, &cold);
}
