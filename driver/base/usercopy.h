/* SPDX-License-Identifier: GPL-2.0 */
/*
 * usercopy.h - structs and answers in the caller's memory, and what a caller may
 */
#ifndef _TW_USERCOPY_H
#define _TW_USERCOPY_H

#include <linux/types.h>

/* Most pages of one call: bounds how long one holds the caller. */
#define TW_CALL_PAGES	65536U

/* Copies a size-first struct in: 0, -EFAULT, -EINVAL (< @min), -E2BIG. */
int tw_copy_in(void *to, size_t ksize, size_t min, const void __user *from);
/* Copies back as much of it as the caller's size says. */
int tw_copy_out(void __user *to, const void *from, size_t ksize);
/* The answer's memory must take it: found out before anything is done. */
int tw_check_answer(u64 ptr, size_t bytes);
/* The same for @nr page numbers and, unless it is 0, their outcomes. */
int tw_check_numbers(u64 pages, u32 nr, u64 status);
/* The caller sees everybody's pages. Asked once a call, and no matter of audit. */
bool tw_is_admin(void);

#endif
