/* SPDX-License-Identifier: GPL-2.0 */
/*
 * frame.h - frames of managed pages: got, tied to their place, held still, given back
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
struct tw_rec;
struct tw_space;

/* In a move's reason: it is what a caller has said. */
#define TW_BY_CALLER	BIT(8)

/*
 * How far beyond the tiers' capacity: not at all, for a first touch, for a page
 * that comes back, for a page whose room is reserved. The second gets twice as
 * far as the first, so that when everything is full of first touches what lies in
 * the stores can still be reached; the last further still, so that those leave it
 * a way.
 */
#define TW_OVER_NONE	0
#define TW_OVER_FIRST	1
#define TW_OVER_BACK	2
#define TW_OVER_RESERVED 4
/* With any of these: beyond the agent's limits, if need be. */
#define TW_OVER_LIMIT	BIT(3)

/*
 * A page of memory for @sp near the running CPU, charged to a tier and (with
 * __GFP_ACCOUNT) to @memcg; *@tier says where. @over: TW_OVER_*.
 */
struct page *tw_page_get(struct tw_space *sp, struct mem_cgroup *memcg,
			 gfp_t gfp, unsigned int over, int *tier);
/* Gives back what tw_page_get() gave and nobody has seen. */
void tw_page_unget(struct page *page, int tier);
/*
 * Around getting a frame and tying it to its record: memory that goes offline
 * waits for whoever has got one of its frames and not shown it yet. Sleeping
 * is fine in between. tw_frames_wait(): see tw_evacuate_pfns().
 */
int tw_frames_enter(void);
void tw_frames_leave(int token);
void tw_frames_wait(void);
/*
 * Around I/O that nobody waits for any more: in between, neither @sp nor the
 * module goes, and memory that goes offline waits, as above. The end comes in
 * process context and may be the end of @sp.
 */
void tw_left_begin(struct tw_space *sp);
void tw_left_end(struct tw_space *sp);
/* Ties a fresh page to its place in the space; before it is published. */
void tw_page_attach(struct tw_space *sp, unsigned long idx, struct page *page);
/* Unties and frees a page that is frozen, and its charge to memory tier @tier. */
void tw_page_free_frozen(struct page *page, int tier);
/* Frees a page that may be referenced elsewhere; unmapped. Sleeps. */
void tw_page_drop(struct page *page);

/* No fault finds it mapped any more; its record is locked. Sleeps. */
void tw_page_unmap(struct tw_space *sp, unsigned long idx, struct page *page);
/* Somebody holds it besides its record and its mappings. */
static inline bool tw_page_pinned(struct page *page)
{
	return page_count(page) != 1 + tw_page_mapcount(page);
}

/*
 * Nobody can come by it until it is unfrozen or freed. False: somebody holds it. It
 * is unmapped, and nobody maps it: its record is locked.
 */
static inline bool tw_page_freeze(struct page *page)
{
	return page_ref_freeze(page, 1);
}

static inline void tw_page_unfreeze(struct page *page)
{
	page_ref_unfreeze(page, 1);
}

/* Freezes it if nobody maps it and it was not written to since it was read. */
bool tw_page_freeze_clean(struct page *page);
/* The bytes of a frozen page: 0, or -EHWPOISON: its memory is broken. */
int tw_page_copy(struct page *to, struct page *from);
/*
 * Frame @to, which has the bytes of frozen @page, takes its place: whether they were
 * written to, and the memcg's charge, go with it.
 */
void tw_page_replace(struct tw_space *sp, unsigned long idx, struct page *page,
		     struct page *to);

/* Has it been written to since it was read, or since it was last written out? */
static inline bool tw_page_dirty(struct page *page)
{
	return PageDirty(page);
}

/* What is written to it from now on makes it dirty again. */
static inline void tw_page_set_clean(struct page *page)
{
	ClearPageDirty(page);
}

/* Its memory is broken, its bytes are lost. */
static inline bool tw_page_bad(struct page *page)
{
	return PageHWPoison(page);
}

/* Counts, traces and publishes one page's move. */
void tw_page_moved(struct tw_space *sp, unsigned long idx, int from, int to,
		   int reason, int status, u64 ns);
/* The same for a page of either kind, by number. */
void tw_moved(struct tw_agent *agent, u64 page, int from, int to, int reason,
	      int status, u64 ns);

/* Space, agent and groups: @n pages more in @tier. */
void tw_pages_add(struct tw_space *sp, int tier, long n);
/* Frees the slot of a locked record, if it has one. */
void tw_slot_drop(struct tw_rec *rec);
/* A locked STORE or MEM record whose bytes are gone becomes POISON. */
void tw_rec_poison(struct tw_space *sp, struct tw_rec *rec);

/* The space that the frame belongs to and its index; a reference or NULL. */
struct tw_space *tw_space_by_pfn(u64 pfn, unsigned long *idx);

#endif
