/* SPDX-License-Identifier: GPL-2.0 */
/* Agents' users, amounts and limits, by tier, as tw shows and takes them. */
#ifndef _TW_AGENT_VALUES_H
#define _TW_AGENT_VALUES_H

#include "tw.h"

/* The user's name, or the number; into a buffer of TEXT_LEN. */
const char *text_user(char *buf, __u32 uid);
/* "none", or bytes */
const char *text_limit(char *buf, __u64 pages, __u32 page_size);

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

void json_tiers(const char *key, const __u64 v[TW_NR_TIERS]);
void json_limits(const char *key, const __u64 v[TW_NR_TIERS]);

#endif /* _TW_AGENT_VALUES_H */
