// SPDX-License-Identifier: GPL-2.0
/*
 * accessed.c - which pages have been touched: how their owners are asked
 *
 * Owns, in each chunk, how long it has seemed untouched (->idle). The owner of pages
 * finds touches, by its struct tw_space_ops. This file decides, for the scanner and
 * for sweeps, how sure that is to be and by what means.
 *
 * Locks: none of its own; the caller holds no record lock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bitmap.h>

#include "pages/record.h"
#include "pages/space.h"
#include "policy/accessed.h"
#include "policy/knobs.h"

/*
 * In every so many scans a chunk that seems untouched is looked at page by page all the
 * same: rarely if it has been untouched for long. A table that no CPU has used for long
 * is in no CPU's caches, so that the next touch is noted in it.
 */
#define TW_IDLE_SURE	4U
#define TW_LONG_SURE	64U

u64 tw_scan_young(struct tw_space *sp, unsigned long idx, unsigned int nr,
		  bool forget, u64 *dirty)
{
	return sp->ops->young(sp, idx, nr, forget, dirty);
}

int tw_scan_chunk(struct tw_space *sp, struct tw_chunk *c,
		  unsigned long *young, bool again)
{
	unsigned int how = READ_ONCE(tw_knobs.mode) & TW_POLICY_UNMAP ?
			   TW_LOOK_MAPPED : 0;
	unsigned int each = c->idle < TW_LONG_SURE ? TW_IDLE_SURE : TW_LONG_SURE;
	int looked;

	if (again)
		return sp->ops->scan(sp, c, how | TW_LOOK_SURE | TW_LOOK_AGAIN,
				     young);
	if (!(c->idle % each))
		how |= TW_LOOK_SURE;
	looked = sp->ops->scan(sp, c, how, young);
	if (looked < 0)
		return looked;
	if (looked && !bitmap_empty(young, TW_CHUNK_PAGES))
		c->idle = 0;
	else if (c->idle < U8_MAX)
		c->idle++;
	else
		c->idle = U8_MAX - TW_LONG_SURE + 1;
	return looked;
}
