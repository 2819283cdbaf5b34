/* SPDX-License-Identifier: GPL-2.0 */
/*
 * entries.h - arrays of structs in the caller's memory
 *
 * A caller passes the size of its struct, since it may have been built with an
 * older or a newer header than the driver. Members that only the driver knows are
 * read as zero and not written. Members that only the caller knows must be zero
 * and are written as zero.
 */
#ifndef _TW_ENTRIES_H
#define _TW_ENTRIES_H

#include <linux/types.h>

/*
 * Checks the caller's size of an entry, in bytes: 0, -EINVAL if it is below @min,
 * the first size that was published, or -E2BIG if it is above PAGE_SIZE.
 */
int tw_entry_check(u32 size, u32 min);
/*
 * Copies entry @i of the user's @array in, where each entry has @size bytes. Returns
 * 0, -EFAULT, or -E2BIG if a member that the driver does not know is not zero.
 */
int tw_entry_read(void *to, size_t ksize, u64 array, u32 i, u32 size);
/* Copies @from to entry @i of the user's @array. Returns 0 or -EFAULT. */
int tw_entry_write(u64 array, u32 i, u32 size, const void *from, size_t ksize);

#endif
