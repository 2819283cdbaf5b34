/* SPDX-License-Identifier: GPL-2.0 */
/* The processes of a run are attached as they come. */
#ifndef _TW_RUN_WATCH_H
#define _TW_RUN_WATCH_H

#include <stdbool.h>

#include "tw.h"

/**
 * struct run_watch - which processes are attached
 * @tw: the device; NULL: none are
 * @cgroup: the cgroup of the run, as cgroup_path() has it, all processes of which are;
 *	or NULL for the command and what it has forked
 * @pid: the command
 * @any: one has been attached
 * @said: the error that was told of last
 */
struct run_watch {
	struct tw *tw;
	const char *cgroup;
	__u32 pid;
	bool any;
	int said;
};

/*
 * Attaches those that are not: new ones, and those that have become other programs.
 * Says what is wrong, each thing once. When nothing may be attached, ->tw is NULL then.
 */
void run_watch_look(struct run_watch *w);

#endif /* _TW_RUN_WATCH_H */
