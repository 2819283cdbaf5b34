/* SPDX-License-Identifier: GPL-2.0 */
/*
 * entries.h - arrays of structs in the caller's memory
 *
 * A caller says how large one of its structs is, since it may have an older or
 * a newer header than the driver: what it lacks is read as zero and not written,
 * what it has more must read as zero and is written as zero.
 */
#ifndef _TW_ENTRIES_H
#define _TW_ENTRIES_H

#include <linux/types.h>

/*
 * The size of an entry: 0; -EINVAL below @min, the first that was published;
 * -E2BIG above a page.
 */
int tw_entry_check(u32 size, u32 min);
/* Entry @i of @array: 0, -EFAULT, -E2BIG (it wants what is not known here). */
int tw_entry_read(void *to, size_t ksize, u64 array, u32 i, u32 size);
/* The same back again: 0 or -EFAULT. */
int tw_entry_write(u64 array, u32 i, u32 size, const void *from, size_t ksize);

#endif
