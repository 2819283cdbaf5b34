/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tick.h - one round of looking and moving
 *
 * Owns the daemon's state between two rounds. main.c calls it.
 */
#ifndef _TD_TICK_H
#define _TD_TICK_H

#include "act.h"
#include "budget.h"
#include "keep.h"
#include "plan.h"
#include "programs.h"
#include "recent.h"
#include "room.h"

/**
 * struct td_options - what the user has asked for
 * @interval_ns: from tick to tick
 * @rate: pages a second, 0 for what the driver's policy has
 * @once: one tick
 * @dry_run: say what would be moved
 * @json: a line of JSON for each tick
 * @conf: the files with patterns of cgroups
 * @nr_confs: how many
 */
struct td_options {
	__u64 interval_ns;
	__u64 rate;
	bool once;
	bool dry_run;
	bool json;
	const char *conf[TD_CONFS];
	unsigned int nr_confs;
};

/* The lists of pages that a tick looks at. */
enum { TD_HOT, TD_COLD_FAST, TD_COLD_SLOW, TD_LISTS };

/**
 * struct td_daemon - from tick to tick
 * @options: of the command line
 * @programs: the attached programs
 * @recent: what was done lately
 * @budget: what may be moved
 * @rooms: the room that there was
 * @cost_ns: what a page's move takes
 * @last_ns: when the last tick began
 * @watched: programs that may be touched
 * @done: what the last tick did
 * @list: what it looked at, with the fate of each
 * @gone: the driver is not there, which has been said
 * @off: its policy does not scan, which has been said
 */
struct td_daemon {
	struct td_options options;
	struct td_programs programs;
	struct td_recent recent;
	struct td_budget budget;
	struct td_rooms rooms;
	__u64 cost_ns;
	__u64 last_ns;
	int watched;
	struct td_done done;
	struct td_list list[TD_LISTS];
	bool gone;
	bool off;
};

/* 0 or -ENOMEM */
int td_daemon_init(struct td_daemon *d);
void td_daemon_end(struct td_daemon *d);
/* Returns 0 or -errno, of which -ENODEV says that the driver is not there. */
int td_tick(struct td_daemon *d);

#endif
