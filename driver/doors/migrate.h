/* SPDX-License-Identifier: GPL-2.0 */
/*
 * migrate.h - moving pages by number, address and offset
 */
#ifndef _TW_MIGRATE_H
#define _TW_MIGRATE_H

struct tw_migrate_pages;
struct tw_migrate_range;
struct tw_region;

int tw_migrate_pages_ioctl(struct tw_migrate_pages *arg);
int tw_migrate_range_mm(struct tw_migrate_range *arg);
int tw_migrate_range_region(struct tw_region *r, struct tw_migrate_range *arg);

#endif
