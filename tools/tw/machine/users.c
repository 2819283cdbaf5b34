// SPDX-License-Identifier: GPL-2.0
/*
 * Who uses a block device: file systems, swap, RAID and volume groups, tiers.
 */
#include <fcntl.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <sys/stat.h>
#include <linux/loop.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/text.h"
#include "machine/sysfs.h"
#include "machine/users.h"

static bool find_mount(char *buf, size_t len, dev_t dev)
{
	struct libmnt_table *tb =
		mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_fs *fs;

	if (!tb)
		return false;
	fs = mnt_table_find_devno(tb, dev, MNT_ITER_FORWARD);
	if (fs)
		snprintf(buf, len, "mounted on %s", mnt_fs_get_target(fs));
	mnt_unref_table(tb);
	return fs;
}

static bool find_swap(char *buf, size_t len, dev_t dev)
{
	struct libmnt_table *tb = mnt_new_table();
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	bool found = false;
	struct stat st;

	if (tb && iter && !mnt_table_parse_swaps(tb, NULL)) {
		while (!found && !mnt_table_next_fs(tb, iter, &fs))
			found = !stat(mnt_fs_get_source(fs), &st) &&
				S_ISBLK(st.st_mode) && st.st_rdev == dev;
		if (found)
			snprintf(buf, len, "swap");
	}
	mnt_free_iter(iter);
	mnt_unref_table(tb);
	return found;
}

/* RAID, volume groups, encryption and the like hold what they are made of. */
struct holder {
	char *buf;
	size_t len;
};

static int first_holder(const char *name, void *arg)
{
	struct holder *h = arg;
	char nice[128];

	sysfs_line(nice, sizeof(nice), "/sys/block/%s/dm/name", name);
	snprintf(h->buf, h->len, "part of %s%s%s%s", name, *nice ? " (" : "",
		 nice, *nice ? ")" : "");
	return 1;
}

static bool find_holder(char *buf, size_t len, dev_t dev)
{
	struct holder h = { buf, len };
	char dir[64];

	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u/holders", major(dev),
		 minor(dev));
	return sysfs_each(dir, first_holder, &h);
}

static bool find_tier(char *buf, size_t len, __u32 dev)
{
	struct tw_tier_info t;
	struct tw *tw;
	int i;

	if (tw_open(cli_device, &tw))
		return false;
	for (i = 0; i < TW_NR_TIERS; i++)
		if (!tw_tier_info(tw, i, &t) && t.kind == TW_KIND_STORE &&
		    t.dev == dev)
			break;
	tw_close(tw);
	if (i < TW_NR_TIERS)
		snprintf(buf, len, "bound to the %s tier", tw_tier_name(i));
	return i < TW_NR_TIERS;
}

static bool find_user(char *buf, size_t len, __u32 dev)
{
	return find_tier(buf, len, dev) || find_mount(buf, len, dev) ||
	       find_swap(buf, len, dev) || find_holder(buf, len, dev);
}

/* Partitions are folders of their disk's that have a file "partition". */
struct parts {
	const char *dir;
	char *buf;
	size_t len;
};

static int used_partition(const char *name, void *arg)
{
	struct parts *p = arg;
	char path[PATH_MAX], numbers[32], user[USERS_LEN];
	unsigned int maj, min;

	snprintf(path, sizeof(path), "%s/%s/partition", p->dir, name);
	if (access(path, F_OK) ||
	    sysfs_line(numbers, sizeof(numbers), "%s/%s/dev", p->dir, name) ||
	    sscanf(numbers, "%u:%u", &maj, &min) != 2 ||
	    !find_user(user, sizeof(user), makedev(maj, min)))
		return 0;
	snprintf(p->buf, p->len, "its partition %s is %s", name, user);
	return 1;
}

bool device_users(char *buf, size_t len, __u32 dev)
{
	char dir[64];
	struct parts p = { dir, buf, len };
	bool used;

	buf[0] = '\0';
	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u", major(dev),
		 minor(dev));
	used = find_user(buf, len, dev) || sysfs_each(dir, used_partition, &p);
	text_clean(buf);
	return used;
}

struct loops {
	const struct stat *st;
	__u32 dev;
};

/* By number: its path may be of another mount namespace. Takes a right. */
static bool has_inode(const char *name, const struct stat *st)
{
	struct loop_info64 info;
	char path[64];
	bool same;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	same = !ioctl(fd, LOOP_GET_STATUS64, &info) &&
	       info.lo_device == st->st_dev && info.lo_inode == st->st_ino;
	close(fd);
	return same;
}

static bool has_path(const char *path, const struct stat *st)
{
	struct stat other;

	return !stat(path, &other) && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

static int is_behind(const char *name, void *arg)
{
	struct loops *l = arg;
	char path[PATH_MAX], numbers[32];
	unsigned int maj, min;

	if (strncmp(name, "loop", 4) ||
	    sysfs_path(path, sizeof(path), "/sys/block/%s/loop/backing_file",
		       name) ||
	    !(has_path(path, l->st) || has_inode(name, l->st)) ||
	    sysfs_line(numbers, sizeof(numbers), "/sys/block/%s/dev", name) ||
	    sscanf(numbers, "%u:%u", &maj, &min) != 2)
		return 0;
	l->dev = makedev(maj, min);
	return 1;
}

__u32 file_loop(const struct stat *st)
{
	struct loops l = { st, 0 };

	sysfs_each("/sys/block", is_behind, &l);
	return l.dev;
}
