/* SPDX-License-Identifier: GPL-2.0 */
/*
 * look.h - a scan's look at the pages of one chunk
 *
 * Only the scanner's thread calls it, with a reference to the space and no lock held.
 */
#ifndef _TW_LOOK_H
#define _TW_LOOK_H

#include <linux/tierwatch.h>
#include <linux/types.h>

#include "pages/record.h"
#include "policy/decide.h"

struct tw_space;

/**
 * struct tw_found - what a scan has found so far
 * @bands: pages by tier and band of heat
 * @needs: tiers whose coldest pages were wanted elsewhere when it began, a bit for each
 * @pages: pages looked at
 * @memory: how many of these are in memory
 * @foreign: how many of those in memory are not the driver's
 * @young: how many of those in memory were touched within the window
 * @steady: pages in memory that were touched in most windows of late
 * @lost: how many of the steady ones were not touched in this window
 * @skipped: pages known to be untouched without a look at each record
 * @map: pages by heat
 */
struct tw_found {
	u64 bands[TW_NR_TIERS][TW_HEAT_BANDS];
	unsigned int needs;
	u64 pages;
	u64 memory;
	u64 foreign;
	u64 young;
	u64 steady;
	u64 lost;
	u64 skipped;
	struct tw_heat_map map;
};

/**
 * struct tw_chunk_look - a chunk being looked at
 * @sp: its space, to which the scan holds a reference
 * @c: the chunk
 * @touched: whether tw_look_glance() has found that it may have been touched
 * @known: whether its state is known from an earlier look
 * @seen: pages touched since the scan before
 * @young: pages touched within the window
 */
struct tw_chunk_look {
	struct tw_space *sp;
	struct tw_chunk *c;
	bool touched;
	bool known;
	DECLARE_BITMAP(seen, TW_CHUNK_PAGES);
	DECLARE_BITMAP(young, TW_CHUNK_PAGES);
};

/*
 * Of @nr <= 64 chunks in order, counts those whose state is known, and which a glance
 * shows to be untouched: they need no look and have a bit in what it returns. Those in
 * *@touched need one at once.
 */
u64 tw_look_glance(struct tw_found *f, struct tw_space *sp, struct tw_chunk *const *c,
		   unsigned int nr, u64 *touched);
/* The first look, which fills @seen or sets @known. */
void tw_look_first(struct tw_found *f, struct tw_chunk_look *l);
/* The second look, at the end of the window, which fills @young. */
void tw_look_again(struct tw_chunk_look *l);
/* Gives the pages their new heat and age, and shows them to the policy. */
void tw_look_done(struct tw_found *f, struct tw_chunk_look *l);

#endif
