// SPDX-License-Identifier: GPL-2.0
/*
 * scan.c - where the pages of an attached program are, and which are touched
 *
 * Owns the records of attachments, and what the scanner counts in them. It is called by
 * the scanner's thread only, by way of struct tw_space_ops.
 *
 * It looks at mappings of private anonymous memory, and walks their page tables by
 * hand, since the helpers are not exported. mmap_lock, held for reading, keeps the
 * mappings, and with a mapping the tables above the last level, see table.h. Where no
 * mapping is, no table may be looked at: munmap(2) frees them with the lock held for
 * reading only. The lock is only trylocked, since the program may hold it for long; what
 * could not be looked at is left out of the scan.
 *
 * Accessed bits are cleared, and the kernel's own reclaim goes by them. So what they
 * said is left with the page in the way that reclaim asks for (tw_keep_young()). TLBs
 * are not flushed, as the kernel's own aging does not on x86.
 *
 * Locks: mmap_lock -> page table lock -> record (trylocked).
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/page_idle.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>

#include "attached/attachment.h"
#include "pages/heat.h"
#include "pages/record.h"
#include "pages/table.h"
#include "swap/device.h"
#include "tiers/nodes.h"

/* How many tables are looked for, and how many chunks made, between two pauses. */
#define TW_FIND_LOOK	8192
#define TW_FIND_MAKE	64

static bool tw_watches(struct vm_area_struct *vma)
{
	return vma_is_anonymous(vma) &&
	       !(vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB));
}

/* -- which chunks there are ------------------------------------------------------ */

/**
 * struct tw_find - a search for page tables that have no chunk yet
 * @a: the attachment
 * @at: address where it goes on
 * @look: how many tables it may still look at
 * @nr: how many it has found
 * @idx: the first page of each
 */
struct tw_find {
	struct tw_attachment *a;
	unsigned long at;
	unsigned int look;
	unsigned int nr;
	unsigned long idx[TW_FIND_MAKE];
};

/*
 * The address of the next table or huge page from @addr on, or @end. All of it is one
 * mapping. Upper levels that are empty are passed over as a whole, since programs
 * reserve much more than they ever touch.
 */
static unsigned long tw_next_table(struct tw_find *f, unsigned long addr,
				   unsigned long end)
{
	for (; addr < end && f->look; f->look--) {
		pgd_t *pgd = pgd_offset(f->a->mm, addr);
		p4d_t *p4d;
		pud_t *pud;
		pmd_t *pmd;

		if (pgd_none(READ_ONCE(*pgd)) || pgd_bad(READ_ONCE(*pgd))) {
			addr = pgd_addr_end(addr, end);
			continue;
		}
		p4d = p4d_offset(pgd, addr);
		if (p4d_none(READ_ONCE(*p4d)) || p4d_bad(READ_ONCE(*p4d))) {
			addr = p4d_addr_end(addr, end);
			continue;
		}
		pud = pud_offset(p4d, addr);
		if (pud_none(READ_ONCE(*pud)) || pud_leaf(READ_ONCE(*pud)) ||
		    pud_bad(READ_ONCE(*pud))) {
			addr = pud_addr_end(addr, end);
			continue;
		}
		pmd = pmd_offset(pud, addr);
		if (!pmd_none(READ_ONCE(*pmd)))
			break;
		addr = pmd_addr_end(addr, end);
	}
	return addr;
}

/* Looks through a mapping from ->at on. False when it has to pause before the end. */
static bool tw_find_in(struct tw_find *f, struct vm_area_struct *vma)
{
	unsigned long addr = max(f->at, READ_ONCE(vma->vm_start));
	unsigned long end = vma->vm_end;

	while (addr < end && f->look && f->nr < TW_FIND_MAKE) {
		addr = tw_next_table(f, addr, end);
		if (addr >= end || !f->look)
			break;
		if (!tw_chunk_find(&f->a->space, addr >> PAGE_SHIFT))
			f->idx[f->nr++] = addr >> PAGE_SHIFT;
		addr = pmd_addr_end(addr, end);
		f->look--;
	}
	f->at = addr;
	return addr >= end;
}

/* Looks for tables until it has to pause; true if there may be more behind ->at. */
static bool tw_find_some(struct tw_find *f)
{
	struct vm_area_struct *vma;

	lockdep_assert_held_read(&f->a->mm->mmap_lock);
	f->look = TW_FIND_LOOK;
	f->nr = 0;
	while ((vma = find_vma(f->a->mm, f->at)) && f->look) {
		if (vma->vm_end >> PAGE_SHIFT > f->a->space.nr_pages)
			return false;
		if (!tw_watches(vma))
			f->at = vma->vm_end;
		else if (!tw_find_in(f, vma))
			return true;
		f->look -= !!f->look;
	}
	return vma;
}

/* Makes chunks for what was found. False if there are no records for all of it. */
static bool tw_find_make(struct tw_find *f)
{
	unsigned int i;

	for (i = 0; i < f->nr; i++)
		if (IS_ERR(tw_chunk_make(&f->a->space, f->idx[i], TW_GFP_CHUNK)))
			return false;
	return true;
}

/* Notes which nodes are in which tiers, on which the places of pages depend. */
static void tw_attached_place(struct tw_attachment *a)
{
	bool changed = false;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		u8 tier = tw_node_tier(nid);

		changed |= a->tiers[nid] != tier;
		a->tiers[nid] = tier;
	}
	if (changed)
		a->placing++;
}

void tw_attached_find(struct tw_space *sp)
{
	struct tw_attachment *a = tw_attached_of(sp);
	struct tw_find f = { .a = a };
	u32 state = mm_has_notifiers(a->mm) ? TW_ATTACHED_BLIND : 0;
	bool more = true;

	tw_attached_place(a);
	while (more && mmget_not_zero(a->mm)) {
		more = false;
		if (mmap_read_trylock(a->mm)) {
			more = tw_find_some(&f);
			mmap_read_unlock(a->mm);
			if (!tw_find_make(&f)) {
				state |= TW_ATTACHED_PARTLY;
				more = false;
			}
		}
		mmput_async(a->mm);
		cond_resched();
	}
	WRITE_ONCE(a->state, state);
	WRITE_ONCE(a->scans, a->scans + 1);
}

/* -- the pages of a chunk ---------------------------------------------------------- */

/**
 * struct tw_visit - a chunk that is being looked at
 * @a: the attachment
 * @c: the chunk
 * @young: the pages that were touched
 * @sure: each page is to be looked at
 * @look: so it is because the bit of the table was set, which asking has cleared. The
 *	table may have parts of several mappings
 * @looked: whether pages were looked at
 * @missed: something was not noted: a table went just then, or a record was locked
 */
struct tw_visit {
	struct tw_attachment *a;
	struct tw_chunk *c;
	unsigned long *young;
	bool sure;
	bool look;
	bool looked;
	bool missed;
};

/*
 * Leaves with a page that it was touched, for the kernel's own reclaim. Where pages have
 * a flag for that, reclaim asks for it before it takes a page, when it asks for the
 * accessed bits. Elsewhere the page is moved among the active ones: a page that reclaim
 * finds inactive, and untouched, would go. That is more than reclaim would have made of
 * a single touch. (A kernel without the flag whose LRU has generations counts it as a
 * use, which is less. Debian's 6.1 has neither by default.) Called with the page table
 * locked, which keeps the page.
 */
static void tw_keep_young(struct folio *folio)
{
	if (IS_ENABLED(CONFIG_PAGE_IDLE_FLAG)) {
		folio_set_young(folio);
		return;
	}
	if (folio_test_active(folio) || folio_test_unevictable(folio))
		return;
	if (!folio_test_referenced(folio))
		folio_mark_accessed(folio);
	folio_mark_accessed(folio);
}

/* Counts @n pages like the one of @rec. */
static void tw_visit_count(struct tw_attachment *a, const struct tw_rec *rec, int n)
{
	unsigned long w = tw_rec_w(rec);
	u8 aux = READ_ONCE(rec->aux);
	int tier = tw_w_tier(w);

	if (tw_w_state(w) == TW_FOREIGN)
		WRITE_ONCE(a->pages[tier], a->pages[tier] + n);
	if (aux & TW_AUX_ELSEWHERE)
		WRITE_ONCE(a->elsewhere, a->elsewhere + n);
	if (aux & TW_AUX_SWAPPED)
		WRITE_ONCE(a->swapped, a->swapped + n);
}

/*
 * Notes where a page is now. A call that names it by number may hold its record for a
 * moment; then the next look notes it.
 */
static noinline void tw_visit_set(struct tw_visit *v, struct tw_rec *rec,
				  unsigned long w, u8 aux)
{
	unsigned int heat = READ_ONCE(rec->heat);

	if (!tw_rec_trylock_nested(rec)) {
		v->missed = true;
		return;
	}
	tw_visit_count(v->a, rec, -1);
	tw_rec_set(rec, w);
	WRITE_ONCE(rec->aux, aux);
	tw_visit_count(v->a, rec, 1);
	if (!w && !aux) {
		WRITE_ONCE(rec->heat, 0);
		WRITE_ONCE(rec->age, 0);
	}
	tw_rec_unlock_nested(rec);
	tw_chunk_changed(v->c);
	if (w && heat)
		tw_heat_banded(tw_space_page(&v->a->space,
					     v->c->base + (rec - v->c->rec)),
			       tw_w_tier(w), heat);
}

/* Notes that @nr pages from the chunk's @i-th on are not there. */
static void tw_visit_gone(struct tw_visit *v, unsigned int i, unsigned int nr)
{
	struct tw_rec *rec = &v->c->rec[i];

	for (; nr; nr--, rec++)
		if (tw_w_state(tw_rec_w(rec)) || READ_ONCE(rec->aux))
			tw_visit_set(v, rec, tw_w_make(TW_NONE, 0), 0);
}

/* Notes that a page is in frame @pfn. The page table is locked. */
static __always_inline void tw_visit_here(struct tw_visit *v, struct tw_rec *rec,
					  unsigned long pfn)
{
	unsigned long w = tw_rec_w(rec);
	int tier;

	if (likely(tw_w_state(w) == TW_FOREIGN && w >> TW_W_PFN_SHIFT == pfn &&
		   v->c->placed == v->a->placing))
		return;
	tier = v->a->tiers[tw_page_nid(pfn_to_page(pfn))];
	if (tier != TW_TIER_NONE)
		tw_visit_set(v, rec, tw_w_make(TW_FOREIGN, tier) |
			     pfn << TW_W_PFN_SHIFT, 0);
	else if (READ_ONCE(rec->aux) != TW_AUX_ELSEWHERE)
		tw_visit_set(v, rec, tw_w_make(TW_NONE, 0), TW_AUX_ELSEWHERE);
}

/* Notes that a page is swapped out: to a store by the swap device, or elsewhere. */
static void tw_visit_swapped(struct tw_visit *v, struct tw_rec *rec, swp_entry_t at)
{
	const unsigned long mask = TW_W_STATE_MASK | TW_W_TIER_MASK;
	int tier = tw_swap_place(__swp_type(at), __swp_offset(at));
	unsigned long w = tier == TW_TIER_NONE ? tw_w_make(TW_NONE, 0) :
			  tw_w_make(TW_FOREIGN, tier);

	if ((tw_rec_w(rec) & mask) != w || READ_ONCE(rec->aux) != TW_AUX_SWAPPED)
		tw_visit_set(v, rec, w, TW_AUX_SWAPPED);
}

/* Looks at the entry of a page that is not present. */
static void tw_visit_absent(struct tw_visit *v, unsigned int i, pte_t now)
{
	swp_entry_t at = __pte_to_swp_entry(now);
	unsigned int type = __swp_type(at);

	/* On its way between two frames: its old one will do for now. */
	if (!pte_none(now) && type >= SWP_MIGRATION_READ && type <= SWP_MIGRATION_WRITE)
		return;
	if (!pte_none(now) && type < MAX_SWAPFILES)
		tw_visit_swapped(v, &v->c->rec[i], at);
	else
		tw_visit_gone(v, i, 1);
}

/* Looks at @nr entries of a locked table, from @pte on, the chunk's @i-th. */
static void tw_visit_ptes(struct tw_visit *v, pte_t *pte, unsigned int i,
			  unsigned int nr)
{
	for (; nr; nr--, i++, pte++) {
		struct tw_rec *rec = &v->c->rec[i];
		pte_t now = READ_ONCE(*pte);

		if (!tw_pte_present(now)) {
			tw_visit_absent(v, i, now);
			continue;
		}
		/* A page of zeros, which all programs share, is nobody's. */
		if (pte_special(now)) {
			tw_visit_gone(v, i, 1);
			continue;
		}
		tw_visit_here(v, rec, pte_pfn(now));
		if (pte_young(now) && tw_pte_forget(pte)) {
			__set_bit(i, v->young);
			tw_keep_young(page_folio(pfn_to_page(pte_pfn(now))));
		}
	}
}

/* Looks at a page of 2 MiB. True if there was one. */
static bool tw_visit_huge(struct tw_visit *v, pmd_t *pmd)
{
	spinlock_t *ptl = pmd_lock(v->a->mm, pmd);
	pmd_t now = READ_ONCE(*pmd);
	bool huge = pmd_present(now) && pmd_trans_huge(now);
	struct folio *folio;
	unsigned int i;

	if (!huge)
		goto unlock;
	folio = page_folio(pfn_to_page(pmd_pfn(now)));
	if (!folio_test_anon(folio)) {	/* the huge page of zeros is nobody's */
		tw_visit_gone(v, 0, TW_CHUNK_PAGES);
		goto unlock;
	}
	for (i = 0; i < TW_CHUNK_PAGES; i++)
		tw_visit_here(v, &v->c->rec[i], pmd_pfn(now) + i);
	if (pmd_young(now) && tw_pte_forget((pte_t *)pmd)) {
		bitmap_fill(v->young, TW_CHUNK_PAGES);
		tw_keep_young(folio);
	}
unlock:
	spin_unlock(ptl);
	return huge;
}

/* Looks at the part [@addr, @end) of the chunk, all in one mapping that is watched. */
static void tw_visit_part(struct tw_visit *v, unsigned long addr, unsigned long end)
{
	unsigned int i = (addr >> PAGE_SHIFT) - v->c->base;
	unsigned int nr = (end - addr) >> PAGE_SHIFT;
	pmd_t *pmd = tw_walk_pmd(v->a->mm, addr);
	pmd_t val = pmd ? READ_ONCE(*pmd) : __pmd(0);
	bool huge = pmd_present(val) && pmd_trans_huge(val);
	spinlock_t *ptl;
	pte_t *pte;

	if (!pmd || pmd_none(val)) {
		tw_visit_gone(v, i, nr);
		v->looked = true;
		return;
	}
	/* The bit of a huge page is the page's own, and is not to be cleared here. */
	if (huge ? pmd_young(val) : tw_table_young(pmd))
		v->look = true;
	if (!v->look && !v->sure)
		return;
	v->looked = true;
	if (huge && nr == TW_CHUNK_PAGES && tw_visit_huge(v, pmd))
		return;
	pte = tw_table_lock(v->a->mm, pmd, addr, &ptl);
	if (!pte) {
		v->missed = true;
		return;
	}
	tw_visit_ptes(v, pte, i, nr);
	tw_table_unlock(ptl);
}

static void tw_visit_chunk(struct tw_visit *v)
{
	unsigned long addr = v->c->base << PAGE_SHIFT;
	unsigned long end = addr + (TW_CHUNK_PAGES << PAGE_SHIFT), next;

	for (; addr < end; addr = next) {
		unsigned int i = (addr >> PAGE_SHIFT) - v->c->base;
		struct vm_area_struct *vma = find_vma(v->a->mm, addr);
		/* A stack may grow meanwhile, with the lock held for reading. */
		unsigned long start = vma ? READ_ONCE(vma->vm_start) : end;

		if (start > addr) {
			next = min(start, end);
			tw_visit_gone(v, i, (next - addr) >> PAGE_SHIFT);
			continue;
		}
		next = min(vma->vm_end, end);
		if (tw_watches(vma))
			tw_visit_part(v, addr, next);
		else
			tw_visit_gone(v, i, (next - addr) >> PAGE_SHIFT);
	}
}

int tw_attached_scan(struct tw_space *sp, struct tw_chunk *c, unsigned int how,
		     unsigned long *young)
{
	struct tw_attachment *a = tw_attached_of(sp);
	struct tw_visit v = {
		.a = a,
		.c = c,
		.young = young,
		.sure = how & TW_LOOK_SURE || c->placed != a->placing,
	};
	int ret = -EAGAIN;

	if (!mmget_not_zero(a->mm))
		return ret;
	if (mmap_read_trylock(a->mm)) {
		tw_visit_chunk(&v);
		mmap_read_unlock(a->mm);
		if (v.sure && !v.missed)
			c->placed = a->placing;
		ret = v.looked;
	}
	mmput_async(a->mm);
	return ret;
}
