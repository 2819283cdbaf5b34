/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region_accessed.h - which pages of a region have been touched
 *
 * region.c puts the first three into its ops; fault_map.c calls the last one. They are
 * called without record locks.
 */
#ifndef _TW_REGION_ACCESSED_H
#define _TW_REGION_ACCESSED_H

#include <linux/types.h>

struct tw_chunk;
struct tw_space;
struct vm_area_struct;

/* A region's ->young, ->scan and ->touched of struct tw_space_ops. */
u64 tw_region_young(struct tw_space *sp, unsigned long idx, unsigned int nr,
		    bool forget, u64 *dirty);
int tw_region_scan(struct tw_space *sp, struct tw_chunk *c, unsigned int how,
		   unsigned long *young);
u64 tw_region_touched(struct tw_space *sp, struct tw_chunk *const *c, u64 which);
/* Do accessed bits in @vma tell of all touches? If not, only being mapped does. */
bool tw_accessed_tells(const struct vm_area_struct *vma);

#endif
