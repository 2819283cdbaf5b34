/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region_map.h - a region's mappings
 */
#ifndef _TW_REGION_MAP_H
#define _TW_REGION_MAP_H

#include <linux/mm_types.h>

struct file;
struct tw_addr_page;
struct tw_space;

/* Of a region's file. */
int tw_region_mmap(struct file *file, struct vm_area_struct *vma);
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
unsigned long tw_region_area(struct file *file, unsigned long addr,
			     unsigned long len, unsigned long pgoff,
			     unsigned long flags);
#else
#define tw_region_area	NULL
#endif

/*
 * The region mapped at @addr with any of @flags, if there are any: a reference
 * in *@r, the page's index in *@idx. Returns how many pages up to @end it goes
 * on for, or -EFAULT.
 */
long tw_region_at(unsigned long addr, unsigned long end, vm_flags_t flags,
		  struct tw_space **sp, unsigned long *idx);
int tw_addr_page_ioctl(struct tw_addr_page *arg);

#endif
