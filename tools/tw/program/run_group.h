/* SPDX-License-Identifier: GPL-2.0 */
/* The cgroup that a run is in. */
#ifndef _TW_RUN_GROUP_H
#define _TW_RUN_GROUP_H

#include <limits.h>
#include <stdbool.h>

/* Controllers that it is to have, a bit each. */
#define RUN_MEMORY	(1U << 0)
#define RUN_CPUSET	(1U << 1)

/**
 * struct run_group - the cgroup of a run; begins as zeroes
 * @path: its folder; empty: there is none
 * @fd: that folder, locked as long as it is in use: others see by the lock which ones
 *	were left behind
 * @own: folder of the cgroup that this process was in when it began
 * @aside: folder of the cgroup that it has gone into from there; empty: it has not
 * @controllers: that were turned on in @own when it had gone; RUN_*
 */
struct run_group {
	char path[PATH_MAX];
	int fd;
	char own[PATH_MAX];
	char aside[PATH_MAX];
	unsigned int controllers;
};

/*
 * Makes it, and removes those that earlier runs have left there, empty. 0, or the exit
 * code: then it has said what to do, and nothing is left.
 */
int run_group_make(struct run_group *g, unsigned int controllers);
/* Writes to one of its files. 0 or -errno. */
int run_group_set(const struct run_group *g, const char *file,
		  const char *value);
/* The calling process goes into it. 0 or -errno. */
int run_group_enter(const struct run_group *g);
/*
 * Removes it, if there is one, and goes back to where this process was. Says so when
 * processes in it have outlived the command: then it stays.
 */
void run_group_remove(struct run_group *g);

#endif /* _TW_RUN_GROUP_H */
