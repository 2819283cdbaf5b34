/* SPDX-License-Identifier: GPL-2.0 */
/* Which section of tierwatch.conf speaks of a cgroup. */
#ifndef _TW_CONF_CGROUP_H
#define _TW_CONF_CGROUP_H

#include "agent/cgroup_pattern.h"
#include "conf/conf.h"

/*
 * The pattern that a cgroup's limits are by: of those that match it the one with the
 * greatest weight, of several of these the last. NULL if none does, or if a [cgroup PATH]
 * names it.
 */
const struct conf_agent *conf_pattern_of(const struct conf *c, const char *path);
/*
 * Calls @w->match with each cgroup that a pattern of the file matches, whether or not that
 * is what its limits are by. 0, what it returned, or -errno.
 */
int conf_pattern_walk(const struct conf *c, struct pattern_walk *w);
/*
 * The limits of the section, in pages, onto those that there are. Returns what differs
 * then, a bit by tier.
 */
unsigned int conf_limits(const struct conf *c, const struct conf_agent *a,
			 const __u64 now[TW_NR_TIERS], __u64 then[TW_NR_TIERS]);

#endif /* _TW_CONF_CGROUP_H */
