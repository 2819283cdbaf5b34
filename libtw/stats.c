// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mapped statistics.
 */
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

/* Do all the blocks lie within what is mapped, and have what we know of? */
static bool layout_ok(const struct tw_stats *s, __u32 mapped)
{
	__u64 tiers = s->tier_offset + (__u64)s->nr_tiers * s->tier_stride;
	__u64 cpus = s->cpu_offset + (__u64)s->nr_cpus * s->cpu_stride;

	return s->compat_version <= TW_STATS_VERSION &&
	       s->version >= TW_STATS_VERSION &&
	       s->nr_tiers >= TW_NR_TIERS &&
	       s->tier_stride >= sizeof(struct tw_stats_tier) &&
	       s->cpu_stride >= sizeof(struct tw_stats_cpu) &&
	       tiers <= mapped && cpus <= mapped;
}

TW_API int tw_stats_map(struct tw *tw, const struct tw_stats **stats)
{
	const struct tw_stats *s, *other = NULL;
	const void *map;
	int err;

	s = __atomic_load_n(&tw->stats, __ATOMIC_ACQUIRE);
	if (s) {
		*stats = s;
		return 0;
	}
	if (tw->stats_size < sizeof(*s))
		return -EPROTO;
	err = tw_map_ro(tw->fd, tw->stats_size, &map);
	if (err)
		return err;
	s = map;
	if (!layout_ok(s, tw->stats_size)) {
		munmap((void *)s, tw->stats_size);
		return -EPROTO;
	}
	/* Another thread may have been first: then its mapping is the one. */
	if (!__atomic_compare_exchange_n(&tw->stats, &other, s, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		munmap((void *)s, tw->stats_size);
		s = other;
	}
	*stats = s;
	return 0;
}

static int map_for_tier(struct tw *tw, int tier, const struct tw_stats **stats)
{
	int err = tw_stats_map(tw, stats);

	if (err)
		return err;
	return tier < 0 || tier >= TW_NR_TIERS ? -EINVAL : 0;
}

TW_API int tw_stats_get_tier(struct tw *tw, int tier,
			     struct tw_stats_tier *copy)
{
	const struct tw_stats *stats;
	int err;

	err = map_for_tier(tw, tier, &stats);
	if (!err)
		tw_stats_tier_read(stats, tier, copy);
	return err;
}

TW_API int tw_stats_get_counters(struct tw *tw, int tier,
				 struct tw_stats_counters *sum)
{
	const struct tw_stats *stats;
	int err;

	err = map_for_tier(tw, tier, &stats);
	if (!err)
		tw_stats_sum(stats, tier, sum);
	return err;
}

TW_API int tw_module_stats(struct tw *tw, struct tw_module_stats *stats)
{
	struct tw_module_stats arg = { .size = sizeof(arg) };
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_MODULE_STATS, &arg);
	if (!err)
		*stats = arg;
	return err;
}
