/* SPDX-License-Identifier: GPL-2.0 */
/* Agents as users name them and as tw shows them. */
#ifndef _TW_AGENTS_H
#define _TW_AGENTS_H

#include "cli.h"

/* agent_find.c */

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
/* The user's name, or the number; into a buffer of TEXT_LEN. */
const char *text_user(char *buf, __u32 uid);
/* "none", or bytes */
const char *text_limit(char *buf, __u64 pages, __u32 page_size);
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

/* agent_cgroup.c: the path of a default agent's cgroup, if it is to be seen. */
bool text_cgroup(char *buf, size_t len, __u64 id);
/*
 * A cgroup's path as the driver has it, into a buffer of PATH_MAX, of one that may
 * begin with /sys/fs/cgroup and end with /. 0 or -errno.
 */
int cgroup_path(const char *s, char *path);

/* agent_limit.c: limits as the command line has them */

/**
 * struct limit_args - what is to be set
 * @set: bit by tier
 * @bytes: by tier; TW_NO_LIMIT: none
 */
struct limit_args {
	unsigned int set;
	__u64 bytes[TW_NR_TIERS];
};

/* In pages, onto what there was. Says what is wrong: 0 or EXIT_USAGE. */
int limits_apply(const struct limit_args *args, __u32 page_size,
		 __u64 pages[TW_NR_TIERS]);

/* group_limit.c: limits of cgroups and users */

/**
 * struct group_name - whose limits
 * @path: a cgroup's; NULL: a user's
 * @uid: which user
 */
struct group_name {
	const char *path;
	__u32 uid;
};

/* The path in a buffer of PATH_MAX, as the driver has it. 0 or EXIT_USAGE. */
int parse_cgroup(const char *s, char *path);
/* "cgroup /a/b", "user nobody"; into a buffer of PATH_MAX + TEXT_LEN. */
const char *text_group(char *buf, const struct group_name *g);
/* These return an exit code. */
int group_limit(struct tw *tw, const struct group_name *g,
		const struct limit_args *args, bool json);
int group_limits_list(struct tw *tw, bool json);

/* agent.c: values by tier */
void json_tiers(const char *key, const __u64 v[TW_NR_TIERS]);
void json_limits(const char *key, const __u64 v[TW_NR_TIERS]);

#endif /* _TW_AGENTS_H */
