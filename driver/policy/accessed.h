/* SPDX-License-Identifier: GPL-2.0 */
/*
 * accessed.h - which pages have been touched
 *
 * The scanner (look.c) and sweeps call it, with a reference to the space and without
 * record locks. Both functions sleep.
 */
#ifndef _TW_ACCESSED_H
#define _TW_ACCESSED_H

#include <linux/types.h>

struct tw_chunk;
struct tw_space;

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
 * -EAGAIN if they could not be looked at now.
 * @again says that it was just looked at and that all of it is to be looked at now.
 * Only the scanner may call this.
 */
int tw_scan_chunk(struct tw_space *sp, struct tw_chunk *c,
		  unsigned long *young, bool again);

#endif
