// SPDX-License-Identifier: GPL-2.0
/*
 * fault_map.c - a page in memory is mapped where it was touched, with its neighbours
 *
 * Owns nothing; called by the handler of faults (fault.c), under mmap_lock and with
 * the page's record locked, so that no mover can have it unmapped in between. The
 * neighbours' records are only tried.
 *
 * Locks: within those a page table lock, by the kernel or as table.h has it.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>

#include "base/compat.h"
#include "doors/fault_map.h"
#include "pages/frame.h"
#include "pages/record.h"
#include "pages/region_accessed.h"
#include "pages/table.h"
#include "policy/knobs.h"

/* Neighbours mapped along with a page that is in memory: an aligned window. */
#define TW_FAULT_AROUND	16

/* How often a page's entry may change under a fault before that gives up. */
#define TW_INSERT_TRIES	16

/*
 * Extends a run of pages to map from @idx in direction @dir: records locked,
 * pages in @pages. The peek only saves work, the insert looks again; RCU keeps
 * the table for it, should it be taken away just now (see table.h).
 */
static unsigned int tw_around_collect(struct vm_fault *vmf, struct tw_rec *rec,
				      unsigned int max, int dir,
				      struct page **pages)
{
	unsigned int n = 0;
	pmd_t pmd;

	rcu_read_lock();
	pmd = READ_ONCE(*vmf->pmd);
	if (!tw_pmd_is_table(pmd))
		goto out;
	for (n = 0; n < max; n++) {
		long step = (long)(n + 1) * dir;
		unsigned long addr = vmf->address + step * (long)PAGE_SIZE;
		struct tw_rec *near = rec + step;
		unsigned long w = tw_rec_w(near);

		if (tw_w_state(w) != TW_MEM ||
		    !pte_none(READ_ONCE(*pte_offset_kernel(&pmd, addr))) ||
		    !tw_rec_trylock_nested(near))
			break;
		w = tw_rec_w(near);
		if (tw_w_state(w) != TW_MEM || tw_page_bad(tw_w_page(w))) {
			tw_rec_unlock_nested(near);
			break;
		}
		tw_rec_set(near, w | TW_W_PREFAULT);
		pages[dir > 0 ? n : max - 1 - n] = tw_w_page(w);
	}
out:
	rcu_read_unlock();
	return n;
}

static void tw_around_dir(struct vm_fault *vmf, struct tw_rec *rec,
			  unsigned int max, int dir)
{
	struct page *pages[TW_FAULT_AROUND], **first = pages;
	unsigned long addr = vmf->address + PAGE_SIZE, left;
	unsigned int n;

	n = tw_around_collect(vmf, rec, max, dir, pages);
	if (!n)
		return;
	if (dir < 0) {
		first = pages + max - n;
		addr = vmf->address - n * PAGE_SIZE;
	}
	left = n;
	/* A neighbour that somebody else has mapped ends the run: no harm. */
	vm_insert_pages(vmf->vma, addr, first, &left);
	while (n) {
		tw_rec_unlock_nested(rec + (long)n * dir);
		n--;
	}
}

/* Does the scanner take pages to be touched when they are mapped there? */
static bool tw_fault_tells(const struct vm_area_struct *vma)
{
	return READ_ONCE(tw_knobs.mode) & TW_POLICY_UNMAP ||
	       !tw_accessed_tells(vma);
}

void tw_fault_around(struct vm_fault *vmf, struct tw_rec *rec)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long in_vma = (vmf->address - vma->vm_start) >> PAGE_SHIFT;
	unsigned long behind = (vma->vm_end - vmf->address) >> PAGE_SHIFT;
	unsigned long in_table = pte_index(vmf->address);
	unsigned long pos = vmf->pgoff & (TW_FAULT_AROUND - 1);
	unsigned long before = min3(pos, in_vma, in_table);
	unsigned long after = min3(TW_FAULT_AROUND - 1 - pos, behind - 1,
				   PTRS_PER_PTE - 1 - in_table);

	if (READ_ONCE(tw_scanning) && tw_fault_tells(vma))
		return;		/* being mapped means to have been touched */
	if (after)
		tw_around_dir(vmf, rec, after, 1);
	if (before)
		tw_around_dir(vmf, rec, before, -1);
}

/*
 * Something is in the page's entry: 0 when it is the page, as it is when two
 * have touched it at once; -EAGAIN when the entry is free now. A marker that
 * userfaultfd has left there (writes are tracked) is not a mapping: it goes, and
 * the page counts as written, which is what a touch of it would say. Nothing
 * else comes to a fault; better an error than the same touch for ever.
 */
static int tw_fault_occupied(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	int err = -EAGAIN;
	spinlock_t *ptl;
	pte_t *pte, now;

	pte = tw_table_lock(vma->vm_mm, vmf->pmd, vmf->address, &ptl);
	if (!pte)
		return -EAGAIN;
	now = READ_ONCE(*pte);
	if (pte_present(now))
		err = 0;
	else if (tw_pte_is_marker(now))
		pte_clear(vma->vm_mm, vmf->address, pte);
	else if (!pte_none(now))
		err = -EFAULT;
	tw_table_unlock(ptl);
	return err;
}

/* The table may be taken away each time just before the entry is set: -ENOMEM. */
int tw_fault_insert_again(struct vm_fault *vmf, struct page *page, int err)
{
	unsigned int try;

	for (try = 1;; try++) {
		if (err == -EBUSY)
			err = tw_fault_occupied(vmf);
		if ((err != -EAGAIN && err != -ENOMEM) || try == TW_INSERT_TRIES)
			return err;
		err = vm_insert_page(vmf->vma, vmf->address, page);
	}
}
