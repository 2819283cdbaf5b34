/* SPDX-License-Identifier: GPL-2.0 */
/*
 * table.h - looking at page tables
 *
 * It is not enough to keep the mapping for a table of the last level to stay:
 * kernels that reclaim such tables (from 6.14) take an empty one away in madvise(2),
 * under mmap_lock for reading or only a lock of the mapping, and free it after a
 * grace period. So tw_table_lock() enters RCU, reads the pmd once, takes the table's
 * lock, and looks at the pmd again. The levels above stay as long as the mapping,
 * which the caller keeps by mmap_lock or i_mmap_rwsem.
 *
 * Locks: RCU -> page table lock. region_accessed.c, fault_map.c and
 * attached/scan.c call it.
 */
#ifndef _TW_TABLE_H
#define _TW_TABLE_H

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "base/compat.h"

/* Whether the pmd points to a table. */
static inline bool tw_pmd_is_table(pmd_t pmd)
{
	return !pmd_none(pmd) && !pmd_leaf(pmd) && !pmd_bad(pmd);
}

/* Whether it maps 2 MiB itself. */
static inline bool tw_pmd_is_huge(pmd_t pmd)
{
	return pmd_present(pmd) && pmd_leaf(pmd);
}

static inline pte_t *__tw_table_lock(struct mm_struct *mm, pmd_t *pmd,
				     unsigned long addr, spinlock_t **ptl)
{
	pmd_t val;

	rcu_read_lock();
	val = READ_ONCE(*pmd);
	if (!tw_pmd_is_table(val))
		goto none;
	*ptl = pte_lockptr(mm, &val);
	spin_lock(*ptl);
	if (likely(pmd_same(val, READ_ONCE(*pmd)))) {
		/* Sparse learns from the macro below that they are held. */
		__release(*ptl);
		__release(RCU);
		return pte_offset_kernel(&val, addr);
	}
	spin_unlock(*ptl);
none:
	rcu_read_unlock();
	return NULL;
}

/*
 * Returns the entry of @addr, with its table's lock, stored in *@ptl, held until
 * tw_table_unlock(). NULL if there is no table; then nothing is locked.
 */
#define tw_table_lock(mm, pmd, addr, ptl)					\
({										\
	pte_t *__tw_pte;							\
										\
	(void)__cond_lock(RCU, __cond_lock(*(ptl),				\
			  __tw_pte = __tw_table_lock(mm, pmd, addr, ptl)));	\
	__tw_pte;								\
})

static inline void tw_table_unlock(spinlock_t *ptl)
{
	spin_unlock(ptl);
	rcu_read_unlock();
}

/* Like pte_present(), without its first step of finding the bits of the address. */
static __always_inline bool tw_pte_present(pte_t now)
{
#ifdef CONFIG_X86
	return now.pte & (_PAGE_PRESENT | _PAGE_PROTNONE);
#else
	return pte_present(now);
#endif
}

/* Clears the accessed bit. Returns whether it was set, as nobody knows without such bits. */
static __always_inline bool tw_pte_forget(pte_t *pte)
{
#ifdef CONFIG_X86
	return test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)&pte->pte);
#else
	return true;
#endif
}

/* Was any of the eight pages from @pte on touched? True where nobody knows. */
static __always_inline bool tw_ptes_young(pte_t *pte)
{
#ifdef CONFIG_X86
	/* Written out, since the compiler does not unroll such a loop. */
	return (READ_ONCE(pte[0]).pte | READ_ONCE(pte[1]).pte |
		READ_ONCE(pte[2]).pte | READ_ONCE(pte[3]).pte |
		READ_ONCE(pte[4]).pte | READ_ONCE(pte[5]).pte |
		READ_ONCE(pte[6]).pte | READ_ONCE(pte[7]).pte) & _PAGE_ACCESSED;
#else
	return true;
#endif
}

/* The entry of @addr in the last level but one, or NULL if there is no such level. */
static inline pmd_t *tw_walk_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud, val;

	/* READ_ONCE(), since faults may be filling them in. */
	if (pgd_none(READ_ONCE(*pgd)) || pgd_bad(READ_ONCE(*pgd)))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(READ_ONCE(*p4d)) || p4d_bad(READ_ONCE(*p4d)))
		return NULL;
	pud = pud_offset(p4d, addr);
	val = READ_ONCE(*pud);
	if (pud_none(val) || pud_leaf(val) || pud_bad(val))
		return NULL;
	return pmd_offset(pud, addr);
}

/*
 * Has any page of the table been touched since this was last asked? True where the
 * hardware does not note that. A CPU that has the pmd in its caches does not note it
 * again, so "no" is only a hint.
 */
static inline bool tw_table_young(pmd_t *pmd)
{
	if (!IS_ENABLED(CONFIG_ARCH_HAS_NONLEAF_PMD_YOUNG))
		return true;
#ifdef CONFIG_X86
	if (!(pmd_flags(READ_ONCE(*pmd)) & _PAGE_ACCESSED))
		return false;
	/* Cleared before the pages are looked at, so that later touches set it again. */
	return test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)pmd);
#else
	return true;
#endif
}

/*
 * The same of whatever the pmd is: nothing, which nobody touches; a table, whose bit is
 * cleared; or a page of 2 MiB, whose bit stays for the look at it.
 */
static inline bool tw_pmd_touched(pmd_t *pmd)
{
	pmd_t now = READ_ONCE(*pmd);

#ifdef CONFIG_X86
	/* The bit is at the same place in all of them; nearly always it is clear. */
	if (IS_ENABLED(CONFIG_ARCH_HAS_NONLEAF_PMD_YOUNG) && !(now.pmd & _PAGE_ACCESSED))
		return false;
#endif
	if (pmd_none(now))
		return false;
	return pmd_leaf(now) ? pmd_young(now) : tw_table_young(pmd);
}

#endif
