// SPDX-License-Identifier: GPL-2.0
/*
 * What /sys says of NUMA nodes and disks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "machine/sysfs.h"

static int read_line(char *buf, size_t len, const char *fmt, va_list ap)
{
	char path[PATH_MAX];
	FILE *f;

	vsnprintf(path, sizeof(path), fmt, ap);
	buf[0] = '\0';
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (fgets(buf, len, f))
		buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
	return 0;
}

/* A file's first line into @buf; -ENOENT and an empty @buf without it. */
int sysfs_line(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = read_line(buf, len, fmt, ap);
	va_end(ap);
	text_clean(buf);
	return err;
}

/* The same of a line that is a path, byte by byte: not to be shown as it is. */
int sysfs_path(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = read_line(buf, len, fmt, ap);
	va_end(ap);
	return err;
}

/* A number, or @otherwise when there is none. */
__u64 sysfs_u64(__u64 otherwise, const char *dir, const char *name)
{
	char buf[32];
	__u64 value;

	if (sysfs_line(buf, sizeof(buf), "%s/%s", dir, name) ||
	    parse_u64(buf, &value))
		return otherwise;
	return value;
}

int sysfs_nodes(const char *which, __u64 *nodes)
{
	char buf[256];

	*nodes = 0;
	if (sysfs_line(buf, sizeof(buf), "/sys/devices/system/node/%s", which))
		return -ENOENT;
	return *buf ? parse_nodes(buf, nodes) : 0;
}

static int is_cpu(const char *name, void *arg)
{
	__u64 number;

	(void)arg;
	return !strncmp(name, "cpu", 3) && !parse_u64(name + 3, &number);
}

/*
 * Nodes that have CPUs, online or not: "has_cpu" forgets a node whose CPUs are
 * all offline, and its memory is no GPU's for that. Those that are plugged out
 * altogether nobody knows here; the driver does.
 */
int sysfs_cpu_nodes(__u64 *nodes)
{
	char dir[64];
	__u64 there;
	unsigned int i;
	int err;

	*nodes = 0;
	err = sysfs_nodes("possible", &there);
	for (i = 0; !err && i < 64; i++) {
		snprintf(dir, sizeof(dir), "/sys/devices/system/node/node%u", i);
		if (there >> i & 1 && sysfs_each(dir, is_cpu, NULL))
			*nodes |= 1ULL << i;
	}
	return err;
}

/* MemTotal of a node, in bytes. */
__u64 sysfs_node_bytes(unsigned int node)
{
	char path[80], line[128];
	unsigned long long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/meminfo",
		 node);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Node %*u MemTotal: %llu kB", &kib) == 1)
			break;
	fclose(f);
	return kib << 10;
}

/* The kernel's name of a block device ("sda", "nvme0n1p1"); -errno. */
int device_name(char name[DEVICE_NAME_LEN], __u32 dev)
{
	char link[64], target[PATH_MAX], *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev),
		 minor(dev));
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	slash = strrchr(target, '/');
	if (strlen(slash ? slash + 1 : target) >= DEVICE_NAME_LEN)
		return -ENAMETOOLONG;
	strcpy(name, slash ? slash + 1 : target);
	return 0;
}

/* The name in /dev, or the numbers. */
void device_text(char *buf, size_t len, __u32 dev)
{
	char name[DEVICE_NAME_LEN], *c;

	if (device_name(name, dev)) {
		snprintf(buf, len, "%u:%u", major(dev), minor(dev));
		return;
	}
	/* sysfs writes the slash of cciss/c0d0 like this. */
	for (c = name; *c; c++)
		if (*c == '!')
			*c = '/';
	snprintf(buf, len, "/dev/%s", name);
}

/* The file behind a loop device; -ENOENT when @dev is none. */
int device_file(char *buf, size_t len, __u32 dev)
{
	return sysfs_path(buf, len, "/sys/dev/block/%u:%u/loop/backing_file",
			  major(dev), minor(dev));
}

/*
 * Calls @fn with each entry of a folder but hidden ones, in the order of their
 * names, until it returns something else than 0, which is returned.
 */
int sysfs_each(const char *dir, int (*fn)(const char *name, void *arg),
	       void *arg)
{
	struct dirent **entries;
	int i, n, ret = 0;

	n = scandir(dir, &entries, NULL, versionsort);
	for (i = 0; i < n; i++) {
		if (!ret && entries[i]->d_name[0] != '.')
			ret = fn(entries[i]->d_name, arg);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return ret;
}
