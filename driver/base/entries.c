// SPDX-License-Identifier: GPL-2.0
/*
 * entries.c - arrays of structs in the caller's memory
 *
 * Owns the copying of one entry by the size that the caller passes for it.
 *
 * Locks: none. A caller must hold no lock that a page fault takes, since user
 * memory is touched.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "base/entries.h"

int tw_entry_check(u32 size, u32 min)
{
	if (size < min)
		return -EINVAL;
	return size > PAGE_SIZE ? -E2BIG : 0;
}

static void __user *tw_entry(u64 array, u32 i, u32 size)
{
	return u64_to_user_ptr(array) + (size_t)i * size;
}

int tw_entry_read(void *to, size_t ksize, u64 array, u32 i, u32 size)
{
	return copy_struct_from_user(to, ksize, tw_entry(array, i, size), size);
}

int tw_entry_write(u64 array, u32 i, u32 size, const void *from, size_t ksize)
{
	char __user *to = tw_entry(array, i, size);
	size_t known = min_t(size_t, size, ksize);

	if (copy_to_user(to, from, known))
		return -EFAULT;
	return size > known && clear_user(to + known, size - known) ?
	       -EFAULT : 0;
}
