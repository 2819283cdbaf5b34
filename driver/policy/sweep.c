// SPDX-License-Identifier: GPL-2.0
/*
 * sweep.c - cold pages out of memory: which ones
 *
 * Owns the clock hands: one over all spaces in the order of their numbers, and in each
 * space one over its pages. Pages get a second chance: one that was touched is spared
 * and its age starts again. The longer a sweep finds too few pages, the fewer it
 * spares. store_choice.c decides where they go.
 *
 * Any number of sweeps run at a time: in faults that find no room (bring_in.c), in the
 * background (background.c, limits.c) and for a node that is short (reclaim.c).
 *
 * Locks: none of its own; hands are hints. It takes the locks of movers.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "moving/move.h"
#include "moving/store_choice.h"
#include "pages/heat.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/accessed.h"
#include "policy/knobs.h"
#include "policy/sweep.h"
#include "tiers/nodes.h"

/* How many pages a sweep looks at before it gets less choosy. */
#define TW_SWEEP_PAGES	8192

/* How many pages it passes over to find some that cost no write to the slowest store. */
#define TW_SWEEP_SPARED	256

/* How many records it passes at most, most of which may be of other nodes or tiers. */
#define TW_SWEEP_PASSED	(64 * TW_SWEEP_PAGES)

/* How choosy a sweep is, by level: a page whose age is below this is spared. */
static const u8 tw_sweep_age[] = { 2, 1, 0, 0 };
#define TW_SWEEP_LEVELS	ARRAY_SIZE(tw_sweep_age)

/**
 * struct tw_sweep - one call of tw_demote(), tw_demote_with() or tw_demote_node()
 * @tier: memory tier, or TW_TIER_NONE for all
 * @nid: node that the pages are on, or NUMA_NO_NODE for all
 * @want: pages still to move
 * @done: pages moved
 * @level: how choosy it is, an index into tw_sweep_age
 * @looked: pages looked at on this level
 * @passed: records passed on this level
 * @fast: pages that the stores above the slowest one can still take
 * @spared: pages that may still be passed over
 * @idx: pages of the present space that are to go
 * @wish: for each of them the store where it should go, or TW_WISH_PLAIN
 * @nr: how many there are
 * @m: the batch
 */
struct tw_sweep {
	int tier;
	int nid;
	unsigned long want;
	unsigned long done;
	unsigned int level;
	unsigned long looked;
	unsigned long passed;
	unsigned long fast;
	unsigned int spared;
	unsigned long idx[TW_BATCH];
	u8 wish[TW_BATCH];
	unsigned int nr;
	struct tw_move *m;
};

static u64 tw_hand;			/* number of the space that the hand is at */
static unsigned int tw_sweep_from;	/* level that found enough since the last scan */
static unsigned int tw_sweep_cut;	/* heat below which pages are among the coldest */

/* -- the batch ------------------------------------------------------------- */

/* Leaves in the batch what did not fit, for the next store. */
static void tw_sweep_rest(struct tw_move *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->nr; i++)
		if (m->status[i] == -ENOSPC || m->status[i] == -EDQUOT)
			m->idx[n++] = m->idx[i];
	m->nr = n;
}

/* Moves the batch to store @to, and what does not fit there to the stores behind it. */
static void tw_sweep_send(struct tw_sweep *s, int to)
{
	struct tw_move *m = s->m;
	bool reaped = false;

	while (m->nr) {
		if (to == TW_TIER_NONE) {
			if (!reaped) {
				reaped = true;
				to = tw_store_choose_reap();
				continue;
			}
			/* On the last level no fault fails for the limit of a store. */
			if (m->flags & TW_MOVE_NO_LIMIT ||
			    s->level < TW_SWEEP_LEVELS - 1)
				break;
			m->flags |= TW_MOVE_NO_LIMIT;
			to = tw_store_choose(-1);
			if (to == TW_TIER_NONE)
				break;
		}
		m->to = to;
		m->reason = TW_REASON_PRESSURE;
		tw_move_run(m);
		s->done += m->moved;
		s->want -= min_t(unsigned long, m->moved, s->want);
		tw_sweep_rest(m);
		to = tw_store_choose(to);
	}
	m->flags &= ~TW_MOVE_NO_LIMIT;
	m->nr = 0;
}

/* Moves the pages that have wish @wish. */
static void tw_sweep_flush_wish(struct tw_sweep *s, int wish)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++)
		if (s->wish[i] == wish)
			s->m->idx[s->m->nr++] = s->idx[i];
	if (s->m->nr)
		tw_sweep_send(s, wish == TW_WISH_PLAIN ?
			      tw_store_choose(-1) : wish);
}

static void tw_sweep_flush(struct tw_sweep *s)
{
	int wish;

	if (!s->nr)
		return;
	tw_sweep_flush_wish(s, TW_WISH_PLAIN);
	/* Not just the stores there are now: pages may wish for one that has gone. */
	for (wish = 0; wish < TW_NR_TIERS; wish++)
		tw_sweep_flush_wish(s, wish);
	s->nr = 0;
}

/* -- the sweep ------------------------------------------------------------- */

/*
 * Is a page to go, if the scanner keeps heat and age? The coldest go first; on the last
 * levels pages that were touched go, too.
 */
static bool tw_sweep_by_heat(struct tw_sweep *s, unsigned int heat, bool young)
{
	unsigned int cut = READ_ONCE(tw_sweep_cut) << s->level;

	if (s->level == TW_SWEEP_LEVELS - 1)
		return true;
	return heat < cut && !(young && s->level < TW_SWEEP_LEVELS - 2);
}

/* Is a page that the sweep has seen to go? */
static bool tw_sweep_cold(struct tw_sweep *s, struct tw_rec *rec, u64 page,
			  bool young, bool left_behind)
{
	int tier = tw_w_tier(tw_rec_w(rec));
	u8 age = READ_ONCE(rec->age);

	/* It was not touched since the folio was dissolved, which is freed as a whole. */
	if (left_behind)
		return true;
	young = young && tw_rec_touched(rec);
	if (READ_ONCE(tw_scanning))
		return tw_sweep_by_heat(s, READ_ONCE(rec->heat), young);
	if (young) {
		age = 0;
		tw_rec_touch(rec, page, tier, TW_HEAT_SEEN);
	} else if (!s->level) {	/* once in a sweep, not on each level */
		age += age < U8_MAX;
		WRITE_ONCE(rec->age, age);
		tw_rec_cool(rec, page, tier);
	}
	if (s->level == TW_SWEEP_LEVELS - 1)
		return true;
	return !young && age >= tw_sweep_age[s->level];
}

/*
 * Is a page to be passed over that would have to be written to the slowest store?
 * Others that are as cold have a copy there and cost nothing. Not if the sweep has
 * found too few pages, since there may be no such others.
 */
static bool tw_sweep_spare(struct tw_sweep *s, int wish)
{
	if (wish != TW_WISH_PLAIN || s->level >= TW_SWEEP_LEVELS / 2)
		return false;
	if (s->fast) {
		s->fast--;
		return false;
	}
	if (!s->spared)
		return false;
	s->spared--;
	return true;
}

/* Is the page where room is wanted? */
static bool tw_sweep_here(const struct tw_sweep *s, unsigned long w)
{
	return (s->tier == TW_TIER_NONE || tw_w_tier(w) == s->tier) &&
	       (s->nid == NUMA_NO_NODE || tw_page_nid(tw_w_page(w)) == s->nid);
}

static void tw_sweep_window(struct tw_sweep *s, struct tw_space *sp,
			    struct tw_chunk *c, unsigned int at)
{
	unsigned long w;
	u64 here = 0, young, dirty;
	unsigned int i;
	int wish;

	for (i = 0; i < TW_BATCH; i++) {
		w = tw_rec_w(&c->rec[at + i]);

		if (tw_w_state(w) == TW_MEM && tw_sweep_here(s, w))
			here |= BIT_ULL(i);
	}
	s->looked += hweight64(here);
	s->passed += TW_BATCH;
	if (!here)
		return;
	young = tw_scan_young(sp, c->base + at, TW_BATCH,
			      !READ_ONCE(tw_scanning), &dirty);
	/* A scan will not see these touches, so it has to look at the records. */
	if (young)
		tw_chunk_changed(c);
	for (i = 0; i < TW_BATCH; i++) {
		/* This touch was forgotten, too, though the page is not wanted. */
		if (!(here & BIT_ULL(i)) && (young & BIT_ULL(i)))
			WRITE_ONCE(c->rec[at + i].age, 0);
		if (!(here & BIT_ULL(i)) ||
		    !tw_sweep_cold(s, &c->rec[at + i],
				   tw_space_page(sp, c->base + at + i),
				   young & BIT_ULL(i),
				   tw_huge_left_behind(c, tw_rec_w(&c->rec[at + i]))))
			continue;
		/* The folio is freed when the last of its pages has gone. */
		if (unlikely(READ_ONCE(c->huge)) && !tw_chunk_whole(c))
			s->want = max_t(unsigned long, s->want,
					atomic_read(&c->huge_left));
		if (s->nr == min_t(unsigned long, TW_BATCH, s->want))
			continue;	/* the batch is full, but the page has aged */
		w = tw_rec_w(&c->rec[at + i]);
		if (tw_w_state(w) != TW_MEM)
			continue;
		wish = tw_store_wish(&c->rec[at + i], w, dirty & BIT_ULL(i));
		if (tw_sweep_spare(s, wish))
			continue;
		s->wish[s->nr] = wish;
		s->idx[s->nr++] = c->base + at + i;
	}
	if (s->nr >= min_t(unsigned long, TW_BATCH, s->want))
		tw_sweep_flush(s);
}

void tw_sweep_fresh(unsigned int cut)
{
	WRITE_ONCE(tw_sweep_cut, cut);
	WRITE_ONCE(tw_sweep_from, 0);
}

static bool tw_sweep_over(struct tw_sweep *s)
{
	return !s->want || s->looked >= TW_SWEEP_PAGES ||
	       s->passed >= TW_SWEEP_PASSED ||
	       fatal_signal_pending(current);
}

/* Sweeps from the space's hand on until enough is found. True if it reached the end. */
static bool tw_sweep_space(struct tw_sweep *s, struct tw_space *sp)
{
	unsigned long at = READ_ONCE(sp->hand), i = at >> TW_CHUNK_SHIFT;
	struct tw_chunk *c;
	bool ended = false;

	s->m->space = sp;
	tw_for_each_chunk_from(sp, i, c, i) {
		unsigned int w = at > c->base ? at - c->base : 0;

		cond_resched();
		if (!atomic_read(&c->nr_mem))
			continue;
		if (unlikely(READ_ONCE(c->huge)))
			w = 0;		/* its pages go together, or none */
		for (; w < TW_CHUNK_PAGES; w += TW_BATCH) {
			tw_sweep_window(s, sp, c, w);
			if (tw_sweep_over(s)) {
				WRITE_ONCE(sp->hand, c->base + w + TW_BATCH);
				goto out;
			}
		}
	}
	WRITE_ONCE(sp->hand, 0);
	ended = true;
out:
	tw_sweep_flush(s);
	return ended;
}

/* Sweeps all spaces from the hand on, once around at most. */
static void tw_sweep_all(struct tw_sweep *s)
{
	u64 start = READ_ONCE(tw_hand), id = start;
	bool wrapped = false;
	struct tw_space *sp;

	while (!tw_sweep_over(s)) {
		sp = tw_managed_after(id ? id - 1 : 0);
		if (!sp) {
			if (wrapped)
				break;
			wrapped = true;
			id = 0;
			continue;
		}
		if (wrapped && tw_space_number(sp) > start) {
			tw_space_put(sp);
			break;
		}
		id = tw_space_number(sp);
		if (tw_sweep_space(s, sp))
			id++;
		tw_space_put(sp);
	}
	WRITE_ONCE(tw_hand, id);
}

/* Sweeps, level by level, until enough is found or the task is being killed. */
static void tw_sweep_run(struct tw_sweep *s, struct tw_space *sp)
{
	s->fast = tw_store_fast_room();
	s->spared = s->fast < s->want ? TW_SWEEP_SPARED : 0;
	s->m->flags = TW_MOVE_CHOICE;
	while (s->want && s->level < TW_SWEEP_LEVELS &&
	       !fatal_signal_pending(current)) {
		s->looked = 0;
		s->passed = 0;
		if (sp)
			tw_sweep_space(s, sp);
		else
			tw_sweep_all(s);
		if (s->done && !s->want)
			break;
		s->level++;
	}
}

/**
 * tw_demote_with - do what tw_demote() does with a batch of the caller
 * @m: batch; what is in it does not matter
 * @sp: space, or NULL for all
 * @tier: memory tier, or TW_TIER_NONE for all
 * @nr: how many pages
 *
 * Needs no memory but what the block layer has set aside for it. Sleeps.
 *
 * Return: how many pages moved.
 */
unsigned long tw_demote_with(struct tw_move *m, struct tw_space *sp, int tier,
			     unsigned long nr)
{
	unsigned int from = READ_ONCE(tw_scanning) ? READ_ONCE(tw_sweep_from) : 0;
	struct tw_sweep s = {
		.tier = tier, .nid = NUMA_NO_NODE, .want = nr, .level = from,
		.m = m,
	};

	if (!tw_store_possible())
		return 0;
	tw_sweep_run(&s, sp);
	/* Pages that are not cold enough now will not be so before the next scan. */
	if (s.level > from && s.level < TW_SWEEP_LEVELS && READ_ONCE(tw_scanning))
		WRITE_ONCE(tw_sweep_from, s.level);
	return s.done;
}

unsigned long tw_demote(struct tw_space *sp, int tier, unsigned long nr)
{
	struct tw_move *m;
	unsigned long done;

	if (!tw_store_possible())
		return 0;
	m = tw_move_alloc(GFP_NOIO | __GFP_NOWARN);
	if (!m)
		return 0;
	done = tw_demote_with(m, sp, tier, nr);
	tw_move_free(m);
	return done;
}

/**
 * tw_demote_node - move cold pages off one node
 * @m: batch; what is in it does not matter
 * @nid: node
 * @nr: how many pages
 * @level: in, out: how choosy the sweep is. The caller keeps it while the node
 *	stays short, so that not every call looks at thousands of pages that the
 *	last one has just spared; it sets it to 0 when there is no hurry.
 *
 * Needs no memory but what the block layer has set aside for it. Sleeps.
 *
 * Return: how many pages moved.
 */
unsigned long tw_demote_node(struct tw_move *m, int nid, unsigned long nr,
			     unsigned int *level)
{
	struct tw_sweep s = {
		.tier = TW_TIER_NONE, .nid = nid, .want = nr,
		.level = min_t(unsigned int, *level, TW_SWEEP_LEVELS - 1),
		.m = m,
	};

	if (!tw_store_possible())
		return 0;
	tw_sweep_run(&s, NULL);
	/* Enough was found quickly, and so might have been on the level before. */
	if (!s.want && s.level && s.looked < TW_SWEEP_PAGES / 8)
		s.level--;
	*level = s.level;
	return s.done;
}
