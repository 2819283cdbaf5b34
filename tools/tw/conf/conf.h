/* SPDX-License-Identifier: GPL-2.0 */
/* tierwatch.conf, as it was read. */
#ifndef _TW_CONF_H
#define _TW_CONF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "conf/policy_keys.h"
#include "tier/levels.h"
#include "tw.h"

#define CONF_PATH	"/etc/tierwatch.conf"
#define CONF_USER_LEN	33
#define CONF_STORE_LEN	80

/**
 * struct conf_tier - a [tier NAME]
 * @line: where it begins; 0: the file doesn't name this tier
 * @unbound: it is to have nothing
 * @movable: as tw tier bind --movable
 * @format: sign what has nothing on it
 * @capacity: bytes; 0: all there is
 * @nodes: a bit each; 0: all that fit
 * @leave: percent of each node left to others; below 0: as the driver does
 * @optional: its device may be absent
 * @device: of a store; empty: the one that is @store
 * @store: by what its signature says: "UUID=..." or "LABEL=..."; or empty
 * @levels: of its pressure
 */
struct conf_tier {
	unsigned int line;
	bool unbound;
	bool movable;
	bool format;
	__u64 capacity;
	__u64 nodes;
	int leave;
	bool optional;
	char device[PATH_MAX];
	char store[CONF_STORE_LEN];
	struct levels levels;
};

/* Is it to be on a device? What names none is to have NUMA nodes. */
static inline bool conf_is_store(const struct conf_tier *t)
{
	return *t->device || *t->store;
}

enum conf_whose { CONF_AGENT, CONF_USER, CONF_CGROUP, CONF_PATTERN };

/**
 * struct conf_agent - an [agent NUMBER], [agent PATTERN], [user NAME] or [cgroup PATH]
 * @file: in which it stands
 * @line: where it begins
 * @whose: which of them
 * @id: number of an agent
 * @user: whose; empty: of the user that applies this
 * @path: of a cgroup, or a pattern of such; to be freed
 * @set: bit by tier: there is a limit
 * @bytes: by tier, TW_NO_LIMIT: no limit
 */
struct conf_agent {
	const char *file;
	unsigned int line;
	enum conf_whose whose;
	__u64 id;
	char user[CONF_USER_LEN];
	char *path;
	unsigned int set;
	__u64 bytes[TW_NR_TIERS];
};

/**
 * struct conf_swap - [swap]
 * @line: where it begins; 0: there is none
 * @bytes: its size; 0: half of what the stores have free
 * @priority: below 0: above all other swap
 */
struct conf_swap {
	unsigned int line;
	__u64 bytes;
	int priority;
};

/**
 * struct conf - a file
 * @name: its path, for messages
 * @page_size: what sizes must be multiples of
 * @errors: how many were told of
 * @tiers: by enum tw_tier
 * @swap: [swap]
 * @policy_line: where [policy] begins; 0: there is none
 * @policy_set: bit by key
 * @policy: by key
 * @nr_agents: in @agents
 * @agents: to be freed with conf_free()
 */
struct conf {
	const char *name;
	__u32 page_size;
	unsigned int errors;
	struct conf_tier tiers[TW_NR_TIERS];
	struct conf_swap swap;
	unsigned int policy_line;
	unsigned int policy_set;
	__u32 policy[POLICY_NR_KEYS];
	unsigned int nr_agents;
	struct conf_agent *agents;
};

/*
 * Reads all of it and tells of each error, with its line. Returns 0, or -EINVAL
 * when there were any. Free it in any case. What was read of another file before stays.
 */
int conf_read(struct conf *c, FILE *f);
void conf_free(struct conf *c);
/* "tw: FILE:LINE: ..." */
void conf_error(struct conf *c, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts the policy of the file into @p; how many values that changes. */
unsigned int conf_policy(const struct conf *c, struct tw_policy *p);

#endif /* _TW_CONF_H */
