/* SPDX-License-Identifier: GPL-2.0 */
/* Cgroups' paths. */
#ifndef _TW_AGENT_CGROUP_H
#define _TW_AGENT_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* Where they are to be seen. */
#define CGROUPS		"/sys/fs/cgroup"

/*
 * Calls @fn with a cgroup, and with each that is below it, by its number, until it
 * returns something else than 0, which is returned; -1 when they can't be seen. @path is
 * as cgroup_path() has it.
 */
int cgroups_below(const char *path,
		  int (*fn)(__u64 id, const char *path, void *arg), void *arg);
/*
 * Calls @fn with each cgroup that is to be seen from here, by its number, until it
 * returns something else than 0, which is returned; -1 when they can't be seen.
 */
int cgroups_each(int (*fn)(__u64 id, const char *path, void *arg), void *arg);
/* The path of a default agent's cgroup, if it is to be seen. */
bool text_cgroup(char *buf, size_t len, __u64 id);
/*
 * A cgroup's path as the driver has it, into a buffer of PATH_MAX, of one that may
 * begin with /sys/fs/cgroup and end with /. 0 or -errno.
 */
int cgroup_path(const char *s, char *path);

#endif /* _TW_AGENT_CGROUP_H */
