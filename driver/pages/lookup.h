/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lookup.h - pages by number, and what callers may know of them
 */
#ifndef _TW_LOOKUP_H
#define _TW_LOOKUP_H

#include <linux/types.h>
#include <linux/tierwatch.h>

struct tw_region;

/* The caller sees everybody's pages. Asked once a call, and no matter of audit. */
bool tw_is_admin(void);
/*
 * The region's page by either number, if the caller may: a reference or NULL. Any
 * context but NMI with @admin.
 */
struct tw_region *tw_page_lookup(u64 page, unsigned long *idx, bool admin);
/* The same if it is of region @owner (its id); 0: of any. */
struct tw_region *tw_page_lookup_of(u64 owner, u64 page, unsigned long *idx,
				    bool admin);
/* Page @idx of @r as it is now. */
void tw_page_describe(struct tw_region *r, unsigned long idx, struct tw_page *p,
		      bool admin);
/* The answer's memory must take it: found out before anything is done. */
int tw_check_answer(u64 ptr, size_t bytes);
/* The same for @nr page numbers and, unless it is 0, their outcomes. */
int tw_check_numbers(u64 pages, u32 nr, u64 status);
int tw_addr_page_ioctl(struct tw_addr_page *arg);

#endif
