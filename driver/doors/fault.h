/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fault.h - page faults in mappings of regions
 */
#ifndef _TW_FAULT_H
#define _TW_FAULT_H

#include <linux/mm_types.h>

struct vm_fault;

vm_fault_t tw_region_fault(struct vm_fault *vmf);

#endif
