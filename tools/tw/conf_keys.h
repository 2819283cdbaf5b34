/* SPDX-License-Identifier: GPL-2.0 */
/* What a section of tierwatch.conf may say. */
#ifndef _TW_CONF_KEYS_H
#define _TW_CONF_KEYS_H

#include "conf.h"

/**
 * struct policy_key - a key of [policy]
 * @name: as in struct tw_policy; a mode's is its own
 * @offset: of the member in struct tw_policy
 * @bit: of a mode; 0: the whole member
 * @min: least value
 * @max: greatest value
 * @on_off: on or off, else a number
 */
struct policy_key {
	const char *name;
	size_t offset;
	__u32 bit;
	__u32 min, max;
	bool on_off;
};

extern const struct policy_key policy_keys[CONF_POLICY_KEYS];

#endif /* _TW_CONF_KEYS_H */
