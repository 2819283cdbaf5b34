/* SPDX-License-Identifier: GPL-2.0 */
/*
 * chardev.h - ioctl plumbing that the fds share
 */
#ifndef _TW_CHARDEV_H
#define _TW_CHARDEV_H

#include <linux/types.h>

struct file;

int tw_chardev_init(void);
void tw_chardev_exit(void);

long tw_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* Copies a size-first struct in: 0, -EFAULT, -EINVAL (< @min), -E2BIG. */
int tw_copy_in(void *to, size_t ksize, size_t min, const void __user *from);
/* Copies back as much of it as the caller's size says. */
int tw_copy_out(void __user *to, const void *from, size_t ksize);

#endif
