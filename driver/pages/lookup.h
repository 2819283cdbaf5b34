/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lookup.h - pages by number, and what callers may know of them
 */
#ifndef _TW_LOOKUP_H
#define _TW_LOOKUP_H

#include <linux/types.h>
#include <linux/tierwatch.h>

struct tw_space;

/*
 * The space's page by either number, if the caller may: a reference or NULL. Any
 * context but NMI with @admin.
 */
struct tw_space *tw_page_lookup(u64 page, unsigned long *idx, bool admin);
/* The same if it is of space @owner (its id); 0: of any. */
struct tw_space *tw_page_lookup_of(u64 owner, u64 page, unsigned long *idx,
				    bool admin);
/* Page @idx of @sp as it is now. */
void tw_page_describe(struct tw_space *sp, unsigned long idx, struct tw_page *p,
		      bool admin);

#endif
