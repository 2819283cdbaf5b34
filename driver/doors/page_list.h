/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_list.h - describing pages, listing them by temperature, and marking them
 */
#ifndef _TW_PAGE_LIST_H
#define _TW_PAGE_LIST_H

#include <linux/tierwatch.h>
#include <linux/types.h>

struct tw_region;

int tw_mark_page(u64 owner, u64 page, bool hot, bool admin);

int tw_page_list_ioctl(struct tw_page_list *arg);
int tw_mark_ioctl(struct tw_mark *arg);
int tw_page_info_ioctl(struct tw_page_info *arg);
int tw_region_pages_ioctl(struct tw_region *r, struct tw_region_pages *arg);

#endif
