/* SPDX-License-Identifier: GPL-2.0 */
/*
 * usercopy.h - structs and answers in the caller's memory
 *
 * All of it is called in the context of the caller, with no lock held that a page
 * fault takes. Sizes are in bytes.
 */
#ifndef _TW_USERCOPY_H
#define _TW_USERCOPY_H

#include <linux/types.h>

/* The most pages of one call, so that a call does not hold the caller for long. */
#define TW_CALL_PAGES	65536U

/*
 * Copies a struct in whose first member, a u32, is its size. Returns 0, -EFAULT,
 * -EINVAL if the size is below @min, or -E2BIG if it is above PAGE_SIZE or a member
 * that the driver does not know is not zero.
 */
int tw_copy_in(void *to, size_t ksize, size_t min, const void __user *from);
/* Copies a struct of tw_copy_in() back, by its size. Returns 0 or -EFAULT. */
int tw_copy_out(void __user *to, const void *from, size_t ksize);
/*
 * Faults the memory of an answer in for writing, so that a bad pointer is noticed
 * before anything has been done. Returns 0, also for a @ptr of 0, or -EFAULT.
 */
int tw_check_answer(u64 ptr, size_t bytes);
/*
 * The same for arrays of @nr page numbers (u64), which are to be read, and of their
 * outcomes (s32), to be written unless @status is 0.
 */
int tw_check_numbers(u64 pages, u32 nr, u64 status);
/*
 * Whether the caller may see and move all users' pages (CAP_SYS_ADMIN). A call asks
 * this once, without an audit record, since most callers do without the right.
 */
bool tw_is_admin(void);

#endif
