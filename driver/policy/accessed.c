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

u64 tw_scan_young(struct tw_space *sp, unsigned long idx, unsigned int nr,
		  bool forget, u64 *dirty)
{
	return sp->ops->young(sp, idx, nr, forget, dirty);
}

int tw_scan_chunk(struct tw_space *sp, struct tw_chunk *c,
		  unsigned long *young, enum tw_scan_how as)
{
	unsigned int how = READ_ONCE(tw_knobs.mode) & TW_POLICY_UNMAP ?
			   TW_LOOK_MAPPED : 0;
	int looked;

	if (as == TW_SCAN_AGAIN)
		return sp->ops->scan(sp, c, how | TW_LOOK_SURE | TW_LOOK_AGAIN,
				     young);
	if (as == TW_SCAN_TOUCHED || tw_scan_sure_due(c))
		how |= TW_LOOK_SURE;
	looked = sp->ops->scan(sp, c, how, young);
	if (looked < 0)
		return looked;
	if (looked && !bitmap_empty(young, TW_CHUNK_PAGES))
		c->idle = 0;
	else
		tw_scan_untouched(c);
	return looked;
}

bool tw_scan_tables(struct tw_space *sp, struct tw_chunk *const *c, u64 which, u64 *touched)
{
	if (!sp->ops->touched || READ_ONCE(tw_knobs.mode) & TW_POLICY_UNMAP)
		return false;
	*touched = which ? sp->ops->touched(sp, c, which) : 0;
	return true;
}
