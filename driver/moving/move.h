/* SPDX-License-Identifier: GPL-2.0 */
/*
 * move.h - the engine: a batch of pages of one space to one tier
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

/* A reason that callers may have for a move. */
static inline bool tw_reason_asked(u32 reason)
{
	return reason < TW_REASON_FAULT;
}

/* tw_move.flags */
#define TW_MOVE_SAME	BIT(0)	/* also within the tier, to another frame */
#define TW_MOVE_CHOICE	BIT(1)	/* one of several targets: a full one is no failure */
#define TW_MOVE_NO_LIMIT BIT(2)	/* agents' limits do not count */
#define TW_MOVE_INTR	BIT(3)	/* any signal ends the wait, not only a fatal one */
#define TW_MOVE_CHARGED	BIT(4)	/* its I/O is some cgroup's, which may have to wait */

/**
 * struct tw_move - up to TW_BATCH pages of one space on their way to a tier
 * @space: theirs
 * @to: target
 * @from: only pages in this tier, TW_TIER_NONE: any
 * @reason: enum tw_reason, and TW_BY_CALLER
 * @flags: TW_MOVE_*
 * @nid: node to go to within a memory tier, NUMA_NO_NODE: near the running CPU
 * @nr: pages
 * @moved: out: how many moved
 * @idx: page indices; neighbours in order are unmapped together
 * @status: out: per page, as uapi's tw_migrate_pages has it
 * @from_tier: out: where each was
 * @rec: scratch: locked records
 * @page: scratch: source pages
 * @target: scratch: target pages
 * @out: out: the target is a store
 * @left: scratch: I/O has been left
 * @nr_io: scratch: pages whose I/O is under way
 * @io_at: scratch: which page an io is for
 * @ios: scratch: the I/O; NULL when memory failed since the last was left
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
 * @stable: the records of what is written stay locked
 * @t0: when the batch began
 * @left: once the batch has been left: a copy with just these pages
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
 * Carries it out: sleeps, takes record locks; every page has a status after.
 * A task that is killed does not wait for I/O, nor, for TW_XFER_HUNG or longer,
 * does a kernel thread or a caller with TW_MOVE_CHOICE: it is left to its end,
 * and its pages are told as -EBUSY, as they are to any other mover.
 */
void tw_move_run(struct tw_move *m);

#endif
