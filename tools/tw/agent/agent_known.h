/* SPDX-License-Identifier: GPL-2.0 */
/* What agents are called: the one place where a number gets a name. */
#ifndef _TW_AGENT_KNOWN_H
#define _TW_AGENT_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "machine/maps.h"
#include "tw.h"

/* Room for agent_text() of any agent. */
#define AGENT_TEXT_LEN	320
/* Bytes of a cgroup's path that are shown: its end. */
#define AGENT_PATH_LEN	256

/**
 * struct agent_known - an agent that there is, or was when it was last looked
 * @id: its label
 * @uid: whose it is
 * @is_default: of a cgroup, whose number @id is
 * @user_ns: of this user namespace
 * @cgroup: path of a default agent's cgroup; empty: not to be seen from here
 * @program: what the first process is called that has memory of it mapped; empty:
 *	there is none that may be looked into
 * @pid: that process, or 0
 */
struct agent_known {
	__u64 id;
	__u32 uid;
	bool is_default;
	__u64 user_ns;
	char cgroup[AGENT_PATH_LEN];
	char program[sizeof(((struct map_region *)0)->name)];
	__u32 pid;
};

/**
 * struct agents_known - the agents that there are, and how to look again
 * @tw: the device; the caller sets it, all else begins as 0
 * @agent: @nr of them
 * @last: what the last label was found to be, since many follow each other
 * @soon_ns: CLOCK_MONOTONIC; an agent that is missing is not looked for before
 * @late_ns: from then on what is known is too old
 *
 * Looking goes through all processes and all cgroups. However often names are
 * asked for, it takes a tenth of the time at most, and happens once a second at
 * most: who asks may get a name that is ten seconds old.
 */
struct agents_known {
	struct tw *tw;
	struct agent_known *agent;
	size_t nr;
	const struct agent_known *last;
	__u64 soon_ns;
	__u64 late_ns;
};

/*
 * These look when it takes that, and return NULL for one that is not known. What
 * they return is good until the next of them.
 *
 * An agent of a list.
 */
const struct agent_known *agent_known(struct agents_known *all,
				      const struct tw_agent_entry *e);
/* The only one of this label: where there are several, nobody knows which. */
const struct agent_known *agent_known_label(struct agents_known *all,
					    __u64 id);
void agents_known_free(struct agents_known *all);

/*
 * For programs: a cgroup's path, a program, or else the label. Into a buffer of
 * AGENT_TEXT_LEN, which is returned.
 */
const char *agent_name(char *buf, const struct agent_known *a, __u64 id);
/* For people: the same, a program's behind the label: "4711 redis-server". */
const char *agent_text(char *buf, const struct agent_known *a, __u64 id);

#endif /* _TW_AGENT_KNOWN_H */
