/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - the only place that knows differences between kernels
 *
 * Kbuild probes the headers and defines TW_HAVE_*; there are no version
 * numbers here.
 */
#ifndef _TW_COMPAT_H
#define _TW_COMPAT_H

#include <linux/mm.h>

/*
 * Hand the memcg charge of a page over to a fresh, uncharged one. Nobody else
 * looks at either: @from is frozen, @to not published.
 */
static inline void tw_page_move_charge(struct page *to, struct page *from)
{
#ifdef CONFIG_MEMCG
	swap(to->memcg_data, from->memcg_data);
#endif
}

#ifndef TW_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#endif
