/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region_file.h - a region's file, and the making of a region
 */
#ifndef _TW_REGION_FILE_H
#define _TW_REGION_FILE_H

struct file;
struct tw_region_create;

struct file *tw_region_create(struct tw_region_create *arg);

#endif
