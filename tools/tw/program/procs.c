// SPDX-License-Identifier: GPL-2.0
/*
 * The processes of a cgroup, and those that have come from one.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent_cgroup.h"
#include "base/cli.h"
#include "machine/sysfs.h"
#include "program/procs.h"

#define STEP	64

int procs_add(struct procs *p, __u32 pid)
{
	__u32 *more;

	if (p->nr % STEP == 0) {
		more = realloc(p->pid, (p->nr + STEP) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		p->pid = more;
	}
	p->pid[p->nr++] = pid;
	return 0;
}

void procs_free(struct procs *p)
{
	free(p->pid);
	*p = (struct procs){ 0 };
}

/* Adds the numbers of a file; 0 or -errno. */
static int add_file(struct procs *p, const char *path)
{
	FILE *f = fopen(path, "re");
	__u32 pid;
	int err = 0;

	if (!f)
		return -errno;
	errno = 0;
	/* 0 is a process that has no number in this pid namespace. */
	while (!err && fscanf(f, "%u", &pid) == 1)
		if (pid && pid != (__u32)getpid())
			err = procs_add(p, pid);
	if (!err && ferror(f))
		err = errno ? -errno : -EIO;
	fclose(f);
	return err;
}

static int add_cgroup(__u64 id, const char *path, void *arg)
{
	char file[PATH_MAX];
	int err;

	(void)id;
	if (snprintf(file, sizeof(file), CGROUPS "%s/cgroup.procs", path) >=
	    (int)sizeof(file))
		return 0;
	err = add_file(arg, file);
	/* It was removed, or its threads count as processes of one above it. */
	return err == -ENOENT || err == -ENODEV || err == -EOPNOTSUPP ? 0 : err;
}

int procs_of_cgroup(struct procs *p, const char *path)
{
	char dir[PATH_MAX];
	int err;

	if (snprintf(dir, sizeof(dir), CGROUPS "%s", path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	if (access(dir, F_OK))
		return -errno;
	err = cgroups_below(path, add_cgroup, p);
	return err == -1 ? -errno : err;
}

int procs_or_say(struct procs *p, const char *path)
{
	int err = procs_of_cgroup(p, path);

	if (err == -ENOENT)
		return cli_error("there is no cgroup %s below " CGROUPS ". Its path is like /system.slice, as in /proc/PID/cgroup",
				 path);
	return err ? cli_errno(err, "the processes of cgroup %s", path) : 0;
}

/* The children that a thread has made; a thread that has ended has none. */
static int add_children(const char *tid, void *arg)
{
	struct procs *p = arg;
	char file[64];
	int err;

	/* A thread is to be found by its own number, too. */
	snprintf(file, sizeof(file), "/proc/%s/task/%s/children", tid, tid);
	err = add_file(p, file);
	return err == -ENOMEM ? err : 0;
}

int procs_of_tree(struct procs *p, __u32 pid)
{
	size_t at = p->nr;
	char dir[64];
	int err = procs_add(p, pid);

	for (; !err && at < p->nr; at++) {
		snprintf(dir, sizeof(dir), "/proc/%u/task", p->pid[at]);
		err = sysfs_each(dir, add_children, p);
	}
	return err;
}
