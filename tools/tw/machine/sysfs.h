/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel says of nodes and block devices in /sys. */
#ifndef _TW_SYSFS_H
#define _TW_SYSFS_H

#include <stddef.h>
#include <linux/types.h>

#define DEVICE_NAME_LEN	64

int sysfs_line(char *buf, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int sysfs_path(char *buf, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
__u64 sysfs_u64(__u64 otherwise, const char *dir, const char *name);
int sysfs_nodes(const char *which, __u64 *nodes);
int sysfs_cpu_nodes(__u64 *nodes);
__u64 sysfs_node_bytes(unsigned int node);
int sysfs_each(const char *dir, int (*fn)(const char *name, void *arg),
	       void *arg);
int device_name(char name[DEVICE_NAME_LEN], __u32 dev);
void device_text(char *buf, size_t len, __u32 dev);
int device_file(char *buf, size_t len, __u32 dev);

#endif /* _TW_SYSFS_H */
