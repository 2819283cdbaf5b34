/* SPDX-License-Identifier: GPL-2.0 */
/* The keys of the policy, as tw policy and tierwatch.conf name them. */
#ifndef _TW_POLICY_KEYS_H
#define _TW_POLICY_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "tw.h"

#define POLICY_NR_KEYS	11

/**
 * struct policy_key - a key
 * @name: as in struct tw_policy; a mode's is its own
 * @offset: of the member in struct tw_policy
 * @bit: of a mode; 0: the whole member
 * @set: names the member in tw_policy.set; 0: a mode
 * @min: least value
 * @max: greatest value
 * @on_off: on or off, else a number
 * @watch: "watch", which is TW_POLICY_WATCH, is a third value beside on and off
 * @unit: of a number, "" without one
 * @text: what it does
 */
struct policy_key {
	const char *name;
	size_t offset;
	__u32 bit;
	__u32 set;
	__u32 min, max;
	bool on_off;
	bool watch;
	const char *unit;
	const char *text;
};

extern const struct policy_key policy_keys[POLICY_NR_KEYS];

__u32 policy_get(const struct tw_policy *p, const struct policy_key *k);
/* For tw_policy_set(), which sets what has been put and nothing else. */
void policy_put(struct tw_policy *p, const struct policy_key *k, __u32 value);
/* Puts those of @values, by key, whose bit is in @which; how many that changes. */
unsigned int policy_put_all(struct tw_policy *p, const __u32 values[POLICY_NR_KEYS],
			    unsigned int which);

/* How a value of a key that is on or off is called. */
const char *policy_switch_name(__u32 value);
/* Reads one: 0, or -EINVAL for what the key cannot be. */
int policy_switch_parse(const struct policy_key *k, const char *s, __u32 *value);
/* What the key may be, for messages. */
const char *policy_switch_values(const struct policy_key *k);

#endif /* _TW_POLICY_KEYS_H */
