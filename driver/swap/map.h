/* SPDX-License-Identifier: GPL-2.0 */
/*
 * map.h - where each page of the swap device is
 *
 * The device is struct tw_swap, at most one; device.c makes and ends it. Each of its
 * pages has an entry (entry.h), the checksum of what was last written, and a place in
 * a list, 20 bytes together, made with the device: nothing is allocated for I/O.
 *
 * Lists. A page that lies in a store is in one of two lists of that store's: @aged, in
 * the order in which pages came there, or @spare, if it has been read and will be
 * written again, because a faster store would take it (see tw_swap_read_begin()).
 * While it is being moved it is in none.
 *
 * Locks. @lock (a spinlock of process context; within it only tw_store.lock) guards the
 * entries and the lists. The kernel calls in with locks of its own held, among them
 * those of page tables, so that nothing under it may sleep or touch memory that can
 * be swapped. I/O ends in any context, without the lock: that takes back its count of
 * BUSY and may set SPARE, both by atomics, and nothing else. Whatever changes an entry
 * under the lock therefore does so by compare and exchange.
 */
#ifndef _TW_SWAP_MAP_H
#define _TW_SWAP_MAP_H

#include <linux/atomic.h>
#include <linux/bio.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/tierwatch.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "swap/entry.h"
#include "tiers/store_io.h"

struct gendisk;
struct tw_swap_store;
struct tw_user;

/* Pages that one part of a request has at most: slots that follow each other. */
#define TW_SWAP_RUN	TW_IO_BATCH

/* A place in the lists; those of the device's pages come first, then the heads'. */
struct tw_swap_link {
	u32 prev;
	u32 next;
};

/**
 * struct tw_swap_mover - what moving a batch of pages needs; move.c
 * @lock: one batch at a time. Before tw_swap.lock; sleeps
 * @xfer: its transfer, of reading first and of writing then
 * @io: its pages
 * @at: which pages of the device they are
 * @was: their entries when they were taken
 * @page: memory for their bytes
 */
struct tw_swap_mover {
	struct mutex lock;
	struct tw_xfer xfer;
	struct tw_io io[TW_IO_BATCH];
	u32 at[TW_IO_BATCH];
	u64 was[TW_IO_BATCH];
	struct page *page[TW_IO_BATCH];
};

/**
 * struct tw_swap - the swap device
 * @disk: its block device
 * @user: the user for whom its room is reserved
 * @nr: pages
 * @entry: of each page
 * @sum: of each page, the crc32c of what was last written; whoever has it BUSY, or
 *	MOVING, may read it
 * @link: of each page, and the heads of the lists
 * @lock: see above; also @opens and @ending
 * @opens: how often it is open
 * @ending: it is about to be removed and cannot be opened any more
 * @type: its number among the kernel's swaps, as the last write told; -1 as long as
 *	nothing was swapped to it
 * @target: the tier that new pages go to, as the last write and @work found it; a hint
 * @spare: by tier, pages marked SPARE; a count for users, which may be behind
 * @failed: pages that could not be read
 * @errors: by tier, failures of reads or writes, and wrong checksums, that @tell has
 *	yet to report
 * @bios: by tier, so that a store that hangs with all that there are when memory is
 *	short leaves the others theirs
 * @wq: for the two works
 * @work: makes room in the faster stores, gives DEAD slots back; move.c
 * @tell: reports @errors
 * @reap: there are DEAD entries that nothing is under way of
 * @mover: for whatever moves pages
 */
struct tw_swap {
	struct gendisk *disk;
	struct tw_user *user;
	u32 nr;
	atomic64_t *entry;
	u32 *sum;
	struct tw_swap_link *link;
	spinlock_t lock;
	unsigned int opens;
	bool ending;
	int type;
	int target;
	atomic64_t spare[TW_NR_TIERS];
	atomic64_t failed;
	atomic_t errors[TW_NR_TIERS][2];
	struct bio_set bios[TW_NR_TIERS];
	struct workqueue_struct *wq;
	struct work_struct work;
	struct work_struct tell;
	int reap;
	struct tw_swap_mover mover;
};

/* Bytes of the driver's memory that the tables for @nr pages take. */
u64 tw_swap_map_bytes(u32 nr);
/* @d->nr is set. 0 or -ENOMEM. */
int tw_swap_map_init(struct tw_swap *d);
/* Gives all slots back as well; nothing is under way any more. */
void tw_swap_map_exit(struct tw_swap *d);

/**
 * struct tw_swap_part - a part of a request
 * @nr: its pages, which follow each other
 * @tier: where they are, or go to; TW_TIER_NONE: they read as zeroes
 * @slot: the first slot
 * @again: they are to be written again before they leave memory
 */
struct tw_swap_part {
	u32 nr;
	int tier;
	u32 slot;
	bool again;
};

/*
 * The first pages of @nr from @at on, of a read or a write. What is in a slot is BUSY
 * from then on, until tw_swap_io_end(). With @rewrite those that are read may be written
 * @again. 0, -EIO: the first one is lost, -ENOSPC.
 */
int tw_swap_read_begin(struct tw_swap *d, u32 at, u32 nr, bool rewrite,
		       struct tw_swap_part *part);
int tw_swap_write_begin(struct tw_swap *d, u32 at, u32 nr, struct tw_swap_part *part);
/* Any context. */
void tw_swap_io_end(struct tw_swap *d, u32 at, u32 nr);
/* The page, which is BUSY, is in memory now and dirty. Any context. */
void tw_swap_set_spare(struct tw_swap *d, u32 at);
/* The kernel does not need it any more. Any context but irq. */
void tw_swap_forget(struct tw_swap *d, u32 at);
/* Gives DEAD slots back. */
void tw_swap_reap(struct tw_swap *d);

/* A store as it is now, for choice.h. */
void tw_swap_look(struct tw_swap_store *s, int tier);
/* The stores that are bound, fastest first, at most TW_NR_TIERS; returns how many. */
int tw_swap_stores(struct tw_swap_store *stores);

/* -- for move.c -------------------------------------------------------------- */

/* Takes up to @nr of the oldest pages of @tier into the mover; returns how many. */
unsigned int tw_swap_take(struct tw_swap *d, int tier, unsigned int nr, bool all);
/*
 * The same of pages in slots of @tier from @first on. It looks at the device's pages from
 * *@at on, as many as may be looked at in one go, and leaves the next one there. Slots that
 * are not needed are given back, and *@busy counts pages that cannot be moved now.
 */
unsigned int tw_swap_take_slots(struct tw_swap *d, int tier, u32 first, u32 *at,
				unsigned int *busy);
/* Gives up to @nr slots of @tier back that are not needed; returns how many. */
unsigned int tw_swap_drop_spare(struct tw_swap *d, int tier, unsigned int nr);
/*
 * Page @i of the mover ends its move: it is in @slot of @tier now if the result is
 * true, else that slot is the caller's still.
 */
bool tw_swap_moved(struct tw_swap *d, unsigned int i, int tier, u32 slot);
/* It stays; with @lose its slot is given up, and with it the page. */
void tw_swap_stays(struct tw_swap *d, unsigned int i, bool lose);

#endif
