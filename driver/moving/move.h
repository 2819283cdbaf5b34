/* SPDX-License-Identifier: GPL-2.0 */
/*
 * move.h - the engine: a batch of pages of one space to one tier
 *
 * All higher rooms may make and run batches, with no record locked. record.h and move.c
 * describe the locks.
 */
#ifndef _TW_MOVE_H
#define _TW_MOVE_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/tierwatch.h>
#include <linux/types.h>

#include "tiers/store_io.h"

struct page;
struct tw_rec;
struct tw_space;

#define TW_BATCH	64

/* Whether it is a reason that callers may give for a move. */
static inline bool tw_reason_asked(u32 reason)
{
	return reason < TW_REASON_FAULT;
}

/* tw_move.flags */
#define TW_MOVE_SAME	BIT(0)	/* also within the tier, to another frame */
#define TW_MOVE_CHOICE	BIT(1)	/* one of several targets: a full one is no failure */
#define TW_MOVE_NO_LIMIT BIT(2)	/* limits of agents and groups do not count */
#define TW_MOVE_INTR	BIT(3)	/* any signal ends the wait, not only a fatal one */
#define TW_MOVE_CHARGED	BIT(4)	/* a cgroup's limit may delay its I/O */

/**
 * struct tw_move - up to TW_BATCH pages of one space on their way to a tier
 * @space: space of the pages
 * @to: target tier
 * @from: only pages in this tier move, or with TW_TIER_NONE those in any
 * @reason: enum tw_reason, and TW_BY_CALLER
 * @flags: TW_MOVE_*
 * @nid: node to go to within a memory tier, or NUMA_NO_NODE for near the running CPU
 * @nr: how many pages there are
 * @moved: out: how many moved
 * @idx: page indices; neighbours in order are unmapped together
 * @status: out: status of each page, as in struct tw_migrate_pages of the uapi header
 * @from_tier: out: tier where each page was
 * @rec: scratch: locked records
 * @page: scratch: source pages
 * @target: scratch: target pages
 * @huge: scratch: sources that are parts of a folio of 2 MiB (huge.h), a bit for each
 * @whole: scratch: pages that have moved with all of their folio, a bit for each
 * @beside: out: pages of these folios that are not in the batch; @moved counts them
 * @out: out: whether the target is a store
 * @left: scratch: whether I/O has been left
 * @nr_io: scratch: how many pages have I/O under way
 * @io_at: scratch: for each io the index of its page
 * @ios: scratch: the I/O; NULL if there was no memory for it since the last was left
 */
struct tw_move {
	struct tw_space *space;
	int to;
	int from;
	int reason;
	unsigned int flags;
	int nid;
	unsigned int nr;
	unsigned int moved;
	unsigned long idx[TW_BATCH];
	int status[TW_BATCH];
	u8 from_tier[TW_BATCH];
	struct tw_rec *rec[TW_BATCH];
	struct page *page[TW_BATCH];
	struct page *target[TW_BATCH];
	u64 huge;
	u64 whole;
	unsigned int beside;
	bool out;
	bool left;
	unsigned int nr_io;
	u8 io_at[TW_BATCH];
	struct tw_moving *ios;
};

/**
 * struct tw_moving - the I/O of a batch
 * @f: its transfer
 * @io: its pages
 * @stable: whether the records of pages that are written stay locked
 * @t0: when the batch began
 * @left: once the batch has been left: a copy of it with just the pages of @io
 */
struct tw_moving {
	struct tw_xfer f;
	struct tw_io io[TW_BATCH];
	bool stable;
	u64 t0;
	struct tw_move *left;
};

struct tw_move *tw_move_alloc(gfp_t gfp);	/* move_wait.c */
void tw_move_free(struct tw_move *m);
/*
 * Carries a batch out. Sleeps and takes record locks. Afterwards every page has a
 * status. A task that is killed does not wait for I/O; a kernel thread, or a caller
 * with TW_MOVE_CHOICE, waits for TW_XFER_HUNG at most. I/O that is not waited for is
 * left to end by itself, and the status of its pages is -EBUSY, as for other movers.
 */
void tw_move_run(struct tw_move *m);

#endif
