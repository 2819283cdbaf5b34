// SPDX-License-Identifier: GPL-2.0
/*
 * Cgroups by path and by number. A number is the inode number of its folder; a
 * cgroup out of sight of this namespace has none here.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/agent_cgroup.h"
#include "base/text.h"

#define MOST_OPEN	16

int cgroup_path(const char *s, char *path)
{
	size_t len = strlen(CGROUPS);

	if (!strncmp(s, CGROUPS, len) && (s[len] == '/' || !s[len]))
		s += len;
	else if (*s != '/')
		return -EINVAL;
	len = strlen(s);
	while (len && s[len - 1] == '/')
		len--;
	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(path, PATH_MAX, "%.*s", len ? (int)len : 1, len ? s : "/");
	return 0;
}

/* nftw() hands nothing on to its function. */
static struct {
	int (*fn)(__u64 id, const char *path, void *arg);
	void *arg;
} each;

static int visit(const char *path, const struct stat *st, int type,
		 struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_D)
		return 0;
	path += strlen(CGROUPS);
	return each.fn(st->st_ino, *path ? path : "/", each.arg);
}

int cgroups_below(const char *path,
		  int (*fn)(__u64 id, const char *path, void *arg), void *arg)
{
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof(dir), CGROUPS "%s",
		     strcmp(path, "/") ? path : "") >= (int)sizeof(dir))
		return -1;
	each.fn = fn;
	each.arg = arg;
	return nftw(dir, visit, MOST_OPEN, FTW_PHYS | FTW_MOUNT);
}

int cgroups_each(int (*fn)(__u64 id, const char *path, void *arg), void *arg)
{
	return cgroups_below("/", fn, arg);
}

/**
 * struct wanted - whose path is wanted, and where it goes
 */
struct wanted {
	__u64 id;
	char *buf;
	size_t len;
};

static int take_path(__u64 id, const char *path, void *arg)
{
	const struct wanted *wanted = arg;

	if (id != wanted->id)
		return 0;
	snprintf(wanted->buf, wanted->len, "%s", path);
	text_clean(wanted->buf);
	return 1;
}

bool text_cgroup(char *buf, size_t len, __u64 id)
{
	struct wanted wanted = { id, buf, len };

	return cgroups_each(take_path, &wanted) == 1;
}
