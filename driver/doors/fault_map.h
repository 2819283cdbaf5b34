/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fault_map.h - a page in memory is mapped where it was touched
 */
#ifndef _TW_FAULT_MAP_H
#define _TW_FAULT_MAP_H

struct page;
struct tw_rec;
struct vm_fault;

/*
 * Maps the page whose record is locked: 0 when it is mapped, by whomever, or
 * -errno.
 */
int tw_fault_insert(struct vm_fault *vmf, struct page *page);
/* @rec's page is in memory and mapped: maps its neighbours as well. */
void tw_fault_around(struct vm_fault *vmf, struct tw_rec *rec);

#endif
