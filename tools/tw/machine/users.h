/* SPDX-License-Identifier: GPL-2.0 */
/* What uses a block device or a file. */
#ifndef _TW_USERS_H
#define _TW_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <linux/types.h>

#define USERS_LEN	256

/*
 * What uses a block device or a partition of it, into @buf: "mounted on /home",
 * "swap", "part of dm-0 (vg-root)", "bound to the nvme tier". False: nothing
 * that can be found.
 */
bool device_users(char *buf, size_t len, __u32 dev);
/* The loop device that a file is behind, or 0. */
__u32 file_loop(const struct stat *st);

#endif /* _TW_USERS_H */
