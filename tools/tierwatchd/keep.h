/* SPDX-License-Identifier: GPL-2.0 */
/*
 * keep.h - limits of cgroups that come and go, by the patterns of tierwatch.conf
 *
 * Owns what was read of that file, and the watches on the folders of cgroups. main.c
 * calls it.
 */
#ifndef _TD_KEEP_H
#define _TD_KEEP_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/stat.h>

#include "conf/conf.h"

/* The most files. */
#define TD_CONFS	4

/**
 * struct td_keep - from look to look
 * @path: of the files, which are read as if they were one; the others are NULL
 * @dry_run: say what would be set, and set nothing
 * @conf: what they said when they were right last
 * @seen: the files that were read last, right or wrong
 * @fd: of inotify, on the folders in which something that matches may come; or -1
 * @blind: not all of them could be watched
 * @due_ns: when all is looked through again, whatever was seen
 * @failed: an error that has been said, or 0
 */
struct td_keep {
	const char *path[TD_CONFS];
	bool dry_run;
	struct conf conf;
	struct stat seen[TD_CONFS];
	int fd;
	bool blind;
	__u64 due_ns;
	int failed;
};

void td_keep_begin(struct td_keep *k);
void td_keep_end(struct td_keep *k);
/*
 * Has limits set as the files say, if they have changed, if cgroups have come or gone, or
 * after a while. @again: in any case, as after the driver was loaded anew.
 */
void td_keep(struct td_keep *k, bool again);

#endif
