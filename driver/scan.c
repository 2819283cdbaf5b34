// SPDX-License-Identifier: GPL-2.0
/*
 * scan.c - which pages of a region have been touched: accessed bits
 *
 * Walks the page tables of every mapping of a range by hand, since the helpers
 * are not exported: i_mmap_rwsem read keeps the mappings and their tables,
 * each level is checked for none and bad, the last under its lock with the pmd
 * looked at again. No TLB flush, as the kernel's own aging does it on x86: a
 * page that stays in a TLB may look untouched for a while.
 *
 * Locks: i_mmap_rwsem -> page table lock. Called without any record lock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "region.h"

/* A chunk that seems untouched is looked at all the same each so many scans. */
#define TW_IDLE_SURE	4

/* The kernel's walk over i_mmap is not exported; this is the same tree. */
static inline unsigned long tw_vma_first(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static inline unsigned long tw_vma_last(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long,
		     shared.rb_subtree_last, tw_vma_first, tw_vma_last,
		     static __maybe_unused, tw_vmas)

static bool tw_pte_young(pte_t *pte, bool forget)
{
#ifdef CONFIG_X86
	if (!pte_young(READ_ONCE(*pte)))
		return false;
	return !forget ||
	       test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)&pte->pte);
#else
	return true;	/* unknown: kept until unmapping tells */
#endif
}

static pmd_t *tw_walk_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_leaf(*pud) || pud_bad(*pud))
		return NULL;
	return pmd_offset(pud, addr);
}

/* @addr..@end lie in one page table. Bit 0 of the result is @addr. */
static u64 tw_walk_table(struct mm_struct *mm, unsigned long addr,
			 unsigned long end, bool forget)
{
	pmd_t *pmd = tw_walk_pmd(mm, addr), val;
	u64 young = 0, bit = 1;
	spinlock_t *ptl;
	pte_t *pte;

	if (!pmd)
		return 0;
	val = READ_ONCE(*pmd);
	if (pmd_none(val) || pmd_leaf(val) || pmd_bad(val))
		return 0;
	ptl = pte_lockptr(mm, &val);
	spin_lock(ptl);
	if (!pmd_same(val, READ_ONCE(*pmd)))
		goto out;
	pte = pte_offset_kernel(&val, addr);
	for (; addr < end; addr += PAGE_SIZE, pte++, bit <<= 1)
		if (pte_present(READ_ONCE(*pte)) && tw_pte_young(pte, forget))
			young |= bit;
out:
	spin_unlock(ptl);
	return young;
}

static u64 tw_scan_vma(struct vm_area_struct *vma, unsigned long idx,
		       unsigned int nr, bool forget)
{
	unsigned long first = max(idx, vma->vm_pgoff);
	unsigned long last = min(idx + nr, vma->vm_pgoff + vma_pages(vma));
	unsigned long addr, end, next;
	u64 young = 0;

	if (first >= last)
		return 0;
	addr = vma->vm_start + ((first - vma->vm_pgoff) << PAGE_SHIFT);
	end = vma->vm_start + ((last - vma->vm_pgoff) << PAGE_SHIFT);
	for (; addr < end; addr = next) {
		unsigned long at = vma->vm_pgoff +
				   ((addr - vma->vm_start) >> PAGE_SHIFT);

		next = pmd_addr_end(addr, end);
		young |= tw_walk_table(vma->vm_mm, addr, next, forget) <<
			 (at - idx);
	}
	return young;
}

u64 tw_scan_young(struct tw_region *r, unsigned long idx, unsigned int nr,
		  bool forget)
{
	struct address_space *mapping = r->inode->i_mapping;
	struct vm_area_struct *vma;
	u64 young = 0;

	i_mmap_lock_read(mapping);
	for (vma = tw_vmas_iter_first(&mapping->i_mmap, idx, idx + nr - 1); vma;
	     vma = tw_vmas_iter_next(vma, idx, idx + nr - 1))
		young |= tw_scan_vma(vma, idx, nr, forget);
	i_mmap_unlock_read(mapping);
	return young;
}

/* -- a chunk at once --------------------------------------------------------- */

/*
 * Has any page of the table been touched since this was last asked? Only where
 * the hardware notes it; a pmd that a CPU has in its caches is not noted again,
 * so that "no" is a hint.
 */
static bool tw_table_young(pmd_t *pmd)
{
	if (!IS_ENABLED(CONFIG_ARCH_HAS_NONLEAF_PMD_YOUNG))
		return true;
#ifdef CONFIG_X86
	if (!(pmd_flags(READ_ONCE(*pmd)) & _PAGE_ACCESSED))
		return false;
	/* Before the pages are looked at: what is touched later sets it again. */
	return test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)pmd);
#else
	return true;
#endif
}

/* The mapping of chunk @c, as far as it lies in @vma. False: not looked at. */
static bool tw_scan_chunk_vma(struct vm_area_struct *vma, struct tw_chunk *c,
			      bool sure, unsigned long *young)
{
	unsigned long first = max(c->base, vma->vm_pgoff);
	unsigned long last = min(c->base + TW_CHUNK_PAGES,
				 vma->vm_pgoff + vma_pages(vma));
	unsigned long addr = vma->vm_start + ((first - vma->vm_pgoff) << PAGE_SHIFT);
	unsigned int at;
	pmd_t *pmd;

	if (first >= last)
		return false;
	/* One table, all of it this mapping's? */
	pmd = last - first == PTRS_PER_PTE && !(addr & ~PMD_MASK) ?
	      tw_walk_pmd(vma->vm_mm, addr) : NULL;
	if (pmd && pmd_present(READ_ONCE(*pmd)) && !tw_table_young(pmd) && !sure)
		return false;
	for (at = first - c->base; at < last - c->base; at += 64 - at % 64) {
		unsigned int nr = min_t(unsigned int, 64 - at % 64,
					last - c->base - at);
		u64 bits = tw_scan_vma(vma, c->base + at, nr, true);

		young[at / 64] |= (unsigned long)bits << at % 64;
	}
	return true;
}

bool tw_scan_chunk(struct tw_region *r, struct tw_chunk *c,
		   unsigned long *young, bool again)
{
	struct address_space *mapping = r->inode->i_mapping;
	unsigned long last = c->base + TW_CHUNK_PAGES - 1;
	bool looked = false, sure = again || !(c->idle % TW_IDLE_SURE);
	struct vm_area_struct *vma;

	i_mmap_lock_read(mapping);
	for (vma = tw_vmas_iter_first(&mapping->i_mmap, c->base, last); vma;
	     vma = tw_vmas_iter_next(vma, c->base, last))
		looked |= tw_scan_chunk_vma(vma, c, sure, young);
	i_mmap_unlock_read(mapping);
	if (again)
		return looked;
	if (!bitmap_empty(young, TW_CHUNK_PAGES))
		c->idle = 0;
	else if (c->idle < U8_MAX)
		c->idle++;
	else
		c->idle = U8_MAX - TW_IDLE_SURE + 1;
	return looked;
}
