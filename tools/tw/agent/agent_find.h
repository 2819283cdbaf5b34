/* SPDX-License-Identifier: GPL-2.0 */
/* Agents as users name them. */
#ifndef _TW_AGENT_FIND_H
#define _TW_AGENT_FIND_H

#include <stdbool.h>

#include "tw.h"

/**
 * struct agent_name - how a user names an agent
 * @id: its number
 * @is_own: the default one of this cgroup is meant, @id is found out
 * @is_default: a default one is meant; else it is only if no other has @id
 * @by_user: that of @uid is meant
 * @uid: whose
 * @user_ns: that of this user namespace is meant; 0: of any
 */
struct agent_name {
	__u64 id;
	bool is_own;
	bool is_default;
	bool by_user;
	__u32 uid;
	__u64 user_ns;
};

/* All that may be seen, to be freed. Returns how many, or -errno. */
int agents_load(struct tw *tw, struct tw_agent_entry **agents);
__u64 agent_pages(const struct tw_agent_entry *a);
/* These say what is wrong; they return 0 or EXIT_USAGE. */
int parse_agent(const char *s, struct agent_name *name);
int parse_user(const char *s, __u32 *uid);
int parse_agent_user(const char *s, struct agent_name *name);
int parse_agent_ns(const char *s, struct agent_name *name);
/* Says that there is no such agent. Returns EXIT_FAILURE. */
int agent_none(const struct agent_name *name);
/* Finds it, or says why not; returns 0 or the exit code. */
int agent_find(struct tw *tw, struct agent_name *name,
	       struct tw_agent_entry *agent);
/*
 * Finds it and opens it, to be changed: somebody else's only if it is said whose.
 * Close it when 0 is returned.
 */
int agent_open(struct tw *tw, struct agent_name *name,
	       struct tw_agent_entry *agent, struct tw_agent **opened);

#endif /* _TW_AGENT_FIND_H */
