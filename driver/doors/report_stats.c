// SPDX-License-Identifier: GPL-2.0
/*
 * report_stats.c - statistics by ioctl: a tier's faults since a reset, and totals
 *
 * Owns the values that the fault counters had at their last reset. The counters
 * themselves are those of the statistics page and only grow.
 *
 * Locks: tw_fault_base_lock (a mutex, innermost) guards those values, so that no fault
 * is missed or counted twice between the figures that a reset returns and later ones.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/mutex.h>

#include "base/stats.h"
#include "doors/report_stats.h"
#include "moving/queue.h"
#include "pages/heat.h"
#include "policy/knobs.h"
#include "tiers/tier.h"

static DEFINE_MUTEX(tw_fault_base_lock);
static struct tw_stats_counters tw_fault_base[TW_NR_TIERS];

/**
 * tw_fault_stats_ioctl - TW_IOC_FAULT_STATS
 * @arg: the ioctl's argument
 *
 * Also for /proc and other kernel modules. Sleeps.
 *
 * Return: 0, -EINVAL, or -EPERM for a reset without CAP_SYS_ADMIN.
 */
int tw_fault_stats_ioctl(struct tw_fault_stats *arg)
{
	struct tw_stats_counters now, *base;

	if ((arg->flags & ~TW_FAULT_STATS_FLAGS) || arg->reserved ||
	    arg->tier >= TW_NR_TIERS)
		return -EINVAL;
	if ((arg->flags & TW_FAULT_STATS_RESET) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	base = &tw_fault_base[arg->tier];

	mutex_lock(&tw_fault_base_lock);
	tw_stats_sum(arg->tier, &now);
	arg->minor_read = now.minor_read - base->minor_read;
	arg->minor_write = now.minor_write - base->minor_write;
	arg->major_read = now.major_read - base->major_read;
	arg->major_write = now.major_write - base->major_write;
	arg->first = now.first - base->first;
	arg->reported = now.reported - base->reported;
	arg->fault_ns = now.fault_ns - base->fault_ns;
	if (arg->flags & TW_FAULT_STATS_RESET)
		*base = now;
	mutex_unlock(&tw_fault_base_lock);
	return 0;
}

#define tw_global_read(_field) \
	((u64)atomic64_read((atomic64_t *)&tw_stats->_field))

static void tw_module_tier(struct tw_module_stats *arg, int tier)
{
	struct tw_stats_counters sum;

	tw_stats_sum(tier, &sum);
	arg->pages_tracked += tw_tier_used(&tw_tiers[tier]);
	arg->faults += sum.minor_read + sum.minor_write + sum.major_read +
		       sum.major_write;
	arg->faults_reported += sum.reported;
	arg->migrations += sum.moves_out;
	arg->migrations_failed += sum.moves_failed;
	arg->migration_ns += sum.move_ns;
}

/**
 * tw_module_stats_ioctl - TW_IOC_MODULE_STATS
 * @arg: the ioctl's argument
 *
 * Also for /proc and other kernel modules.
 *
 * Return: 0 or -EINVAL.
 */
int tw_module_stats_ioctl(struct tw_module_stats *arg)
{
	int tier, cpu;

	if (arg->flags)
		return -EINVAL;
	*arg = (struct tw_module_stats){
		.size = arg->size,
		.pages_external = tw_global_read(external),
		.lost = tw_global_read(lost),
		.requests_queued = tw_global_read(requests_queued),
		.requests_done = tw_global_read(requests_done),
		.requests_failed = tw_global_read(requests_failed),
		.requests_cancelled = tw_global_read(requests_cancelled),
		.regions = tw_global_read(regions),
		.agents = tw_global_read(agents),
		.streams = tw_global_read(streams),
		.record_bytes = tw_global_read(record_bytes),
		.external_bytes = tw_global_read(external_bytes),
		.store_bytes = tw_global_read(store_bytes),
		.stream_bytes = tw_global_read(stream_bytes),
		.batch_size = tw_migration_batch(),
		.hot_threshold = READ_ONCE(tw_hot_threshold),
		.cold_threshold = READ_ONCE(tw_cold_threshold),
		.auto_migration = tw_auto_migration(),
	};
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		tw_module_tier(arg, tier);
	arg->pages_tracked += arg->pages_external;
	for_each_possible_cpu(cpu) {
		const struct tw_stats_cpu *c = &per_cpu(tw_stats_cpu_ptr, cpu)->cpu;

		arg->events += READ_ONCE(c->events);
		arg->sigbus += READ_ONCE(c->sigbus);
	}
	return 0;
}
