// SPDX-License-Identifier: GPL-2.0
/*
 * The keys of the policy: those of struct tw_policy, and its modes.
 */
#include <errno.h>
#include <string.h>

#include "conf/policy_keys.h"
#include "tw.h"

const struct policy_key policy_keys[POLICY_NR_KEYS] = {
#define KEY(m, S) .name = #m, .offset = offsetof(struct tw_policy, m), \
	.set = TW_POLICY_SET_##S
#define MODE(n, b) .name = n, .bit = b, .max = 1, .on_off = true, \
	.offset = offsetof(struct tw_policy, mode), .unit = ""
	{ KEY(enabled, ENABLED), .max = TW_POLICY_WATCH, .on_off = true,
	  .watch = true, .unit = "", .text = "scan and move; watch: scan" },
	{ MODE("auto", TW_POLICY_AUTO),
	  .text = "hot is what fits the faster tier" },
	{ MODE("unmap", TW_POLICY_UNMAP),
	  .text = "unmap pages to see touches" },
	{ KEY(hot_threshold, HOT), .min = 2, .max = 65535, .unit = "heat",
	  .text = "above it a page is hot" },
	{ KEY(cold_threshold, COLD), .min = 1, .max = 65534, .unit = "heat",
	  .text = "below it an idle page is cold" },
	{ KEY(scan_permille, PERMILLE), .min = 1, .max = 1000, .unit = "of 1000",
	  .text = "of a CPU for scans, 1..1000" },
	{ KEY(scan_min_ms, MIN_MS), .min = 10, .max = 600000, .unit = "ms",
	  .text = "from scan to scan, at least, 10.." },
	{ KEY(scan_max_ms, MAX_MS), .min = 10, .max = 600000, .unit = "ms",
	  .text = "at most, ..600000" },
	{ KEY(free_permille, FREE), .min = 1, .max = 500, .unit = "of 1000",
	  .text = "of memory tiers kept free, 1..500" },
	{ KEY(min_stay, MIN_STAY), .max = 255, .unit = "scans",
	  .text = "a page stays where it was put, 0..255" },
	{ KEY(max_rate, MAX_RATE), .max = ~0U, .unit = "pages/s",
	  .text = "between two tiers, 0: no limit" },
#undef MODE
#undef KEY
};

__u32 policy_get(const struct tw_policy *p, const struct policy_key *k)
{
	__u32 v = *(const __u32 *)((const char *)p + k->offset);

	return k->bit ? !!(v & k->bit) : v;
}

void policy_put(struct tw_policy *p, const struct policy_key *k, __u32 value)
{
	__u32 *m = (__u32 *)((char *)p + k->offset);

	p->set |= k->set;
	p->mode_set |= k->bit;
	if (!k->bit)
		*m = value;
	else if (value)
		*m |= k->bit;
	else
		*m &= ~k->bit;
}

unsigned int policy_put_all(struct tw_policy *p, const __u32 values[POLICY_NR_KEYS],
			    unsigned int which)
{
	unsigned int i, changed = 0;

	for (i = 0; i < POLICY_NR_KEYS; i++) {
		if (!(which >> i & 1) || policy_get(p, &policy_keys[i]) == values[i])
			continue;
		policy_put(p, &policy_keys[i], values[i]);
		changed++;
	}
	return changed;
}

static const char * const switch_names[] = {
	[TW_POLICY_OFF]		= "off",
	[TW_POLICY_ON]		= "on",
	[TW_POLICY_WATCH]	= "watch",
};

const char *policy_switch_name(__u32 value)
{
	/* A later driver may know more; it is not off, then. */
	return value <= TW_POLICY_WATCH ? switch_names[value] : "on";
}

int policy_switch_parse(const struct policy_key *k, const char *s, __u32 *value)
{
	__u32 i, last = k->watch ? TW_POLICY_WATCH : TW_POLICY_ON;

	for (i = 0; i <= last; i++) {
		if (!strcmp(s, switch_names[i])) {
			*value = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *policy_switch_values(const struct policy_key *k)
{
	return k->watch ? "on, off or watch" : "on or off";
}
