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

/* Operations of a region's file. */
int tw_region_mmap(struct file *file, struct vm_area_struct *vma);
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
unsigned long tw_region_area(struct file *file, unsigned long addr,
			     unsigned long len, unsigned long pgoff,
			     unsigned long flags);
#else
#define tw_region_area	NULL
#endif

/*
 * Finds the region that the caller has mapped at @addr. Unless @flags is 0, the mapping
 * must have one of those VM_* flags. Returns how many pages from @addr, up to @end, are of
 * that mapping, with a reference in *@r and the first page's index in *@idx; or -EFAULT
 * or -EINTR. Takes mmap_lock.
 */
long tw_region_at(unsigned long addr, unsigned long end, vm_flags_t flags,
		  struct tw_space **sp, unsigned long *idx);
int tw_addr_page_ioctl(struct tw_addr_page *arg);

#endif
