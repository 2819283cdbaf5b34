// SPDX-License-Identifier: GPL-2.0
/*
 * The machine's disks, and for each the tier it would fit or why it is left
 * alone. Looks only: devices are opened for reading, and not exclusively.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cli.h"
#include "machine/check.h"
#include "machine/contents.h"
#include "machine/disks.h"
#include "machine/sysfs.h"
#include "machine/users.h"

/*
 * Whether a read over a network takes what one of such a disk here does: less than the
 * first, of an NVMe disk; less than the second, of an SSD.
 */
#define LIKE_NVME_NS	200000
#define LIKE_SSD_NS	2000000
/* "/sys/block/NAME/device" */
#define SYS_LEN	(NAME_MAX + 32)

/* Behind USB a disk is gone when somebody pulls the plug. */
static bool can_be_pulled(const char *dir)
{
	char real[PATH_MAX];

	return sysfs_u64(0, dir, "removable") ||
	       (realpath(dir, real) && strstr(real, "/usb"));
}

static bool is_nvme(const char *dir)
{
	char path[PATH_MAX], target[PATH_MAX], *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/device/subsystem", dir);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	slash = strrchr(target, '/');
	/* A namespace of a drive of several controllers is below "subsystem". */
	return slash && !strncmp(slash + 1, "nvme", 4);
}

static int tier_of(const char *dir)
{
	if (is_nvme(dir))
		return TW_TIER_NVME;
	return sysfs_u64(1, dir, "queue/rotational") ? TW_TIER_HDD :
						       TW_TIER_SSD;
}

static int tier_by_time(__u64 ns)
{
	if (ns < LIKE_NVME_NS)
		return TW_TIER_NVME;
	return ns < LIKE_SSD_NS ? TW_TIER_SSD : TW_TIER_HDD;
}

static int is_partition(const char *name, void *arg)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/partition", (const char *)arg,
		 name);
	return !access(path, F_OK);
}

/* What makes it no store's although it could be one; or NULL. */
static const char *bad_kind(const char *dir, const struct remote *remote)
{
	/* To read from it would wait for the connection. */
	if (remote->down)
		return "the connection to it is down";
	if (can_be_pulled(dir))
		return "it is removable";
	if (sysfs_each(dir, is_partition, (void *)dir))
		return "it has partitions";
	return NULL;
}

/* Any store is taken, and what has nothing on it. */
static void look_closely(struct disk *d)
{
	struct device_wrong wrong;
	struct device_look look;
	int fd = device_check(&look, d->path, CHECK_STORE | CHECK_EMPTY,
			      &wrong);

	if (fd < 0) {
		d->denied = wrong.code == EXIT_NO_PERMISSION;
		snprintf(d->why, sizeof(d->why), "it %s", wrong.why);
		return;
	}
	close(fd);
	if (d->remote.is)
		d->read_ns = remote_read_ns(d->path, d->bytes);
	if (d->read_ns)
		d->tier = tier_by_time(d->read_ns);
	d->is_signed = look.contents == CONTENTS_STORE;
	d->super = look.super;
	/* Whoever signed it for a tier knew better than its looks do. */
	if (d->is_signed && look.super.tier != TW_TIER_NONE)
		d->tier = look.super.tier;
}

/* The name that stays the same whatever order the disks are found in. */
struct stable {
	__u32 dev;
	char *path;
	size_t len;
};

static int by_id(const char *name, void *arg)
{
	struct stable *s = arg;
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), BY_ID "%s", name);
	if (stat(path, &st) || !S_ISBLK(st.st_mode) || st.st_rdev != s->dev ||
	    strlen(path) >= s->len)
		return 0;
	strcpy(s->path, path);
	return 1;
}

/* SCSI fills names up with spaces. */
static void trim(char *s)
{
	size_t len = strlen(s);

	while (len && s[len - 1] == ' ')
		s[--len] = '\0';
}

/*
 * What is made of other devices or of memory has no hardware of its own. Network block
 * devices have none here, and those without a server are none.
 */
static bool is_disk(const char *name)
{
	char file[SYS_LEN];

	snprintf(file, sizeof(file), "/sys/block/%s/%s", name,
		 remote_is_nbd(name) ? "pid" : "device");
	return !access(file, F_OK);
}

static int look_at(const char *name, void *arg)
{
	struct disks *all = arg;
	char dir[SYS_LEN], numbers[32];
	unsigned int maj, min;
	struct stable stable;
	const char *bad;
	struct disk *d;

	if (!is_disk(name))
		return 0;
	snprintf(dir, sizeof(dir), "/sys/block/%s", name);
	if (sysfs_line(numbers, sizeof(numbers), "%s/dev", dir) ||
	    sscanf(numbers, "%u:%u", &maj, &min) != 2)
		return 0;
	d = realloc(all->disk, (all->nr + 1) * sizeof(*d));
	if (!d)
		return -ENOMEM;
	all->disk = d;
	d += all->nr++;
	memset(d, 0, sizeof(*d));
	d->dev = makedev(maj, min);
	d->bytes = sysfs_u64(0, dir, "size") * 512;
	d->tier = tier_of(dir);
	device_text(d->path, sizeof(d->path), d->dev);
	stable = (struct stable){ d->dev, d->path, sizeof(d->path) };
	sysfs_each(BY_ID, by_id, &stable);
	sysfs_line(d->model, sizeof(d->model), "%s/device/model", dir);
	trim(d->model);
	remote_look(&d->remote, "/sys", name);
	bad = bad_kind(dir, &d->remote);
	if (bad)
		snprintf(d->why, sizeof(d->why), "%s", bad);
	else if (!device_users(d->why, sizeof(d->why), d->dev))
		look_closely(d);
	return 0;
}

int disks_find(struct disks *all)
{
	all->nr = 0;
	all->disk = NULL;
	return sysfs_each("/sys/block", look_at, all);
}

void disks_free(struct disks *all)
{
	free(all->disk);
}
