/* SPDX-License-Identifier: GPL-2.0 */
/* Agents as users name them and as tw shows them. */
#ifndef _TW_AGENTS_H
#define _TW_AGENTS_H

#include "cli.h"

/* agent_find.c */

/**
 * struct agent_name - how a user names an agent
 * @id: its number
 * @is_default: the default one of this cgroup is meant, @id is found out
 * @by_user: that of @uid is meant
 * @uid: whose
 * @user_ns: that of this user namespace is meant; 0: of any
 */
struct agent_name {
	__u64 id;
	bool is_default;
	bool by_user;
	__u32 uid;
	__u64 user_ns;
};

/* All that may be seen, to be freed. Returns how many, or -errno. */
int agents_load(struct tw *tw, struct tw_agent_entry **agents);
__u64 agent_pages(const struct tw_agent_entry *a);
/* The user's name, or the number; into a buffer of TEXT_LEN. */
const char *text_user(char *buf, __u32 uid);
/* "none", or bytes */
const char *text_limit(char *buf, __u64 pages, __u32 page_size);
/* These say what is wrong; they return 0 or EXIT_USAGE. */
int parse_agent(const char *s, struct agent_name *name);
int parse_user(const char *s, __u32 *uid);
/* Says that there is no such agent. Returns EXIT_FAILURE. */
int agent_none(const struct agent_name *name);
/* Finds it, or says why not; returns 0 or the exit code. */
int agent_find(struct tw *tw, struct agent_name *name,
	       struct tw_agent_entry *agent);

/* agent_cgroup.c: the path of a default agent's cgroup, if it is to be seen. */
bool text_cgroup(char *buf, size_t len, __u64 id);

/* agent.c: values by tier */
void json_tiers(const char *key, const __u64 v[TW_NR_TIERS]);
void json_limits(const char *key, const __u64 v[TW_NR_TIERS]);

#endif /* _TW_AGENTS_H */
