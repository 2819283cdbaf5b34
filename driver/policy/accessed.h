/* SPDX-License-Identifier: GPL-2.0 */
/*
 * accessed.h - which pages have been touched
 */
#ifndef _TW_ACCESSED_H
#define _TW_ACCESSED_H

#include <linux/types.h>

struct tw_chunk;
struct tw_space;

/*
 * Which of @nr (<= 64) pages from @idx were touched since last forgotten; @dirty:
 * which of them were written to through their mappings.
 */
u64 tw_scan_young(struct tw_space *sp, unsigned long idx, unsigned int nr,
		  bool forget, u64 *dirty);
/*
 * The same for a chunk, into a bitmap of zeros, and forgotten. False: known to
 * be untouched as a whole, its pages were not looked at. @again: just looked at,
 * look at all of it. The scanner's alone.
 */
bool tw_scan_chunk(struct tw_space *sp, struct tw_chunk *c,
		   unsigned long *young, bool again);

#endif
