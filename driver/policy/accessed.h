/* SPDX-License-Identifier: GPL-2.0 */
/*
 * accessed.h - which pages have been touched
 *
 * The scanner (look.c) and sweeps call it, with a reference to the space and without
 * record locks. The functions that are not inline sleep.
 */
#ifndef _TW_ACCESSED_H
#define _TW_ACCESSED_H

#include <linux/limits.h>
#include <linux/types.h>

#include "pages/record.h"

/*
 * In every so many scans a chunk that seems untouched is looked at page by page all the
 * same: rarely if it has been untouched for long. A table that no CPU has used for long
 * is in no CPU's caches, so that the next touch is noted in it. Powers of two.
 */
#define TW_IDLE_SURE	4U
#define TW_LONG_SURE	64U

/* Is the chunk to be looked at page by page in this scan, whatever its table says? */
static inline bool tw_scan_sure_due(const struct tw_chunk *c)
{
	return !(c->idle & ((c->idle < TW_LONG_SURE ? TW_IDLE_SURE : TW_LONG_SURE) - 1));
}

/* A scan has found it untouched. The count goes round among those of long idle chunks. */
static inline void tw_scan_untouched(struct tw_chunk *c)
{
	c->idle = c->idle < U8_MAX ? c->idle + 1 : U8_MAX - TW_LONG_SURE + 1;
}

/**
 * enum tw_scan_how - why a chunk is looked at
 * @TW_SCAN_FIRST: as all are
 * @TW_SCAN_TOUCHED: tw_scan_tables() has told that it may have been touched
 * @TW_SCAN_AGAIN: it was just looked at, and all of it is to be looked at again
 */
enum tw_scan_how {
	TW_SCAN_FIRST,
	TW_SCAN_TOUCHED,
	TW_SCAN_AGAIN,
};

/*
 * Tells which of @nr (<= 64) pages from @idx on were touched since touches were last
 * forgotten, and with @forget forgets them. *@dirty tells which of them were written to
 * through their mappings.
 */
u64 tw_scan_young(struct tw_space *sp, unsigned long idx, unsigned int nr,
		  bool forget, u64 *dirty);
/*
 * The same for a chunk, into a bitmap of zeros, and touches are forgotten. Returns 1; 0
 * if the chunk as a whole is known to be untouched and its pages were not looked at; or
 * -EAGAIN if they could not be looked at now. Only the scanner may call this.
 */
int tw_scan_chunk(struct tw_space *sp, struct tw_chunk *c,
		  unsigned long *young, enum tw_scan_how as);
/*
 * Tells in *@touched which of the chunks @c[i], in order, with bit i in @which, may have
 * been touched; for those tw_scan_chunk() has to follow, as TW_SCAN_TOUCHED. False if
 * that is not to be known so cheaply. Only the scanner may call this.
 */
bool tw_scan_tables(struct tw_space *sp, struct tw_chunk *const *c, u64 which, u64 *touched);

#endif
