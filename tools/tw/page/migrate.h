/* SPDX-License-Identifier: GPL-2.0 */
/* What tw migrate has done, and how it says so. */
#ifndef _TW_MIGRATE_H
#define _TW_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "page/pages.h"

/* Kinds of failures told apart, the last for all others. */
#define MIGRATE_KINDS	8

/**
 * struct migration - a move, and what came of it
 * @to: enum tw_tier
 * @from: enum tw_tier, or TW_TIER_NONE
 * @page_size: bytes
 * @by_pid: addresses of a process were named
 * @total: pages that were to be moved
 * @done: of these, dealt with
 * @moved: of these, moved
 * @already: of these, there already
 * @untouched: of these, never touched or not there, in ranges
 * @failed: of these, the others
 * @kind: how many failed, by how
 * @interrupted: it was stopped
 * @status: outcomes of what was named singly, in order
 * @nr_status: how many of these
 */
struct migration {
	int to;
	int from;
	__u32 page_size;
	bool by_pid;
	__u64 total;
	__u64 done;
	__u64 moved;
	__u64 already;
	__u64 untouched;
	__u64 failed;
	__u64 kind[MIGRATE_KINDS];
	bool interrupted;
	__s32 *status;
	size_t nr_status;
};

/* @nr pages failed with @status; 0: nobody knows how. */
void migration_failed(struct migration *m, int status, __u64 nr);
/* @spans: what was named, or NULL for an agent's pages */
void migration_show(const struct migration *m, const struct spans *spans,
		    bool json);

#endif /* _TW_MIGRATE_H */
