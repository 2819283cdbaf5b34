// SPDX-License-Identifier: GPL-2.0
/*
 * huge.c - folios of 2 MiB: made, dissolved, left page by page, discarded
 *
 * Owns tw_chunk.huge, ->huge_left and ->whole. huge.h says how a folio lives and
 * which locks keep it. The handler of faults makes folios (doors/fault.c), the engine
 * dissolves and moves them (moving/), and discard.c discards them.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/page_ref.h>

#include "pages/frame.h"
#include "pages/group.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/nodes.h"
#include "tiers/tier.h"

#define TW_GFP_HUGE	(GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_COMP | \
			 __GFP_NORETRY | __GFP_NOWARN | __GFP_ZERO)
#define TW_GFP_TIDY	(GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_NORETRY | \
			 __GFP_NOMEMALLOC | __GFP_NOWARN)

bool tw_huge_possible(void)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	return PMD_SHIFT - PAGE_SHIFT == TW_CHUNK_SHIFT &&
	       has_transparent_hugepage();
#else
	return false;
#endif
}

/* -- all records of a chunk ---------------------------------------------------- */

static bool tw_chunk_trylock_which(struct tw_chunk *c, struct tw_rec **busy)
{
	unsigned int i;

	for (i = 0; i < TW_CHUNK_PAGES; i++) {
		if (tw_rec_trylock_nested(&c->rec[i]))
			continue;
		*busy = &c->rec[i];
		while (i--)
			tw_rec_unlock_nested(&c->rec[i]);
		return false;
	}
	/* One lockdep annotation stands for them all. */
	tw_rec_dep_try();
	return true;
}

bool tw_chunk_trylock(struct tw_chunk *c)
{
	struct tw_rec *busy;

	return tw_chunk_trylock_which(c, &busy);
}

void tw_chunk_unlock(struct tw_chunk *c)
{
	unsigned int i;

	tw_rec_dep_release();
	for (i = 0; i < TW_CHUNK_PAGES; i++)
		tw_rec_unlock_nested(&c->rec[i]);
}

static void tw_chunk_assert_locked(const struct tw_chunk *c)
{
	tw_rec_assert_locked(&c->rec[0]);
	tw_rec_assert_locked(&c->rec[TW_CHUNK_PAGES - 1]);
}

/* -- making one ------------------------------------------------------------------ */

/* Was no page of the chunk touched yet, or all of them discarded? */
static bool tw_chunk_empty(const struct tw_chunk *c)
{
	unsigned int i;

	if (READ_ONCE(c->huge) || atomic_read(&c->nr_mem))
		return false;
	for (i = 0; i < TW_CHUNK_PAGES; i++)
		if (tw_w_state(tw_rec_w(&c->rec[i])) != TW_NONE)
			return false;
	return true;
}

void tw_huge_tie(struct tw_space *sp, struct tw_chunk *c, struct page *page, int tier)
{
	unsigned int i;

	tw_chunk_assert_locked(c);
	/*
	 * The kernel keeps one bit for all of the folio, so it cannot be known what of
	 * it was written to. And the handler of bad memory takes a clean page away.
	 */
	SetPageDirty(page);
	tw_page_attach(sp, c->base, page);
	WRITE_ONCE(c->huge, page);
	atomic_set(&c->huge_left, TW_CHUNK_PAGES);
	WRITE_ONCE(c->whole, true);
	for (i = 0; i < TW_CHUNK_PAGES; i++)
		tw_rec_set(&c->rec[i], tw_w_mem(tier, page + i) | TW_W_HUGE);
}

static bool tw_huge_install(struct tw_space *sp, struct tw_chunk *c,
			    struct page *page, int tier)
{
	bool empty;

	if (!tw_chunk_trylock(c))
		return false;
	empty = tw_chunk_empty(c);
	if (empty) {
		VM_WARN_ON_ONCE(READ_ONCE(sp->dead));
		tw_huge_tie(sp, c, page, tier);
		tw_chunk_mem_add(c, TW_CHUNK_PAGES);
		tw_pages_add(sp, tier, TW_CHUNK_PAGES);
	}
	tw_chunk_unlock(c);
	return empty;
}

bool tw_huge_make(struct tw_space *sp, struct tw_chunk *c, int *tier)
{
	struct page *page;
	bool made = false;
	int frames;

	if (c->base + TW_CHUNK_PAGES > sp->nr_pages || !tw_chunk_empty(c) ||
	    tw_space_take(sp, TW_CHUNK_PAGES))
		return false;
	frames = tw_frames_enter();
	page = tw_page_get_huge(sp, TW_GFP_HUGE, tier);
	if (page) {
		made = tw_huge_install(sp, c, page, *tier);
		if (!made) {
			put_page(page);
			tw_tier_uncharge(&tw_tiers[*tier], TW_CHUNK_PAGES);
		}
	}
	tw_frames_leave(frames);
	if (!made)
		tw_space_give(sp, TW_CHUNK_PAGES);
	return made;
}

/* -- ending one ------------------------------------------------------------------ */

static bool tw_huge_bad(struct page *page)
{
	unsigned int i;

	for (i = 0; i < TW_CHUNK_PAGES; i++)
		if (tw_page_bad(page + i))
			return true;
	return false;
}

void tw_huge_free(struct page *page, int tier)
{
	tw_numa_page_add(page, -(int)TW_CHUNK_PAGES);
	tw_tier_uncharge(&tw_tiers[tier], TW_CHUNK_PAGES);
	/* The kernel's allocator would give its bad part out again with the rest. */
	if (unlikely(tw_huge_bad(page)))
		pr_err("2 MiB at pfn %#lx are kept, since memory there is bad\n",
		       page_to_pfn(page));
	else
		put_page(page);
}

/* Any task that holds it without a record's lock holds the page lock: see fault.c. */
static void tw_huge_unmap(struct tw_space *sp, struct tw_chunk *c)
{
	tw_chunk_assert_locked(c);
	lock_page(c->huge);
	tw_space_unmap(sp, c->base, TW_CHUNK_PAGES);
	unlock_page(c->huge);
}

bool tw_huge_freeze(struct tw_space *sp, struct tw_chunk *c)
{
	/* Asked first, since to unmap it costs those who use it. */
	if (folio_maybe_dma_pinned(page_folio(c->huge)))
		return false;
	tw_huge_unmap(sp, c);
	return tw_page_freeze(c->huge);
}

static int tw_huge_dissolve_locked(struct tw_space *sp, struct tw_chunk *c)
{
	if (!c->whole)
		return 0;
	if (!tw_huge_freeze(sp, c))
		return -EBUSY;
	/* From here on only the driver knows it. It cannot stay frozen while it is read. */
	tw_page_untie(c->huge);
	tw_page_unfreeze(c->huge);
	WRITE_ONCE(c->whole, false);
	return 0;
}

int tw_huge_dissolve(struct tw_space *sp, struct tw_chunk *c)
{
	int err;

	if (!tw_chunk_whole(c))
		return 0;
	if (!tw_chunk_trylock(c))
		return -EBUSY;
	err = tw_huge_dissolve_locked(sp, c);
	tw_chunk_unlock(c);
	return err;
}

void tw_huge_leave(struct tw_chunk *c, int tier)
{
	struct page *page = c->huge;

	/* The locks of records keep @page until this. Fully ordered. */
	if (!atomic_dec_and_test(&c->huge_left))
		return;
	WRITE_ONCE(c->huge, NULL);
	tw_huge_free(page, tier);
}

int tw_huge_copy_out(struct tw_space *sp, struct tw_chunk *c, unsigned long idx,
		     struct page *page, int tier)
{
	struct tw_rec *rec = tw_chunk_rec(c, idx);
	unsigned long w = tw_rec_w(rec);
	int from = tw_w_tier(w);
	int err = tw_page_copy(page, tw_w_page(w));

	if (err)
		return err;
	SetPageDirty(page);
	tw_page_attach(sp, idx, page);
	tw_rec_set(rec, tw_w_mem(tier, page) | tw_w_slot_bits(w));
	if (tw_w_state(w) != TW_MEM)
		tw_rec_set_state(rec, TW_CANCELLED);	/* its writer leaves the folio */
	else
		tw_huge_leave(c, from);
	tw_pages_add(sp, from, -1);
	tw_pages_add(sp, tier, 1);
	tw_chunk_changed(c);
	return 0;
}

/* Gives a page that is left a frame of its own. False if there is none. */
static bool tw_huge_tidy_one(struct tw_space *sp, struct tw_chunk *c, unsigned long idx)
{
	struct tw_rec *rec = tw_chunk_rec(c, idx);
	struct page *page;
	unsigned long w;
	int tier, err = -EBUSY;

	page = tw_page_get(sp, sp->memcg, TW_GFP_TIDY,
			   TW_OVER_LIMIT | TW_OVER_LEAVES, &tier);
	if (!page)
		return false;
	if (tw_rec_trylock(rec)) {
		w = tw_rec_w(rec);
		if (tw_w_state(w) == TW_MEM && tw_huge_left_behind(c, w))
			err = tw_huge_copy_out(sp, c, idx, page, tier);
		tw_rec_unlock(rec);
	}
	if (err)
		tw_page_unget(page, tier);
	else if (tw_w_tier(w) != tier)
		tw_page_moved(sp, idx, tw_w_tier(w), tier, TW_REASON_PRESSURE, 0, 0);
	return true;
}

void tw_huge_tidy(struct tw_space *sp, struct tw_chunk *c, int few)
{
	unsigned int i;
	int frames;

	if (likely(!READ_ONCE(c->huge)) || tw_chunk_whole(c) ||
	    atomic_read(&c->huge_left) > few)
		return;
	frames = tw_frames_enter();
	for (i = 0; i < TW_CHUNK_PAGES; i++) {
		unsigned long w = tw_rec_w(&c->rec[i]);

		if (tw_w_state(w) == TW_MEM && tw_huge_left_behind(c, w) &&
		    !tw_huge_tidy_one(sp, c, c->base + i))
			break;
	}
	tw_frames_leave(frames);
}

/* -- discards -------------------------------------------------------------------- */

static void tw_huge_discard_all(struct tw_space *sp, struct tw_chunk *c)
{
	struct page *page = c->huge;
	int tier = tw_w_tier(tw_rec_w(&c->rec[0]));
	unsigned int i;

	lock_page(page);
	tw_space_unmap(sp, c->base, TW_CHUNK_PAGES);
	tw_page_untie(page);
	unlock_page(page);
	WRITE_ONCE(c->whole, false);
	WRITE_ONCE(c->huge, NULL);
	for (i = 0; i < TW_CHUNK_PAGES; i++)
		tw_rec_clear(&c->rec[i]);
	tw_chunk_mem_add(c, -(int)TW_CHUNK_PAGES);
	tw_pages_add(sp, tier, -(long)TW_CHUNK_PAGES);
	tw_huge_free(page, tier);
	tw_space_give(sp, TW_CHUNK_PAGES);
}

/*
 * What holds the folio, a device that writes to it say, holds all of it, so its pages
 * cannot be given up one by one. They read as zeros, as the caller wants, and stay.
 */
static void tw_huge_zero(struct tw_chunk *c, unsigned int first, unsigned int end)
{
	for (; first < end; first++)
		if (!tw_page_bad(c->huge + first))
			clear_highpage(c->huge + first);
}

long tw_huge_discard(struct tw_space *sp, struct tw_chunk *c, unsigned int first,
		     unsigned int end, struct tw_rec **busy)
{
	long n = end - first;

	if (!tw_chunk_trylock_which(c, busy))
		return -EBUSY;
	if (!c->whole)
		n = -EAGAIN;
	else if (n == TW_CHUNK_PAGES)
		tw_huge_discard_all(sp, c);
	else if (!tw_huge_dissolve_locked(sp, c))
		n = -EAGAIN;
	else
		tw_huge_zero(c, first, end);
	tw_chunk_unlock(c);
	return n;
}

/* -- bad memory ------------------------------------------------------------------ */

void tw_huge_check_bad(struct tw_chunk *c)
{
	if (unlikely(tw_huge_bad(c->huge)))
		folio_set_has_hwpoisoned(page_folio(c->huge));
}
