/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_list.h - what callers are told of pages, and what they say of their heat
 */
#ifndef _TW_PAGE_LIST_H
#define _TW_PAGE_LIST_H

#include <linux/tierwatch.h>
#include <linux/types.h>

struct tw_region;

/* Calls a page hot or cold, for everybody's pages with @admin: 0 or -ENOENT. */
int tw_mark_page(u64 owner, u64 page, bool hot, bool admin);

/* ioctls; they copy the arrays themselves */
int tw_page_list_ioctl(struct tw_page_list *arg);
int tw_mark_ioctl(struct tw_mark *arg);
int tw_page_info_ioctl(struct tw_page_info *arg);
int tw_region_pages_ioctl(struct tw_region *r, struct tw_region_pages *arg);

#endif
