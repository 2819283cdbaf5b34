/* SPDX-License-Identifier: GPL-2.0 */
/*
 * table.h - looking at page tables
 *
 * A table of the last level may be freed under whoever only keeps the mapping
 * from going: kernels that reclaim them (from 6.14) take an empty one away in
 * madvise(2), under mmap_lock read or a lock of the mapping alone, and free it
 * after a grace period. So: RCU first, the pmd read once, the table's lock, and
 * the pmd looked at again. The levels above stay as long as the mapping, which
 * the caller keeps by mmap_lock or i_mmap_rwsem.
 *
 * Locks: RCU -> page table lock.
 */
#ifndef _TW_TABLE_H
#define _TW_TABLE_H

#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

/* The pmd points to a table. */
static inline bool tw_pmd_is_table(pmd_t pmd)
{
	return !pmd_none(pmd) && !pmd_leaf(pmd) && !pmd_bad(pmd);
}

/*
 * The entry of @addr, its table locked in *@ptl until tw_table_unlock(). NULL:
 * there is no table, nothing is locked.
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
