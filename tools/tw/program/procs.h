/* SPDX-License-Identifier: GPL-2.0 */
/* The processes that a user or a cgroup means. */
#ifndef _TW_PROCS_H
#define _TW_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/**
 * struct procs - processes; begins as zeroes
 * @pid: their numbers
 * @nr: how many
 */
struct procs {
	__u32 *pid;
	size_t nr;
};

/* 0 or -ENOMEM */
int procs_add(struct procs *p, __u32 pid);
/*
 * Adds those of a cgroup and of all below it, but for the calling process. @path is as
 * cgroup_path() has it. 0 or -errno; -ENOENT: there is no such cgroup.
 */
int procs_of_cgroup(struct procs *p, const char *path);
/* The same; returns 0, or the exit code and it has said what is wrong. */
int procs_or_say(struct procs *p, const char *path);
/*
 * Adds a process, its children, theirs, and so on, as far as their parents live. 0 or
 * -errno.
 */
int procs_of_tree(struct procs *p, __u32 pid);
void procs_free(struct procs *p);

#endif /* _TW_PROCS_H */
