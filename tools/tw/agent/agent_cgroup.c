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

#define CGROUPS		"/sys/fs/cgroup"
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
	__u64 id;
	char *buf;
	size_t len;
} wanted;

static int visit(const char *path, const struct stat *st, int type,
		 struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_D || st->st_ino != wanted.id)
		return 0;
	path += strlen(CGROUPS);
	snprintf(wanted.buf, wanted.len, "%s", *path ? path : "/");
	text_clean(wanted.buf);
	return 1;
}

bool text_cgroup(char *buf, size_t len, __u64 id)
{
	wanted.id = id;
	wanted.buf = buf;
	wanted.len = len;
	return nftw(CGROUPS, visit, MOST_OPEN, FTW_PHYS | FTW_MOUNT) == 1;
}
