/* SPDX-License-Identifier: GPL-2.0 */
/*
 * frame.h - frames of managed pages: got, tied to their place, held still, given back
 *
 * All higher rooms may call it. Where a record is to be locked, the comment says so;
 * frame.c describes the other locks.
 */
#ifndef _TW_FRAME_H
#define _TW_FRAME_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/page-flags.h>
#include <linux/page_ref.h>
#include <linux/types.h>

#include "base/compat.h"

struct mem_cgroup;
struct page;
struct tw_agent;
struct tw_chunk;
struct tw_rec;
struct tw_space;

/* A bit in the reason of a move: a caller has asked for the move. */
#define TW_BY_CALLER	BIT(8)

/*
 * How far a page may go beyond the tiers' capacity. TW_OVER_NONE is not at all; the
 * others are for a first touch, for a page that comes back from a store, and for a page
 * whose room is reserved. A page that comes back may go twice as far as a first touch,
 * so that pages in stores can still be touched when first touches have filled
 * everything. A reserved page may go further still, so that the others cannot keep it
 * from its room.
 */
#define TW_OVER_NONE	0
#define TW_OVER_FIRST	1
#define TW_OVER_BACK	2
#define TW_OVER_RESERVED 4
/*
 * For the frame of a page that is in memory of a folio that it leaves (huge.h): whatever
 * the capacity, since the folio is charged until all of its pages have left.
 */
#define TW_OVER_LEAVES	BIT(4)
/* Added to any of these: also beyond the agent's and groups' limits, if need be. */
#define TW_OVER_LIMIT	BIT(3)

/*
 * Gets a page of memory for @sp near the running CPU, charged to a tier, which is
 * stored in *@tier, and (with __GFP_ACCOUNT) to @memcg. @over is TW_OVER_*. Returns
 * NULL if there is none.
 */
struct page *tw_page_get(struct tw_space *sp, struct mem_cgroup *memcg,
			 gfp_t gfp, unsigned int over, int *tier);
/*
 * Gets a folio of 2 MiB (huge.h) from the memory tier that is tried first, stored in
 * *@tier, within its capacity and the limits. NULL if there is none.
 */
struct page *tw_page_get_huge(struct tw_space *sp, gfp_t gfp, int *tier);
/* Gives a page of tw_page_get() back that has not been published. */
void tw_page_unget(struct page *page, int tier);
/*
 * The first two go around getting a frame and tying it to its record. tw_frames_wait()
 * waits for all tasks that have got a frame and not tied it yet, so that memory that
 * goes offline (tw_evacuate_pfns()) finds all of its frames. Sleeping is allowed in
 * between.
 */
int tw_frames_enter(void);
void tw_frames_leave(int token);
void tw_frames_wait(void);
/*
 * Is any task in tw_frames_wait()? Reading ahead would keep it there. A hint: what is
 * read in spite of it is waited for.
 */
bool tw_frames_awaited(void);
/*
 * These go around I/O that no task waits for any more. In between, @sp and the module
 * are held, and memory that goes offline waits, as above. tw_left_end() is called in
 * process context and may drop the last reference to @sp.
 */
void tw_left_begin(struct tw_space *sp);
void tw_left_end(struct tw_space *sp);
/* Ties a new page to its place in the space, before its record shows it. */
void tw_page_attach(struct tw_space *sp, unsigned long idx, struct page *page);
/* Unties a page that is frozen, or locked. */
void tw_page_untie(struct page *page);
/* Unties and frees a page that is frozen, and its charge to memory tier @tier. */
void tw_page_free_frozen(struct page *page, int tier);
/* Unties an unmapped page and drops the record's reference; others may remain. Sleeps. */
void tw_page_drop(struct page *page);

/*
 * Unmaps a page. Its record is locked, so no fault maps it again, and one that is about to
 * map it is waited for. Sleeps.
 */
void tw_page_unmap(struct tw_space *sp, unsigned long idx, struct page *page);
/* Whether anything besides its record and its mappings holds the page. */
static inline bool tw_page_pinned(struct page *page)
{
	return page_count(page) != 1 + tw_page_mapcount(page);
}

static inline void tw_page_unfreeze(struct page *page)
{
	page_ref_unfreeze(page, 1);
}

/*
 * Makes sure that no task can get a reference to the page until it is unfrozen or
 * freed. False if anything else holds it. The page is unmapped, and stays so, since
 * its record is locked.
 */
static inline bool tw_page_freeze(struct page *page)
{
	if (!page_ref_freeze(page, 1))
		return false;
	/*
	 * A task whose fault has mapped a page that was handed to the kernel has given
	 * its reference to the mapping, but is not done before it unlocks the page.
	 */
	if (likely(!PageLocked(page)))
		return true;
	tw_page_unfreeze(page);
	return false;
}

/* Freezes a page if it is not mapped, not bad, and not written to since it was read. */
bool tw_page_freeze_clean(struct page *page);
/* Copies the bytes of a frozen page. Returns 0, or -EHWPOISON if its memory is broken. */
int tw_page_copy(struct page *to, struct page *from);
/*
 * Puts frame @to, which has the bytes of the frozen @page, in its place. It takes over
 * whether the page was written to, and the memcg's charge.
 */
void tw_page_replace(struct tw_space *sp, unsigned long idx, struct page *page,
		     struct page *to);

/* Has it been written to since it was read, or since it was last written out? */
static inline bool tw_page_dirty(struct page *page)
{
	return PageDirty(page);
}

/* Marks a page clean. Writes to it from now on make it dirty again. */
static inline void tw_page_set_clean(struct page *page)
{
	ClearPageDirty(page);
}

/* Whether the page's memory is broken, so that its bytes are lost. */
static inline bool tw_page_bad(struct page *page)
{
	return PageHWPoison(page);
}

/* Counts, traces and publishes one page's move. */
void tw_page_moved(struct tw_space *sp, unsigned long idx, int from, int to,
		   int reason, int status, u64 ns);
/* The same for all pages of a chunk, which have moved in @ns each. */
void tw_chunk_moved(struct tw_space *sp, struct tw_chunk *c, int from, int to,
		    int reason, u64 ns);
/* The same by number, for a page of a space or an external page. */
void tw_moved(struct tw_agent *agent, u64 page, int from, int to, int reason,
	      int status, u64 ns);

/* Counts @n more pages in @tier for the space, its agent and its groups. */
void tw_pages_add(struct tw_space *sp, int tier, long n);
/* Frees the slot of a locked record, if it has one. */
void tw_slot_drop(struct tw_rec *rec);
/* Makes a locked STORE or MEM record whose bytes are lost POISON. */
void tw_rec_poison(struct tw_space *sp, struct tw_rec *rec);

/* The space that a frame belongs to, with a reference, and its index there; or NULL. */
struct tw_space *tw_space_by_pfn(u64 pfn, unsigned long *idx);

#endif
