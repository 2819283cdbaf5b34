// SPDX-License-Identifier: GPL-2.0
/*
 * candidates.c - pages worth moving
 *
 * Looks through the rings of heat.c, one for each tier and band of heat, and then
 * walks over pages to find what the rings lack. Owns the place where that walk goes on.
 * A number in a ring is a hint, so the page is looked up again before a caller is told
 * of it. The table of ioctls and the API for other modules call it.
 *
 * Hot pages are those above hot_threshold. Cold ones are those below
 * cold_threshold, aged or not, and those touched only once since they were made: what
 * a program has just filled and left alone is the first to go.
 *
 * Locks: none. Rings are changed by single atomic operations, and the place of the
 * walk is a hint. Spaces are looked at under a reference.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "base/entries.h"
#include "base/usercopy.h"
#include "pages/cand_queue.h"
#include "pages/external.h"
#include "pages/heat.h"
#include "pages/lookup.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/candidates.h"
#include "tiers/tier.h"

/* How many records a walk looks at, and how many more for each page wanted. */
#define TW_WALK_BASE	4096
#define TW_WALK_EACH	8

/* Up to this band all pages of a band have the same heat: 0, and 1. */
#define TW_CAND_ALIKE	1U

/* How many candidates are copied to the caller together. */
#define TW_CAND_COPY	16

/* Where the walk goes on (hints). */
static struct tw_hand {
	u64 space;
	unsigned long index;
} tw_hands[2];		/* of managed and of attached pages */
static unsigned long tw_hand_pfn;

/**
 * struct tw_cand_set - one call
 * @from: tier where the pages are
 * @to: tier where they could go
 * @want: how many candidates are wanted
 * @nr: how many there are in @found, at most @want + TW_CAND_RING
 * @band: band of the ring that is being looked at
 * @bits: @seen has room for 1 << @bits numbers
 * @from_ns: latency of @from
 * @to_ns: latency of @to
 * @hot: whether @to is the faster tier, so that hot pages are wanted
 * @admin: whether pages of all callers count, not only those that the caller may name
 * @attached: whether pages of attached programs are wanted, and no others
 * @now: the second when it began, for the heat of external pages
 * @sp: the space of the last page that was looked at, with a reference, or NULL
 * @mine: whether the caller may name its pages
 * @found: the candidates; @key and @seen follow in the same piece of memory
 * @key: the keys to sort them by
 * @seen: their page numbers; in the end, room to sort the keys
 */
struct tw_cand_set {
	int from;
	int to;
	unsigned int want;
	unsigned int nr;
	unsigned int band;
	unsigned int bits;
	u64 from_ns;
	u64 to_ns;
	bool hot;
	bool admin;
	bool attached;
	u32 now;
	struct tw_space *sp;
	bool mine;
	struct tw_candidate *found;
	u64 *key;
	u64 *seen;
};

/* -- the set --------------------------------------------------------------- */

static bool tw_cand_want(const struct tw_cand_set *s, unsigned int heat)
{
	return tw_cand_wanted(heat, s->hot, READ_ONCE(tw_hot_threshold),
			      READ_ONCE(tw_cold_threshold), TW_HEAT_FAULT);
}

/* Adds a page to the set. False if it is in the set already. */
static bool tw_cand_add(struct tw_cand_set *s, const struct tw_page *p)
{
	if (!tw_cand_seen_add(s->seen, s->bits, p->page))
		return false;
	s->found[s->nr++] = (struct tw_candidate){
		.page = p->page,
		.agent = p->agent,
		.benefit_ns = tw_cand_benefit(p->heat, s->from_ns, s->to_ns),
		.heat = p->heat,
		.age = p->age,
		.from_tier = s->from,
		.to_tier = s->to,
		.node = p->node,
	};
	return true;
}

/* -- out of the rings ------------------------------------------------------ */

/* Keeps @sp, or NULL, as that of the last page. Most numbers in a row are of one space. */
static void tw_cand_keep(struct tw_cand_set *s, struct tw_space *sp)
{
	if (s->sp)
		tw_space_put(s->sp);
	s->sp = sp;
	s->mine = sp && (s->admin || tw_space_mine(sp));
}

/* Describes the page of number @page, if there is one. *@mine: the caller may know it. */
static bool tw_cand_describe(struct tw_cand_set *s, u64 page, struct tw_page *p,
			     bool *mine)
{
	unsigned long idx;

	*mine = s->admin;
	if (!(page & TW_PAGE_STABLE))
		return tw_external_glance(page, s->now, p);
	if (!s->sp || tw_space_number(s->sp) != TW_PAGE_REGION(page))
		tw_cand_keep(s, tw_page_lookup(page, &idx, true));
	idx = TW_PAGE_INDEX(page);
	if (!s->sp || idx >= s->sp->nr_pages)
		return false;
	tw_page_describe(s->sp, idx, p, false);
	*mine = s->mine;
	return true;
}

static enum tw_cand_fate tw_cand_check(void *data, u64 page)
{
	struct tw_cand_set *s = data;
	struct tw_page p;
	bool mine;

	if (!tw_cand_describe(s, page, &p, &mine) || p.tier != s->from)
		return TW_CAND_STALE;
	if (tw_heat_band(p.heat) != s->band) {
		/* External pages cool down by themselves, so the rings were not told. */
		if (p.flags & TW_PAGE_EXTERNAL)
			tw_heat_banded(page, p.tier, p.heat);
		return TW_CAND_STALE;
	}
	if (!mine || !(p.flags & TW_PAGE_ATTACHED) == s->attached ||
	    !tw_cand_want(s, p.heat))
		return TW_CAND_PASS;
	if (!tw_cand_add(s, &p))
		return TW_CAND_STALE;
	return s->band <= TW_CAND_ALIKE && s->nr == s->want ? TW_CAND_LAST : TW_CAND_TAKEN;
}

/*
 * Takes whole bands, so that the best pages of the last one are among them. Where all of
 * a band have the same heat, those that got there first are as good as any.
 */
static void tw_cand_from_rings(struct tw_cand_set *s)
{
	unsigned int i;

	for (i = 0; i < TW_HEAT_BANDS && s->nr < s->want; i++) {
		s->band = s->hot ? TW_HEAT_BANDS - 1 - i : i;
		/* Leaves out bands that have no heat that is wanted. */
		if (!tw_cand_want(s, s->hot ? (1U << s->band) - 1 :
				  s->band ? 1U << (s->band - 1) : 0))
			continue;
		tw_cand_look(tw_heat_ring(s->from, s->band), s->band <= TW_CAND_ALIKE,
			     tw_cand_check, s);
		cond_resched();
	}
	tw_cand_keep(s, NULL);
}

/* -- by a walk ------------------------------------------------------------- */

/* Adds a page that the walk has met, also to its ring if it was not found there. */
static void tw_cand_walk_meet(struct tw_cand_set *s, const struct tw_page *p)
{
	if (p->tier != s->from || !tw_cand_want(s, p->heat) ||
	    !tw_cand_add(s, p))
		return;
	tw_heat_banded(p->page, p->tier, p->heat);
}

/* Walks over pages of @sp from @at on. Returns where it stopped, ULONG_MAX at the end. */
static unsigned long tw_cand_walk_pages(struct tw_cand_set *s, struct tw_space *sp,
					unsigned long at, unsigned int *left)
{
	unsigned long i = at >> TW_CHUNK_SHIFT;
	struct tw_chunk *c;
	struct tw_page p;

	tw_for_each_chunk_from(sp, i, c, i) {
		unsigned long idx = max(at, c->base);

		for (; idx < c->base + TW_CHUNK_PAGES; idx++) {
			if (!*left || s->nr == s->want)
				return idx;
			--*left;
			tw_page_describe(sp, idx, &p, false);
			tw_cand_walk_meet(s, &p);
		}
		cond_resched();
	}
	return ULONG_MAX;
}

/* Walks over the spaces, once around at most. */
static void tw_cand_walk_spaces(struct tw_cand_set *s, unsigned int left)
{
	struct tw_hand *hand = &tw_hands[s->attached];
	u64 start = READ_ONCE(hand->space), id = start;
	unsigned long at = READ_ONCE(hand->index);
	bool wrapped = false;
	struct tw_space *sp;

	while (left && s->nr < s->want) {
		sp = tw_space_after(id ? id - 1 : 0);
		if (!sp) {
			if (wrapped)
				break;
			wrapped = true;
			id = 0;
			at = 0;
			continue;
		}
		if (wrapped && tw_space_number(sp) > start) {
			tw_space_put(sp);
			break;
		}
		left--;
		if (tw_space_number(sp) != id)
			at = 0;
		at = sp->foreign == s->attached && (s->admin || tw_space_mine(sp)) ?
		     tw_cand_walk_pages(s, sp, at, &left) : ULONG_MAX;
		id = tw_space_number(sp);
		if (at == ULONG_MAX) {
			id++;
			at = 0;
		}
		tw_space_put(sp);
	}
	WRITE_ONCE(hand->space, id);
	WRITE_ONCE(hand->index, at);
}

/* Walks over the external pages, once around at most. */
static void tw_cand_walk_external(struct tw_cand_set *s, unsigned int left)
{
	unsigned long start = READ_ONCE(tw_hand_pfn), pfn = start;
	bool wrapped = false;
	struct tw_page p;

	for (; left && s->nr < s->want; left--) {
		pfn = tw_external_next(pfn, &p);
		if (pfn == ULONG_MAX && !wrapped) {
			wrapped = true;
			pfn = 0;
			continue;
		}
		if (pfn == ULONG_MAX || (wrapped && pfn >= start))
			break;
		tw_cand_walk_meet(s, &p);
		pfn++;
		cond_resched();
	}
	WRITE_ONCE(tw_hand_pfn, pfn == ULONG_MAX ? 0 : pfn);
}

/* -- all of it ------------------------------------------------------------- */

/* Allocates one piece for the candidates, the keys to sort them by, and the numbers. */
static int tw_cand_alloc(struct tw_cand_set *s)
{
	size_t room = s->want + TW_CAND_RING;

	s->bits = ilog2(room) + 2;	/* at least twice the room */
	s->found = kvmalloc(room * (sizeof(*s->found) + sizeof(*s->key)) +
			    (sizeof(*s->seen) << s->bits), GFP_KERNEL_ACCOUNT);
	if (!s->found)
		return -ENOMEM;
	s->key = (u64 *)(s->found + room);
	s->seen = s->key + room;
	memset(s->seen, 0, sizeof(*s->seen) << s->bits);
	return 0;
}

/* The @i-th best candidate. */
static const struct tw_candidate *tw_cand_best(const struct tw_cand_set *s,
					       unsigned int i)
{
	return &s->found[TW_CAND_KEY_INDEX(s->key[i])];
}

/* Finds and ranks candidates, s->nr of them, which are no more than wanted. */
static int tw_cand_run(struct tw_cand_set *s)
{
	unsigned int look = TW_WALK_BASE + s->want * TW_WALK_EACH, i;
	int err = tw_cand_alloc(s);

	if (err)
		return err;
	s->now = ktime_get_seconds();
	s->hot = tw_tier_latencies(s->from, s->to, &s->from_ns, &s->to_ns);
	tw_cand_from_rings(s);
	if (s->nr < s->want)
		tw_cand_walk_spaces(s, look);
	if (s->nr < s->want && s->admin && !s->attached)
		tw_cand_walk_external(s, look);
	for (i = 0; i < s->nr; i++)
		s->key[i] = TW_CAND_KEY(tw_cand_rank(s->found[i].heat,
						     s->found[i].age, s->hot), i);
	tw_cand_sort(s->key, s->seen, s->nr);
	s->nr = min(s->nr, s->want);
	return 0;
}

/**
 * tw_candidates_get - pages worth moving, best first
 * @from: enum tw_tier
 * @to: another enum tw_tier
 * @out: has room for @nr candidates
 * @nr: 1..TW_CALL_PAGES
 * @admin: look at pages of all callers, not only at those that the caller may name
 *
 * Sleeps. The time that it takes depends on @nr, not on how many pages there are.
 *
 * Return: how many candidates there are, or -EINVAL or -ENOMEM.
 */
int tw_candidates_get(int from, int to, struct tw_candidate *out,
		      unsigned int nr, bool admin)
{
	struct tw_cand_set s = {
		.from = from, .to = to, .want = nr, .admin = admin,
	};
	unsigned int i;
	int err;

	if (!tw_tier_valid(from) || !tw_tier_valid(to) || from == to ||
	    !nr || nr > TW_CALL_PAGES)
		return -EINVAL;
	err = tw_cand_run(&s);
	if (err)
		return err;
	for (i = 0; i < s.nr; i++)
		out[i] = *tw_cand_best(&s, i);
	kvfree(s.found);
	return s.nr;
}

/* Copies the best candidates to the caller. 0 or -EFAULT. */
static int tw_cand_copy(const struct tw_cand_set *s, u64 array, u32 entry_size)
{
	struct tw_candidate some[TW_CAND_COPY];
	unsigned int i, n, k;
	int err = 0;

	if (entry_size != sizeof(some[0])) {
		for (i = 0; i < s->nr && !err; i++)
			err = tw_entry_write(array, i, entry_size, tw_cand_best(s, i),
					     sizeof(some[0]));
		return err;
	}
	for (i = 0; i < s->nr; i += n) {
		n = min_t(unsigned int, s->nr - i, TW_CAND_COPY);
		for (k = 0; k < n; k++)
			some[k] = *tw_cand_best(s, i + k);
		if (copy_to_user(u64_to_user_ptr(array + i * sizeof(some[0])), some,
				 n * sizeof(some[0])))
			return -EFAULT;
	}
	return 0;
}

int tw_candidates_ioctl(struct tw_candidates *arg)
{
	struct tw_cand_set s = {
		.from = arg->from_tier, .to = arg->to_tier, .want = arg->nr,
		.admin = tw_is_admin(),
		.attached = arg->flags & TW_CANDIDATES_ATTACHED,
	};
	int err;

	if (arg->flags & ~TW_CANDIDATES_ATTACHED || arg->from_tier >= TW_NR_TIERS ||
	    arg->to_tier >= TW_NR_TIERS || arg->from_tier == arg->to_tier ||
	    !arg->nr || arg->nr > TW_CALL_PAGES)
		return -EINVAL;
	err = tw_entry_check(arg->entry_size, TW_CANDIDATE_SIZE_VER0);
	if (err)
		return err;
	if (!arg->candidates)
		return -EFAULT;
	err = tw_check_answer(arg->candidates,
			      (size_t)arg->nr * arg->entry_size);
	if (err)
		return err;
	err = tw_cand_run(&s);
	if (err)
		return err;
	err = tw_cand_copy(&s, arg->candidates, arg->entry_size);
	kvfree(s.found);
	arg->nr = s.nr;
	return err;
}
