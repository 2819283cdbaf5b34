// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of [policy] in tierwatch.conf: those of struct tw_policy.
 */
#include "cli.h"
#include "conf_keys.h"

const struct policy_key policy_keys[CONF_POLICY_KEYS] = {
#define KEY(m)	.name = #m, .offset = offsetof(struct tw_policy, m)
#define MODE(n, b) .name = n, .bit = b, .max = 1, \
	.offset = offsetof(struct tw_policy, mode)
	{ KEY(enabled), .max = 1, .on_off = true },
	{ MODE("auto", TW_POLICY_AUTO), .on_off = true },
	{ MODE("unmap", TW_POLICY_UNMAP), .on_off = true },
	{ KEY(hot_threshold), .min = 2, .max = 65535 },
	{ KEY(cold_threshold), .min = 1, .max = 65534 },
	{ KEY(scan_permille), .min = 1, .max = 1000 },
	{ KEY(scan_min_ms), .min = 10, .max = 600000 },
	{ KEY(scan_max_ms), .min = 10, .max = 600000 },
	{ KEY(free_permille), .min = 1, .max = 500 },
	{ KEY(min_stay), .max = 255 },
	{ KEY(max_rate), .max = ~0U },
#undef MODE
#undef KEY
};

__u32 conf_policy_value(const struct tw_policy *p, unsigned int key)
{
	const struct policy_key *k = &policy_keys[key];
	__u32 v = *(const __u32 *)((const char *)p + k->offset);

	return k->bit ? !!(v & k->bit) : v;
}

const char *conf_policy_name(unsigned int key)
{
	return policy_keys[key].name;
}

static void set_value(struct tw_policy *p, const struct policy_key *k,
		      __u32 value)
{
	__u32 *m = (__u32 *)((char *)p + k->offset);

	if (!k->bit)
		*m = value;
	else if (value)
		*m |= k->bit;
	else
		*m &= ~k->bit;
}

unsigned int conf_policy(const struct conf *c, struct tw_policy *p)
{
	unsigned int i, changed = 0;

	for (i = 0; i < CONF_POLICY_KEYS; i++) {
		if (!(c->policy_set >> i & 1) ||
		    conf_policy_value(p, i) == c->policy[i])
			continue;
		set_value(p, &policy_keys[i], c->policy[i]);
		changed++;
	}
	return changed;
}
