/* SPDX-License-Identifier: GPL-2.0 */
/* Limits of cgroups and users. */
#ifndef _TW_GROUP_LIMIT_H
#define _TW_GROUP_LIMIT_H

#include <stdbool.h>
#include <linux/types.h>

#include "agent/agent_values.h"
#include "tw.h"

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

#endif /* _TW_GROUP_LIMIT_H */
