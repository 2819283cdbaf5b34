// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mapped statistics.
 */
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

/* Whether a tier's block has room for its first published part and its pages by heat. */
static bool tier_ok(const struct tw_stats *s)
{
	__u64 end = s->heat_offset + s->heat_bands * (__u64)sizeof(__u64);

	return s->nr_tiers >= TW_NR_TIERS && s->heat_bands >= TW_HEAT_BANDS &&
	       s->heat_offset >= TW_STATS_TIER_SIZE_VER0 &&
	       end <= s->tier_stride;
}

/* Whether a CPU's block has room for its first published part and the tiers' counters. */
static bool cpu_ok(const struct tw_stats *s)
{
	__u64 end = s->counters_offset +
		    (__u64)s->nr_tiers * s->counters_stride;

	return s->counters_offset >= TW_STATS_CPU_SIZE_VER0 &&
	       s->counters_stride >= TW_STATS_COUNTERS_SIZE_VER0 &&
	       end <= s->cpu_stride;
}

/*
 * Whether all blocks lie within the mapping and have the part that was published first.
 * A driver that is older than this header need not have more than that.
 */
static bool layout_ok(const struct tw_stats *s, __u32 mapped)
{
	__u64 tiers = s->tier_offset + (__u64)s->nr_tiers * s->tier_stride;
	__u64 cpus = s->cpu_offset + (__u64)s->nr_cpus * s->cpu_stride;
	__u32 all = s->tier_offset | s->tier_stride | s->heat_offset |
		    s->cpu_offset | s->cpu_stride | s->counters_offset |
		    s->counters_stride;

	return s->compat_version <= TW_STATS_VERSION &&
	       s->version >= TW_STATS_VERSION &&
	       s->head_size >= TW_STATS_SIZE_VER0 &&
	       s->tier_offset >= s->head_size &&
	       all % sizeof(__u64) == 0 && tier_ok(s) && cpu_ok(s) &&
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
	if (tw->stats_size < TW_STATS_SIZE_VER0)
		return -EPROTO;
	err = tw_map_ro(tw->fd, tw->stats_size, &map);
	if (err)
		return err;
	s = map;
	if (!layout_ok(s, tw->stats_size)) {
		munmap((void *)s, tw->stats_size);
		return -EPROTO;
	}
	/* If another thread was faster, its mapping is used. */
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

TW_API int tw_stats_get_tier_v1(struct tw *tw, int tier,
				struct tw_stats_tier *copy, size_t size)
{
	const struct tw_stats *stats;
	struct tw_stats_tier t;
	int err;

	err = map_for_tier(tw, tier, &stats);
	if (err)
		return err;
	tw_stats_tier_read(stats, tier, &t);
	tw_give(copy, size, &t, sizeof(t));
	return 0;
}

TW_API int tw_stats_get_counters_v1(struct tw *tw, int tier,
				    struct tw_stats_counters *sum, size_t size)
{
	const struct tw_stats *stats;
	struct tw_stats_counters c;
	int err;

	err = map_for_tier(tw, tier, &stats);
	if (err)
		return err;
	tw_stats_sum(stats, tier, &c);
	tw_give(sum, size, &c, sizeof(c));
	return 0;
}

TW_API int tw_module_stats_v1(struct tw *tw, struct tw_module_stats *stats,
			      size_t size)
{
	const struct tw_module_stats in = { .size = sizeof(in) };

	return tw_ioctl_out(tw->fd, TW_IOC_MODULE_STATS, &in, sizeof(in), stats,
			    size);
}
