// SPDX-License-Identifier: GPL-2.0
/*
 * Finding a store by what its signature says: "UUID=..." or "LABEL=...". Names
 * of devices may change from boot to boot, these stay. Looks only.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cli.h"
#include "machine/check.h"
#include "machine/find.h"
#include "machine/super.h"
#include "machine/sysfs.h"

#define SYS_BLOCK	"/sys/class/block"

/**
 * struct search - for a store
 * @tag: what it is known by
 * @path: room for the first one that was found
 * @len: its size
 * @other: another one that was
 * @denied: one that could not be looked at
 */
struct search {
	const char *tag;
	char *path;
	size_t len;
	char other[DEVICE_NAME_LEN];
	char denied[DEVICE_NAME_LEN];
};

/* Not what others are made of: their beginning may be the same. */
static int any_holder(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return 1;
}

static bool has_tag(struct search *s, const char *dev)
{
	char block[TW_STORE_SUPER_SIZE];
	struct super super;
	bool is;
	int fd;

	/* Not waiting for who puts in a medium. */
	fd = open(dev, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		if (errno == EACCES || errno == EPERM)
			snprintf(s->denied, sizeof(s->denied), "%s", dev);
		return false;
	}
	is = pread(fd, block, sizeof(block), 0) == (ssize_t)sizeof(block) &&
	     super_read(&super, block) && store_tag_is(s->tag, &super);
	close(fd);
	return is;
}

static int look_at(const char *name, void *arg)
{
	char dir[128], numbers[32], dev[DEVICE_NAME_LEN];
	struct search *s = arg;
	unsigned int maj, min;

	snprintf(dir, sizeof(dir), SYS_BLOCK "/%s/holders", name);
	if (sysfs_each(dir, any_holder, NULL))
		return 0;
	snprintf(dir, sizeof(dir), SYS_BLOCK "/%s", name);
	if (!sysfs_u64(0, dir, "size") ||
	    sysfs_line(numbers, sizeof(numbers), "%s/dev", dir) ||
	    sscanf(numbers, "%u:%u", &maj, &min) != 2)
		return 0;
	device_text(dev, sizeof(dev), makedev(maj, min));
	if (!has_tag(s, dev))
		return 0;
	if (*s->path) {
		snprintf(s->other, sizeof(s->other), "%s", dev);
		return 1;
	}
	snprintf(s->path, s->len, "%s", dev);
	return 0;
}

int store_find(const char *tag, char *path, size_t len, struct device_wrong *w)
{
	struct search s = { .tag = tag, .path = path, .len = len };

	path[0] = '\0';
	sysfs_each(SYS_BLOCK, look_at, &s);
	if (*path && !*s.other)
		return 0;
	memset(w, 0, sizeof(*w));
	w->code = EXIT_FAILURE;
	if (*s.other) {
		snprintf(w->why, sizeof(w->why), "is on %s and on %s", path,
			 s.other);
		snprintf(w->next, sizeof(w->next),
			 ". Sign one of them anew: tw tier format --force");
	} else if (*s.denied) {
		snprintf(w->why, sizeof(w->why),
			 "was not found, and there is no permission to look at %s",
			 s.denied);
		snprintf(w->next, sizeof(w->next), ". Be root");
		w->code = EXIT_NO_PERMISSION;
	} else {
		snprintf(w->why, sizeof(w->why), "is on no device");
		w->absent = true;
	}
	return -1;
}
