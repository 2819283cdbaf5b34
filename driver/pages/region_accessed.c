// SPDX-License-Identifier: GPL-2.0
/*
 * region_accessed.c - which pages of a region have been touched: accessed bits
 *
 * Owns nothing. It is three of the region's struct tw_space_ops (region.c), which the
 * scanner and sweeps call. It walks the page tables of every mapping of a range by
 * hand, since the helpers are not exported. i_mmap_rwsem, held for reading, keeps
 * the mappings and their tables, except those of the last level, see table.h; each
 * level is checked for none and bad. TLBs are not flushed, as the kernel's own
 * aging does not on x86: a page that stays in a TLB may look untouched for a while.
 *
 * Accessed bits are not used on other architectures than x86, or where they do not
 * tell of all touches (the mm has notifiers, since a virtual machine has tables of
 * its own, say), or when the caller says so. Then a page counts as touched when it is
 * mapped, and the scan unmaps it, so that the next touch is a fault that maps it again.
 *
 * Locks: i_mmap_rwsem -> page table lock. Called without any record lock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pgtable.h>

#include "pages/record.h"
#include "pages/region_accessed.h"
#include "pages/space.h"
#include "pages/table.h"

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

enum tw_how {
	TW_PEEK,	/* by accessed bits, which stay as they are */
	TW_FORGET,	/* by accessed bits, which are cleared */
	TW_MAPPED,	/* by whether the page is mapped */
};

static __always_inline bool tw_pte_young(pte_t *pte, pte_t now, enum tw_how how)
{
	if (how == TW_MAPPED)
		return true;
#ifdef CONFIG_X86
	if (!(now.pte & _PAGE_ACCESSED))
		return false;
	return how == TW_PEEK || tw_pte_forget(pte);
#else
	return true;	/* it is not known, so the page counts as touched */
#endif
}

/* A bit for each page: @young if touched, @dirty if its entry says it was written to. */
struct tw_bits {
	u64 young;
	u64 dirty;
};

/* Looks at @nr <= 64 entries of a locked table, from @pte on, which has bit 0. */
static __always_inline struct tw_bits tw_look_ptes(pte_t *pte, unsigned int nr,
						   enum tw_how how)
{
	struct tw_bits found = { 0 };
	u64 bit = 1;

	for (; nr; nr--, pte++, bit <<= 1) {
		pte_t now = READ_ONCE(*pte);

		if (!tw_pte_present(now))
			continue;
		if (tw_pte_young(pte, now, how))
			found.young |= bit;
		if (pte_dirty(now))
			found.dirty |= bit;
	}
	return found;
}

/*
 * Looks at an entry of 2 MiB; of @nr of its pages, from @addr on, the first has bit @at.
 * Its one bit is forgotten with the last page, so that a caller that goes through all
 * the pages, some at a time, finds all of them touched. They are always taken to be
 * written to.
 */
static void tw_look_huge(pmd_t *pmd, unsigned long addr, unsigned int nr,
			 enum tw_how how, unsigned int at, struct tw_bits *found)
{
	u64 bits = (nr == 64 ? ~0ULL : BIT_ULL(nr) - 1) << at;
	bool last = !((addr + nr * PAGE_SIZE) & ~PMD_MASK);

	found->dirty |= bits;
	if (how == TW_MAPPED || (how == TW_FORGET && last ? tw_table_young(pmd) :
				 pmd_young(READ_ONCE(*pmd))))
		found->young |= bits;
}

/* Looks at @nr pages from @addr on, all in one page table; the first has bit @at. */
static void tw_walk_table(struct mm_struct *mm, unsigned long addr,
			  unsigned int nr, enum tw_how how, unsigned int at,
			  struct tw_bits *found)
{
	pmd_t *pmd = tw_walk_pmd(mm, addr);
	struct tw_bits bits;
	spinlock_t *ptl;
	pte_t *pte;

	if (pmd && tw_pmd_is_huge(READ_ONCE(*pmd))) {
		tw_look_huge(pmd, addr, nr, how, at, found);
		return;
	}
	pte = pmd ? tw_table_lock(mm, pmd, addr, &ptl) : NULL;
	if (!pte)
		return;
	bits = tw_look_ptes(pte, nr, how);
	tw_table_unlock(ptl);
	found->young |= bits.young << at;
	found->dirty |= bits.dirty << at;
}

static void tw_scan_vma(struct vm_area_struct *vma, unsigned long idx,
			unsigned int nr, enum tw_how how, struct tw_bits *found)
{
	unsigned long first = max(idx, vma->vm_pgoff);
	unsigned long last = min(idx + nr, vma->vm_pgoff + vma_pages(vma));
	unsigned long addr, end, next;

	if (first >= last)
		return;
	addr = vma->vm_start + ((first - vma->vm_pgoff) << PAGE_SHIFT);
	end = vma->vm_start + ((last - vma->vm_pgoff) << PAGE_SHIFT);
	for (; addr < end; addr = next) {
		unsigned long at = vma->vm_pgoff +
				   ((addr - vma->vm_start) >> PAGE_SHIFT);

		next = pmd_addr_end(addr, end);
		tw_walk_table(vma->vm_mm, addr, (next - addr) >> PAGE_SHIFT, how,
			      at - idx, found);
	}
}

u64 tw_region_young(struct tw_space *sp, unsigned long idx, unsigned int nr,
		    bool forget, u64 *dirty)
{
	struct address_space *mapping = sp->mapping;
	struct tw_bits found = { 0 };
	struct vm_area_struct *vma;

	i_mmap_lock_read(mapping);
	for (vma = tw_vmas_iter_first(&mapping->i_mmap, idx, idx + nr - 1); vma;
	     vma = tw_vmas_iter_next(vma, idx, idx + nr - 1))
		tw_scan_vma(vma, idx, nr, forget ? TW_FORGET : TW_PEEK, &found);
	i_mmap_unlock_read(mapping);
	*dirty = found.dirty;
	return found.young;
}

/* -- a chunk at once --------------------------------------------------------- */

bool tw_accessed_tells(const struct vm_area_struct *vma)
{
	return IS_ENABLED(CONFIG_X86) && !mm_has_notifiers(vma->vm_mm);
}

/*
 * Looks at 64 entries of a locked table and forgets the touches. Most often none of
 * them was touched, which eight at a time tell.
 */
static __always_inline u64 tw_forget_ptes(pte_t *pte)
{
	unsigned int i, j;
	u64 young = 0;

	for (i = 0; i < 64; i += 8) {
		if (!tw_ptes_young(pte + i))
			continue;
		for (j = i; j < i + 8; j++) {
			pte_t now = READ_ONCE(pte[j]);

			if (tw_pte_present(now) && tw_pte_young(pte + j, now, TW_FORGET))
				young |= BIT_ULL(j);
		}
	}
	return young;
}

/* Looks at a whole chunk that fills one table; @pmd is that of @addr. */
static void tw_scan_table(struct mm_struct *mm, pmd_t *pmd, unsigned long addr,
			  unsigned long *young)
{
	spinlock_t *ptl;
	pte_t *pte = tw_table_lock(mm, pmd, addr, &ptl);
	unsigned int at;

	if (!pte)
		return;
	for (at = 0; at < TW_CHUNK_PAGES; at += 64, pte += 64)
		young[at / 64] |= tw_forget_ptes(pte);
	tw_table_unlock(ptl);
}

/*
 * Looks at the part of chunk @c that is mapped by @vma. False if it was not looked at.
 * Adds to @unmap the pages that have to be unmapped for the next look to see a touch.
 */
static bool tw_scan_chunk_vma(struct vm_area_struct *vma, struct tw_chunk *c,
			      unsigned int look, unsigned long *young,
			      unsigned long *unmap)
{
	enum tw_how how = look & TW_LOOK_MAPPED || !tw_accessed_tells(vma) ?
			  TW_MAPPED : TW_FORGET;
	unsigned long first = max(c->base, vma->vm_pgoff);
	unsigned long last = min(c->base + TW_CHUNK_PAGES,
				 vma->vm_pgoff + vma_pages(vma));
	unsigned long addr = vma->vm_start + ((first - vma->vm_pgoff) << PAGE_SHIFT);
	bool huge, touched;
	unsigned int at;
	pmd_t *pmd;

	if (first >= last)
		return false;
	/* Is it one whole table of this mapping, whose bit tells of all touches? */
	pmd = how == TW_FORGET && last - first == PTRS_PER_PTE &&
	      !(addr & ~PMD_MASK) ? tw_walk_pmd(vma->vm_mm, addr) : NULL;
	huge = pmd && tw_pmd_is_huge(READ_ONCE(*pmd));
	touched = !pmd || !pmd_present(READ_ONCE(*pmd)) || tw_table_young(pmd);
	if (!touched && !(look & TW_LOOK_SURE))
		return false;
	if (huge) {
		/*
		 * An entry of 2 MiB may stay in a TLB for as long as it is used, and be
		 * used without its bit. To be sure it is unmapped: the next touch is a
		 * fault, which counts, and what is not touched stays unmapped.
		 */
		bitmap_fill(touched ? young : unmap, TW_CHUNK_PAGES);
		return true;
	}
	if (pmd) {
		tw_scan_table(vma->vm_mm, pmd, addr, young);
		return true;
	}
	for (at = first - c->base; at < last - c->base; at += 64 - at % 64) {
		unsigned int nr = min_t(unsigned int, 64 - at % 64,
					last - c->base - at);
		struct tw_bits found = { 0 };

		tw_scan_vma(vma, c->base + at, nr, how, &found);
		young[at / 64] |= found.young << at % 64;
		if (how == TW_MAPPED)
			unmap[at / 64] |= found.young << at % 64;
	}
	return true;
}

static void tw_scan_unmap(struct address_space *mapping, struct tw_chunk *c,
			  const unsigned long *unmap)
{
	unsigned int start, end;

	for_each_set_bitrange(start, end, unmap, TW_CHUNK_PAGES)
		unmap_mapping_pages(mapping, c->base + start, end - start, false);
}

int tw_region_scan(struct tw_space *sp, struct tw_chunk *c, unsigned int how,
		   unsigned long *young)
{
	DECLARE_BITMAP(unmap, TW_CHUNK_PAGES) = { 0 };
	struct address_space *mapping = sp->mapping;
	unsigned long last = c->base + TW_CHUNK_PAGES - 1;
	struct vm_area_struct *vma;
	bool looked = false;

	i_mmap_lock_read(mapping);
	for (vma = tw_vmas_iter_first(&mapping->i_mmap, c->base, last); vma;
	     vma = tw_vmas_iter_next(vma, c->base, last))
		looked |= tw_scan_chunk_vma(vma, c, how, young, unmap);
	i_mmap_unlock_read(mapping);
	if (looked && !(how & TW_LOOK_AGAIN))
		tw_scan_unmap(mapping, c, unmap);
	return looked;
}

/* -- many chunks at once --------------------------------------------------------- */

/* Do the pages of a chunk fill one table wherever @vma maps all of them? */
static bool tw_vma_aligned(const struct vm_area_struct *vma)
{
	unsigned long from = vma->vm_start - (vma->vm_pgoff << PAGE_SHIFT);
	unsigned int pages = PTRS_PER_PTE;

	return pages == TW_CHUNK_PAGES && !(from & ~PMD_MASK);
}

/* tw_region_touched() as far as @vma tells. */
static u64 tw_vma_touched(struct vm_area_struct *vma, struct tw_chunk *const *c,
			  u64 which)
{
	const bool tells = tw_accessed_tells(vma) && tw_vma_aligned(vma);
	const unsigned long first = vma->vm_pgoff, last = tw_vma_last(vma);
	unsigned long upper = 1;	/* of no address */
	pmd_t *pmds = NULL;
	u64 touched = 0;

	for (; which; which &= which - 1) {
		unsigned int i = __ffs64(which);
		unsigned long base = c[i]->base, addr;

		if (base > last || base + TW_CHUNK_PAGES <= first)
			continue;
		if (!tells || base < first || base + TW_CHUNK_PAGES - 1 > last) {
			touched |= BIT_ULL(i);
			continue;
		}
		addr = vma->vm_start + ((base - first) << PAGE_SHIFT);
		if ((addr & PUD_MASK) != upper) {
			upper = addr & PUD_MASK;
			pmds = tw_walk_pmd(vma->vm_mm, upper);
		}
		if (pmds && tw_pmd_touched(&pmds[pmd_index(addr)]))
			touched |= BIT_ULL(i);
	}
	return touched;
}

u64 tw_region_touched(struct tw_space *sp, struct tw_chunk *const *c, u64 which)
{
	unsigned long first = c[__ffs64(which)]->base;
	unsigned long last = c[__fls(which)]->base + TW_CHUNK_PAGES - 1;
	struct address_space *mapping = sp->mapping;
	struct vm_area_struct *vma;
	u64 touched = 0;

	i_mmap_lock_read(mapping);
	for (vma = tw_vmas_iter_first(&mapping->i_mmap, first, last);
	     vma && which & ~touched;
	     vma = tw_vmas_iter_next(vma, first, last))
		touched |= tw_vma_touched(vma, c, which & ~touched);
	i_mmap_unlock_read(mapping);
	return touched;
}
