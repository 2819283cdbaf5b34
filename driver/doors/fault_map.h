/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fault_map.h - a page in memory is mapped where it was touched
 */
#ifndef _TW_FAULT_MAP_H
#define _TW_FAULT_MAP_H

#include <linux/mm.h>

struct tw_rec;

/* What vm_insert_page() called @err is looked at, and it is tried again. */
int tw_fault_insert_again(struct vm_fault *vmf, struct page *page, int err);

/*
 * Maps the page whose record is locked: 0 when it is mapped, by whomever, or
 * -errno.
 */
static inline int tw_fault_insert(struct vm_fault *vmf, struct page *page)
{
	int err = vm_insert_page(vmf->vma, vmf->address, page);

	return likely(!err) ? 0 : tw_fault_insert_again(vmf, page, err);
}

/* @rec's page is in memory and mapped: maps its neighbours as well. */
void tw_fault_around(struct vm_fault *vmf, struct tw_rec *rec);

#endif
