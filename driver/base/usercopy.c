// SPDX-License-Identifier: GPL-2.0
/*
 * usercopy.c - structs and answers in the caller's memory
 *
 * Owns how an argument is copied in and out by its own size, and the checks that
 * every door makes of its caller. entries.c has arrays of structs.
 *
 * Locks: none. Any room may call it, in the context of the caller and with no lock
 * held that a page fault takes.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "base/usercopy.h"

int tw_copy_in(void *to, size_t ksize, size_t min, const void __user *from)
{
	u32 size;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size < min)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(to, ksize, from, size);
}

int tw_copy_out(void __user *to, const void *from, size_t ksize)
{
	u32 size = *(const u32 *)from;

	return copy_to_user(to, from, min_t(size_t, size, ksize)) ? -EFAULT : 0;
}

int tw_check_answer(u64 ptr, size_t bytes)
{
	if (!ptr)
		return 0;
	/* Not fault_in_writeable(): it writes a zero to each page. */
	if (!access_ok(u64_to_user_ptr(ptr), bytes) ||
	    fault_in_safe_writeable(u64_to_user_ptr(ptr), bytes))
		return -EFAULT;
	return 0;
}

int tw_check_numbers(u64 pages, u32 nr, u64 status)
{
	const char __user *from = u64_to_user_ptr(pages);

	if (!access_ok(from, nr * sizeof(u64)) ||
	    fault_in_readable(from, nr * sizeof(u64)))
		return -EFAULT;
	return tw_check_answer(status, nr * sizeof(s32));
}

bool tw_is_admin(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}
