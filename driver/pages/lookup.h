/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lookup.h - pages by number, and what callers may know of them
 *
 * All higher rooms may call it. It takes no lock.
 */
#ifndef _TW_LOOKUP_H
#define _TW_LOOKUP_H

#include <linux/types.h>
#include <linux/tierwatch.h>

struct tw_space;

/*
 * Finds the page of stable number or frame number @page: returns its space, with a
 * reference, and its index there, or NULL if there is none or the caller may not name
 * it. Any context but NMI if @admin, else process context.
 */
struct tw_space *tw_page_lookup(u64 page, unsigned long *idx, bool admin);
/* The same, but only in the space of id @owner, unless that is 0. */
struct tw_space *tw_page_lookup_of(u64 owner, u64 page, unsigned long *idx,
				    bool admin);
/* Describes page @idx of @sp as it is now, with its frame number only if @admin. */
void tw_page_describe(struct tw_space *sp, unsigned long idx, struct tw_page *p,
		      bool admin);

#endif
