/* SPDX-License-Identifier: GPL-2.0 */
/*
 * huge.h - folios of 2 MiB: the pages of a whole chunk in one frame
 *
 * A space with tw_space.huge may have the 512 pages of a chunk in one folio
 * (tw_chunk.huge). Each page keeps its record: all 512 are MEM, in one tier, with
 * TW_W_HUGE and the pfn of their part, so that what only reads records need not know.
 *
 * While the folio is whole, it is tied to its place and may be mapped, by one entry or
 * by many. It moves and is discarded as a whole. For all else it is dissolved first,
 * which needs no memory: it is unmapped and untied, and from then on nothing but the
 * driver holds it. Its pages then leave one by one, each under its record's lock: to a
 * store, to a frame of their own, or for good. A touch gets a frame of its own, too, so
 * no part of a folio that is not whole is ever mapped, and nothing writes to it. The
 * last page to leave frees the folio. Until then its tier and its memcg are charged for
 * all of it. No frame number finds what is left in it (tw_space_by_pfn()).
 *
 * All pages of such a space count as written to, also those of 4 KiB: the kernel takes
 * a clean page that it has been handed, and finds to be bad memory, out of its mapping.
 *
 * Locks: whether a folio is there and whole changes with all records of the chunk
 * locked, so that any one of them keeps it. They are trylocked: no task waits for a
 * record while it holds another. Within them i_mmap_rwsem and the page lock.
 */
#ifndef _TW_HUGE_H
#define _TW_HUGE_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/types.h>

#include "pages/record.h"

struct page;
struct tw_space;

/* Can the machine map a chunk by one entry? */
bool tw_huge_possible(void);

/* Is the chunk's folio whole? A hint, unless one of its records is locked. */
static inline bool tw_chunk_whole(const struct tw_chunk *c)
{
	return READ_ONCE(c->whole);
}

/* Is the page of a locked record in a folio that is being left page by page? */
static inline bool tw_huge_left_behind(const struct tw_chunk *c, unsigned long w)
{
	return tw_w_huge(w) && !tw_chunk_whole(c);
}

/* Locks all records of the chunk; false if one is busy, and none is locked. */
bool tw_chunk_trylock(struct tw_chunk *c);
void tw_chunk_unlock(struct tw_chunk *c);

/*
 * Gives the pages of a chunk that has none a folio of zeros, charged to a memory tier,
 * which is stored in *@tier. False, and nothing has changed, if a page was touched
 * already, or a folio, room for it, or the limits do not allow it now. Sleeps; no record
 * is locked.
 */
bool tw_huge_make(struct tw_space *sp, struct tw_chunk *c, int *tier);
/*
 * Takes the folio out of all mappings. The records are locked, so it is not mapped
 * again. True if nothing else holds it now: it is frozen then. Sleeps.
 */
bool tw_huge_freeze(struct tw_space *sp, struct tw_chunk *c);
/*
 * Ends that the chunk's folio is whole. Returns 0, also if it was not whole any more, or
 * -EBUSY: something holds the folio or one of its records. Sleeps; no record is locked.
 */
int tw_huge_dissolve(struct tw_space *sp, struct tw_chunk *c);
/* A page of memory tier @tier has left the folio. Its record is locked and says so. */
void tw_huge_leave(struct tw_chunk *c, int tier);
/*
 * Gives a locked page of a folio that is not whole a frame of its own: @page, charged to
 * memory tier @tier. Returns 0, or -EHWPOISON and the page is where it was.
 */
int tw_huge_copy_out(struct tw_space *sp, struct tw_chunk *c, unsigned long idx,
		     struct page *page, int tier);
/*
 * When at most @few pages are left in a folio that is not whole, gives them frames of
 * their own, as far as there is memory, so that the folio is freed. Sleeps; no record is
 * locked.
 */
#define TW_HUGE_FEW	64
void tw_huge_tidy(struct tw_space *sp, struct tw_chunk *c, int few);
/*
 * Discards pages [@first, @end) of a chunk whose folio is whole: all of them, with the
 * folio, or some. Then the folio is dissolved, and -EAGAIN has the caller discard page
 * by page; if something holds it, they are filled with zeros where they are. Returns how
 * many pages were discarded, -EAGAIN (also if the folio is not whole), or -EBUSY if the
 * record *@busy is locked. Sleeps.
 */
long tw_huge_discard(struct tw_space *sp, struct tw_chunk *c, unsigned int first,
		     unsigned int end, struct tw_rec **busy);
/* If a part of the folio is bad memory, has the kernel map the others by themselves. */
void tw_huge_check_bad(struct tw_chunk *c);

/* For a folio that takes the place of @c's, or the first one; all records are locked. */
void tw_huge_tie(struct tw_space *sp, struct tw_chunk *c, struct page *page, int tier);
/*
 * Frees a folio that is untied, and its charge to memory tier @tier. If a part of it is
 * bad memory, all of it is kept from use, and its memcg stays charged.
 */
void tw_huge_free(struct page *page, int tier);

#endif
