/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the mapped statistics, without system calls. All of it may be used
 * by any number of threads. Offsets and strides come from the mapping, so a
 * driver with larger blocks than this header's is fine.
 */
#ifndef _TW_STATS_H
#define _TW_STATS_H

#include <stddef.h>
#include <linux/tierwatch.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * tw_stats_tier_block - a tier's block in the mapping
 * @stats: the mapping
 * @tier: enum tw_tier, below @stats->nr_tiers
 *
 * Return: the block; it changes while you look, see tw_stats_tier_read().
 */
static inline const struct tw_stats_tier *
tw_stats_tier_block(const struct tw_stats *stats, unsigned int tier)
{
	return (const struct tw_stats_tier *)((const char *)stats +
		stats->tier_offset + (size_t)tier * stats->tier_stride);
}

/**
 * tw_stats_cpu_block - a CPU's counters in the mapping
 * @stats: the mapping
 * @cpu: below @stats->nr_cpus
 *
 * Return: the block.
 */
static inline const struct tw_stats_cpu *
tw_stats_cpu_block(const struct tw_stats *stats, unsigned int cpu)
{
	return (const struct tw_stats_cpu *)((const char *)stats +
		stats->cpu_offset + (size_t)cpu * stats->cpu_stride);
}

/**
 * tw_stats_tier_read - a consistent copy of a tier's block
 * @stats: the mapping
 * @tier: enum tw_tier, below @stats->nr_tiers
 * @copy: where to
 *
 * @used and @kept are the ones of the moment, the others are of one instant.
 * @copy's reserved members are left alone.
 */
static inline void tw_stats_tier_read(const struct tw_stats *stats,
				      unsigned int tier,
				      struct tw_stats_tier *copy)
{
	const struct tw_stats_tier *t = tw_stats_tier_block(stats, tier);
	const volatile struct tw_stats_tier *v = t;
	__u32 seq;

	do {
		seq = __atomic_load_n(&t->seq, __ATOMIC_ACQUIRE);
		/*
		 * One load each, as __atomic_load_n() would; the compiler
		 * makes better addresses of these.
		 */
		copy->seq = seq;
		copy->bound = v->bound;
		copy->level = v->level;
		copy->kind = v->kind;
		copy->capacity = v->capacity;
		copy->used = v->used;
		copy->kept = v->kept;
		copy->nominal_latency_ns = v->nominal_latency_ns;
		copy->nominal_bandwidth = v->nominal_bandwidth;
		copy->latency_ns = v->latency_ns;
		copy->bandwidth = v->bandwidth;
		copy->level_changes = v->level_changes;
		copy->avoided_until_ns = v->avoided_until_ns;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((seq & 1) ||
		 __atomic_load_n(&t->seq, __ATOMIC_RELAXED) != seq);
}

/**
 * tw_stats_counter - one counter of a tier, summed over the CPUs
 * @stats: the mapping
 * @tier: enum tw_tier, below @stats->nr_tiers
 * @member: offsetof(struct tw_stats_counters, ...)
 *
 * Return: the sum. It never goes backwards.
 */
static inline __u64 tw_stats_counter(const struct tw_stats *stats,
				     unsigned int tier, size_t member)
{
	unsigned int cpu;
	__u64 sum = 0;

	for (cpu = 0; cpu < stats->nr_cpus; cpu++) {
		const struct tw_stats_cpu *c = tw_stats_cpu_block(stats, cpu);

		sum += __atomic_load_n((const __u64 *)
				       ((const char *)&c->tier[tier] + member),
				       __ATOMIC_RELAXED);
	}
	return sum;
}

/**
 * tw_stats_sum - all counters of a tier, summed over the CPUs
 * @stats: the mapping
 * @tier: enum tw_tier, below @stats->nr_tiers
 * @sum: where to
 *
 * Each counter by itself is exact; they aren't of one instant.
 */
static inline void tw_stats_sum(const struct tw_stats *stats,
				unsigned int tier,
				struct tw_stats_counters *sum)
{
	size_t i;

	for (i = 0; i < sizeof(*sum); i += sizeof(__u64))
		*(__u64 *)((char *)sum + i) = tw_stats_counter(stats, tier, i);
}

/**
 * tw_stats_events - events published to streams since load
 * @stats: the mapping
 *
 * Return: the sum over the CPUs.
 */
static inline __u64 tw_stats_events(const struct tw_stats *stats)
{
	unsigned int cpu;
	__u64 sum = 0;

	for (cpu = 0; cpu < stats->nr_cpus; cpu++)
		sum += __atomic_load_n(&tw_stats_cpu_block(stats, cpu)->events,
				       __ATOMIC_RELAXED);
	return sum;
}

/**
 * tw_stats_sigbus - faults that ended in SIGBUS since load
 * @stats: the mapping
 *
 * Return: the sum over the CPUs.
 */
static inline __u64 tw_stats_sigbus(const struct tw_stats *stats)
{
	unsigned int cpu;
	__u64 sum = 0;

	for (cpu = 0; cpu < stats->nr_cpus; cpu++)
		sum += __atomic_load_n(&tw_stats_cpu_block(stats, cpu)->sigbus,
				       __ATOMIC_RELAXED);
	return sum;
}

#ifdef __cplusplus
}
#endif

#endif /* _TW_STATS_H */
