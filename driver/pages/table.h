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
 * Locks: RCU -> page table lock. region_accessed.c and fault_map.c call it.
 */
#ifndef _TW_TABLE_H
#define _TW_TABLE_H

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

/* Whether the pmd points to a table. */
static inline bool tw_pmd_is_table(pmd_t pmd)
{
	return !pmd_none(pmd) && !pmd_leaf(pmd) && !pmd_bad(pmd);
}

/*
 * Returns the entry of @addr, with its table's lock, stored in *@ptl, held until
 * tw_table_unlock(). NULL if there is no table; then nothing is locked.
 */
static inline pte_t *tw_table_lock(struct mm_struct *mm, pmd_t *pmd,
				   unsigned long addr, spinlock_t **ptl)
{
	pmd_t val;

	rcu_read_lock();
	val = READ_ONCE(*pmd);
	if (!tw_pmd_is_table(val))
		goto none;
	*ptl = pte_lockptr(mm, &val);
	spin_lock(*ptl);
	if (likely(pmd_same(val, READ_ONCE(*pmd))))
		return pte_offset_kernel(&val, addr);
	spin_unlock(*ptl);
none:
	rcu_read_unlock();
	return NULL;
}

static inline void tw_table_unlock(spinlock_t *ptl)
{
	spin_unlock(ptl);
	rcu_read_unlock();
}

#endif
