// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - the statistics page
 *
 * Owns the area that /dev/tierwatch maps at offset 0: header, a block per
 * tier, a block per CPU number. It is laid out once at load; it never moves and
 * never grows. Readers find everything by the offsets and strides in the header.
 *
 * Locks: none here; stats.h says how each part is written. Any room may count, and
 * doors map the area and sum it up.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "base/compat.h"
#include "base/stats.h"

#define TW_STATS_TIER_OFFSET	ALIGN(sizeof(struct tw_stats), 64)
#define TW_STATS_HEAT_OFFSET	ALIGN(sizeof(struct tw_stats_tier), 64)
#define TW_STATS_TIER_STRIDE	ALIGN(TW_STATS_HEAT_OFFSET + \
				      TW_HEAT_BANDS * sizeof(u64), 64)
#define TW_STATS_CPU_OFFSET	(TW_STATS_TIER_OFFSET + \
				 TW_NR_TIERS * TW_STATS_TIER_STRIDE)
#define TW_STATS_CPU_STRIDE	ALIGN(sizeof(struct tw_stats_block), 64)

struct tw_stats *tw_stats;
DEFINE_PER_CPU(struct tw_stats_block *, tw_stats_cpu_ptr);

/* The specification's figures: ns and bytes per second. */
static const struct {
	u64 latency_ns;
	u64 bandwidth;
} tw_nominal[TW_NR_TIERS] = {
	[TW_TIER_GPU]	= { 200,	900000000000ULL },
	[TW_TIER_CPU]	= { 50,		100000000000ULL },
	[TW_TIER_NVME]	= { 20000,	7000000000ULL },
	[TW_TIER_SSD]	= { 100000,	550000000ULL },
	[TW_TIER_HDD]	= { 10000000,	200000000ULL },
};

/**
 * tw_stats_size - bytes of the mapping
 *
 * Return: a multiple of the page size.
 */
u32 tw_stats_size(void)
{
	return PAGE_ALIGN(TW_STATS_CPU_OFFSET +
			  nr_cpu_ids * TW_STATS_CPU_STRIDE);
}

/**
 * tw_stats_tier_block - a tier's block
 * @tier: enum tw_tier
 *
 * Return: the block, there from load to unload.
 */
struct tw_stats_tier *tw_stats_tier_block(int tier)
{
	return (void *)tw_stats + TW_STATS_TIER_OFFSET +
	       tier * TW_STATS_TIER_STRIDE;
}

/**
 * tw_stats_heat - a tier's pages by heat
 * @tier: enum tw_tier
 *
 * Return: TW_HEAT_BANDS figures, there from load to unload.
 */
u64 *tw_stats_heat(int tier)
{
	return (void *)tw_stats_tier_block(tier) + TW_STATS_HEAT_OFFSET;
}

/**
 * tw_stats_sum - counters of a tier, summed over the CPUs
 * @tier: enum tw_tier
 * @sum: out
 *
 * Each counter had its value at some time during the call, but not all at the same
 * time.
 */
void tw_stats_sum(int tier, struct tw_stats_counters *sum)
{
	u64 *to = (u64 *)sum;
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const u64 *from = (u64 *)&per_cpu(tw_stats_cpu_ptr, cpu)->tier[tier];

		for (i = 0; i < sizeof(*sum) / sizeof(u64); i++)
			to[i] += READ_ONCE(from[i]);
	}
}

u64 tw_stats_sum_at(int tier, size_t offset)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const void *from = &per_cpu(tw_stats_cpu_ptr, cpu)->tier[tier];

		sum += READ_ONCE(*(const u64 *)(from + offset));
	}
	return sum;
}

void tw_latency_count(unsigned int which, u64 ns)
{
	unsigned int n = min(fls64(ns), TW_LATENCY_BUCKETS - 1);
	struct tw_stats_latency *l;

	preempt_disable();
	l = &__this_cpu_read(tw_stats_cpu_ptr)->latency[which];
	WRITE_ONCE(l->bucket[n], l->bucket[n] + 1);
	WRITE_ONCE(l->sum_ns, l->sum_ns + ns);
	preempt_enable();
}

/**
 * tw_stats_mmap - map the statistics
 * @vma: mapping of /dev/tierwatch at offset 0, at most tw_stats_size() bytes
 *
 * Return: 0, -EACCES when the mapping is more than readable, -EINVAL.
 */
int tw_stats_mmap(struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > tw_stats_size())
		return -EINVAL;
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EACCES;
	vm_flags_clear(vma, VM_MAYWRITE | VM_MAYEXEC);
	/* Adds VM_DONTEXPAND and VM_DONTDUMP. */
	return remap_vmalloc_range(vma, tw_stats, 0);
}

static void tw_stats_fill(void)
{
	struct tw_stats *s = tw_stats;
	int tier, cpu;

	s->version = TW_STATS_VERSION;
	s->compat_version = TW_STATS_VERSION;
	s->size = tw_stats_size();
	s->nr_tiers = TW_NR_TIERS;
	s->tier_offset = TW_STATS_TIER_OFFSET;
	s->tier_stride = TW_STATS_TIER_STRIDE;
	s->nr_cpus = nr_cpu_ids;
	s->cpu_offset = TW_STATS_CPU_OFFSET;
	s->cpu_stride = TW_STATS_CPU_STRIDE;
	s->head_size = sizeof(*s);
	s->counters_offset = offsetof(struct tw_stats_block, tier);
	s->counters_stride = sizeof(struct tw_stats_counters);
	s->heat_offset = TW_STATS_HEAT_OFFSET;
	s->heat_bands = TW_HEAT_BANDS;
	s->latency_offset = offsetof(struct tw_stats_block, latency);
	s->latency_stride = sizeof(struct tw_stats_latency);
	s->latencies = TW_LATENCIES;
	s->latency_buckets = TW_LATENCY_BUCKETS;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		struct tw_stats_tier *t = tw_stats_tier_block(tier);

		t->nominal_latency_ns = tw_nominal[tier].latency_ns;
		t->nominal_bandwidth = tw_nominal[tier].bandwidth;
	}
	for_each_possible_cpu(cpu)
		per_cpu(tw_stats_cpu_ptr, cpu) = (void *)s +
			TW_STATS_CPU_OFFSET + cpu * TW_STATS_CPU_STRIDE;
}

/**
 * tw_stats_init - allocate and lay out the area at load, before anything counts
 *
 * Return: 0 or -ENOMEM.
 */
int tw_stats_init(void)
{
	tw_stats = vmalloc_user(tw_stats_size());
	if (!tw_stats)
		return -ENOMEM;
	tw_stats_fill();
	return 0;
}

/**
 * tw_stats_exit - free the area at unload, when nothing counts any more
 *
 * A mapping holds its file and so the module; thus none is left.
 */
void tw_stats_exit(void)
{
	vfree(tw_stats);
	tw_stats = NULL;
}
