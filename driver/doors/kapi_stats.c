// SPDX-License-Identifier: GPL-2.0
/*
 * kapi_stats.c - statistics and settings of the documented API
 *
 * Owns nothing; called by other kernel modules. The functions of the ioctls do the
 * work, with the kernel's credentials where they check a capability. All of them may
 * sleep. No locks.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cred.h>
#include <linux/export.h>
#include <linux/math64.h>

#include "doors/kapi.h"
#include "doors/report_stats.h"
#include "policy/balance.h"
#include "tier_watch.h"
#include "tiers/bind.h"
#include "tiers/nodes.h"
#include "tiers/pressure.h"
#include "tiers/tier.h"

/* Calls @fn(@arg) with the kernel's rights. */
#define tw_as_kernel(fn, arg) ({					\
	const struct cred *__old = override_creds(tw_kapi_cred);		\
	int __err = fn(arg);						\
									\
	revert_creds(__old);						\
	__err;								\
})

/**
 * tier_watch_get_tier_info - capacity, use and speed of a tier
 * @tier: enum tier_watch_tier
 * @info: out
 *
 * May sleep.
 *
 * Return: 0 or -EINVAL.
 */
int tier_watch_get_tier_info(int tier, struct tier_info *info)
{
	struct tw_tier_info i = { .size = sizeof(i), .tier = tier };

	if (!tw_tier_valid(tier))
		return -EINVAL;
	tw_tier_get_info(&i);
	*info = (struct tier_info){
		.tier = tier,
		.bound = i.kind != TW_KIND_NONE,
		.capacity = i.capacity,
		.used = i.used,
		.latency_ns = i.latency_ns,
		.bandwidth = i.bandwidth,
		.nominal_latency_ns = i.nominal_latency_ns,
		.nominal_bandwidth = i.nominal_bandwidth,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_get_tier_info);

/**
 * tier_watch_get_pressure - pressure of a tier
 * @tier: enum tier_watch_tier
 * @pressure: out
 *
 * May sleep.
 *
 * Return: 0, -EINVAL, or -EOPNOTSUPP if the tier is not bound.
 */
int tier_watch_get_pressure(int tier, struct tier_pressure *pressure)
{
	struct tw_pressure p = { .size = sizeof(p), .tier = tier };
	int err;

	if (!tw_tier_valid(tier))
		return -EINVAL;
	err = tw_tier_get_pressure(&p);
	if (err)
		return err;
	*pressure = (struct tier_pressure){
		.level = p.level,
		.permille = p.permille,
		.capacity = p.capacity,
		.used = p.used,
		.stalls = p.stalls,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_get_pressure);

/**
 * tier_watch_set_pressure_thresholds - set the thresholds of a tier's pressure
 * @tier: enum tier_watch_tier
 * @enter: percent used from which the tier is on MEDIUM, HIGH and CRITICAL, rising
 * @leave: percent used below which it leaves each level, rising; below @enter
 *
 * May sleep.
 *
 * Return: 0 or -EINVAL.
 */
int tier_watch_set_pressure_thresholds(int tier, const u32 enter[3],
				       const u32 leave[3])
{
	struct tw_thresholds t = {
		.size = sizeof(t),
		.flags = TW_THRESHOLDS_SET,
		.tier = tier,
		.enter = { enter[0], enter[1], enter[2] },
		.leave = { leave[0], leave[1], leave[2] },
	};

	return tw_as_kernel(tw_thresholds_ioctl, &t);
}
EXPORT_SYMBOL_GPL(tier_watch_set_pressure_thresholds);

/**
 * tier_watch_get_fault_stats - a tier's faults since load or the last reset
 * @tier: enum tier_watch_tier
 * @stats: out
 *
 * May sleep.
 *
 * Return: 0 or -EINVAL.
 */
int tier_watch_get_fault_stats(int tier, struct fault_stats *stats)
{
	struct tw_fault_stats s = { .size = sizeof(s), .tier = tier };
	int err = tw_fault_stats_ioctl(&s);

	if (err)
		return err;
	*stats = (struct fault_stats){
		.minor = s.minor_read + s.minor_write,
		.major = s.major_read + s.major_write,
		.reads = s.minor_read + s.major_read,
		.writes = s.minor_write + s.major_write,
		.first = s.first,
		.reported = s.reported,
		.total_ns = s.fault_ns,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_get_fault_stats);

/**
 * tier_watch_reset_fault_stats - have a tier's fault statistics begin at 0 again
 * @tier: enum tier_watch_tier
 *
 * This affects tier_watch_get_fault_stats() and TW_IOC_FAULT_STATS; the counters of the
 * statistics page go on. May sleep.
 *
 * Return: 0 or -EINVAL.
 */
int tier_watch_reset_fault_stats(int tier)
{
	struct tw_fault_stats s = {
		.size = sizeof(s),
		.tier = tier,
		.flags = TW_FAULT_STATS_RESET,
	};

	return tw_as_kernel(tw_fault_stats_ioctl, &s);
}
EXPORT_SYMBOL_GPL(tier_watch_reset_fault_stats);

/**
 * tier_watch_get_module_stats - statistics and settings of the driver as a whole
 * @stats: out
 *
 * May sleep.
 *
 * Return: 0.
 */
int tier_watch_get_module_stats(struct module_stats *stats)
{
	struct tw_module_stats s = { .size = sizeof(s) };
	int err = tw_module_stats_ioctl(&s);

	if (err)
		return err;
	*stats = (struct module_stats){
		.pages_tracked = s.pages_tracked,
		.pages_external = s.pages_external,
		.faults = s.faults,
		.faults_reported = s.faults_reported,
		.migrations = s.migrations,
		.migrations_failed = s.migrations_failed,
		.migration_avg_ns = s.migrations ?
			div64_u64(s.migration_ns, s.migrations) : 0,
		.requests_queued = s.requests_queued,
		.memory_bytes = s.record_bytes + s.external_bytes +
				s.store_bytes + s.stream_bytes,
		.batch_size = s.batch_size,
		.hot_threshold = s.hot_threshold,
		.cold_threshold = s.cold_threshold,
		.auto_migration = s.auto_migration,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_get_module_stats);

/**
 * tier_watch_get_numa_stats - memory and touches of a NUMA node
 * @node: its number
 * @stats: out
 *
 * May sleep.
 *
 * Return: 0, -EINVAL, or -ENOENT if there is no such node.
 */
int tier_watch_get_numa_stats(int node, struct numa_stats *stats)
{
	struct tw_numa_stats s = { .size = sizeof(s), .node = node };
	int err = tw_numa_stats_ioctl(&s);

	if (err)
		return err;
	*stats = (struct numa_stats){
		.node = node,
		.tier = s.tier,
		.total_pages = s.total,
		.free_pages = s.free,
		.pages = s.pages,
		.local_accesses = s.local,
		.remote_accesses = s.remote,
		.migrations_in = s.moved_in,
	};
	return 0;
}
EXPORT_SYMBOL_GPL(tier_watch_get_numa_stats);

/**
 * tier_watch_balance_numa - move pages of the CPU tier to the nodes that touch them
 * @max: the most pages to move, 0 for all
 * @moved: out: pages moved; may be NULL
 *
 * Sleeps.
 *
 * Return: 0, -EOPNOTSUPP if there is no CPU tier, -EINTR, or -ENOMEM.
 */
int tier_watch_balance_numa(unsigned int max, u64 *moved)
{
	struct tw_numa_balance b = { .size = sizeof(b), .nr = max };
	int err = tw_as_kernel(tw_numa_balance_ioctl, &b);

	if (!err && moved)
		*moved = b.moved;
	return err;
}
EXPORT_SYMBOL_GPL(tier_watch_balance_numa);
