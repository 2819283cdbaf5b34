// SPDX-License-Identifier: GPL-2.0
/*
 * region_map.c - a region's mappings
 *
 * Owns mmap(2) of a region's file, and finds the region that is mapped at an address.
 *
 * Locks: mmap_lock. The kernel holds it for tw_region_mmap(), and tw_region_at() takes
 * it. Doors call the latter.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/fs.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "base/compat.h"
#include "doors/fault.h"
#include "doors/region_map.h"
#include "pages/region.h"
#include "pages/seal.h"

/*
 * Refuses mbind(2). A page belongs to the region, not to one of its mappings, and moves
 * through tiers, so a policy of a mapping could only be ignored. The policy of the
 * task that touches a page is followed.
 */
static int tw_region_set_policy(struct vm_area_struct *vma,
				struct mempolicy *policy)
{
	return policy ? -EOPNOTSUPP : 0;
}

static const struct vm_operations_struct tw_region_vm_ops = {
	.fault		= tw_region_fault,
	.set_policy	= tw_region_set_policy,
};

/*
 * The kernel would look where a task touches the pages of these mappings by having
 * faults at them, since they are not VM_MIXEDMAP. A policy of the mapping that does not
 * ask for it keeps it away; for where pages are it means nothing.
 */
static struct mempolicy tw_region_no_hints = {
	.refcnt	= ATOMIC_INIT(1),
	.mode	= MPOL_LOCAL,
};

static struct mempolicy *tw_region_get_policy(TW_POLICY_OF)
{
	return &tw_region_no_hints;
}

static const struct vm_operations_struct tw_region_huge_vm_ops = {
	.fault		= tw_region_fault,
	.set_policy	= tw_region_set_policy,
	.get_policy	= tw_region_get_policy,
};

static bool tw_vma_is_region(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &tw_region_vm_ops ||
	       vma->vm_ops == &tw_region_huge_vm_ops;
}

int tw_region_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tw_region *r = file->private_data;
	unsigned long nr = vma_pages(vma);

	/* Not VM_SHARED, which a read-only file's shared mapping does not have. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= r->space.nr_pages ||
	    nr > r->space.nr_pages - vma->vm_pgoff)
		return -EINVAL;
	/*
	 * The kernel takes the flag away again from a mapping like this one, and says
	 * nothing: the pages could go to a disk all the same. mlock(2) comes later, and
	 * asks nobody.
	 */
	if (vma->vm_flags & VM_LOCKED)
		return -EOPNOTSUPP;
	if (tw_region_write_sealed(r)) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	/*
	 * The two READ flags together mean no read-ahead advice; they keep
	 * zaps from calling mark_page_accessed() on pages of no LRU. The other one has
	 * all else keep away: mlock(2), khugepaged, ksmd. VM_MIXEDMAP does it best, but
	 * the kernel would not count its references to pages that it maps itself.
	 */
	vm_flags_set(vma, (r->space.huge ? VM_DONTEXPAND : VM_MIXEDMAP) |
		     VM_SEQ_READ | VM_RAND_READ);
	if (r->flags & TW_REGION_DONTDUMP)
		vm_flags_set(vma, VM_DONTDUMP);
	vma->vm_ops = r->space.huge ? &tw_region_huge_vm_ops : &tw_region_vm_ops;
	return 0;
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* Aligns mappings to 2 MiB, so that walks meet whole page tables. */
unsigned long tw_region_area(struct file *file, unsigned long addr,
			     unsigned long len, unsigned long pgoff,
			     unsigned long flags)
{
	return thp_get_unmapped_area(file, addr, len, pgoff, flags);
}
#endif

/* -- by address ---------------------------------------------------------------- */

/* How many of @nr pages from @idx on there are: mremap(2) lets mappings grow beyond. */
static long tw_region_within(struct tw_region *r, unsigned long idx, long nr)
{
	if (idx >= r->space.nr_pages)
		return -EFAULT;
	return min_t(unsigned long, nr, r->space.nr_pages - idx);
}

long tw_region_at(unsigned long addr, unsigned long end, vm_flags_t flags,
		  struct tw_space **sp, unsigned long *idx)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct tw_region *r;
	long nr = -EFAULT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, addr);
	if (vma && vma->vm_start <= addr && tw_vma_is_region(vma) &&
	    (!flags || (vma->vm_flags & flags))) {
		r = vma->vm_file->private_data;
		*idx = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
		nr = (min(end, vma->vm_end) - addr) >> PAGE_SHIFT;
		nr = tw_region_within(r, *idx, nr);
		if (nr > 0)
			*sp = tw_space_get(&r->space);
	}
	mmap_read_unlock(mm);
	return nr;
}

/**
 * tw_addr_page_ioctl - TW_IOC_ADDR_PAGE
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_addr_page_ioctl(struct tw_addr_page *arg)
{
	unsigned long addr = untagged_addr(arg->addr) & PAGE_MASK, idx;
	struct tw_space *sp;
	long nr;

	if (arg->flags)
		return -EINVAL;
	if (addr > TASK_SIZE_MAX - PAGE_SIZE)
		return -EFAULT;
	nr = tw_region_at(addr, addr + PAGE_SIZE, 0, &sp, &idx);
	if (nr < 0)
		return nr;
	arg->page = tw_space_page(sp, idx);
	tw_space_put(sp);
	return 0;
}
