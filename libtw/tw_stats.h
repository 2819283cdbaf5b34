/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the mapped statistics without system calls. Any number of threads may use
 * this. Offsets and strides are read from the mapping, so a driver whose blocks are
 * longer or shorter than this header's will do: members that this header does not have
 * are skipped, and counters that the driver does not have read as 0. tw_stats_has()
 * tells whether the driver has a member of struct tw_stats that was added after
 * TW_STATS_SIZE_VER0.
 */
#ifndef _TW_STATS_H
#define _TW_STATS_H

#include <stddef.h>
#include <linux/tierwatch.h>

#if !defined(__LP64__) && (!defined(__GCC_ATOMIC_LLONG_LOCK_FREE) || \
			   __GCC_ATOMIC_LLONG_LOCK_FREE != 2)
#error "tw_stats.h: this machine can't load 64 bits in one piece"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the driver has this member of struct tw_stats. */
#define tw_stats_has(stats, member) \
	(offsetof(struct tw_stats, member) + \
	 sizeof(((struct tw_stats *)0)->member) <= (stats)->head_size)

/**
 * tw_stats_load - load a counter of the mapping in one piece
 * @counter: one of the u64 members of the mapping
 *
 * Return: its present value.
 */
static inline __u64 tw_stats_load(const __u64 *counter)
{
#ifdef __LP64__
	/*
	 * This is one load, as __atomic_load_n() would be, but compilers use
	 * better addressing modes for it.
	 */
	return *(const volatile __u64 *)counter;
#else
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
#endif
}

/**
 * tw_stats_tier_block - a tier's block in the mapping
 * @stats: the mapping
 * @tier: enum tw_tier, below @stats->nr_tiers
 *
 * Return: the block, which may change while it is read; see tw_stats_tier_read().
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
 * tw_stats_heat - how many pages of a tier are in a band of heat
 * @stats: the mapping
 * @tier: enum tw_tier, below @stats->nr_tiers
 * @band: number of the band, see TW_HEAT_BANDS
 *
 * Return: pages at the last scan; 0 if @band is not below @stats->heat_bands.
 */
static inline __u64 tw_stats_heat(const struct tw_stats *stats,
				  unsigned int tier, unsigned int band)
{
	const char *t = (const char *)tw_stats_tier_block(stats, tier);

	if (band >= stats->heat_bands)
		return 0;
	return tw_stats_load((const __u64 *)(t + stats->heat_offset) + band);
}

/**
 * tw_stats_tier_read - a consistent copy of a tier's block
 * @stats: the mapping
 * @tier: enum tw_tier, below @stats->nr_tiers
 * @copy: out
 *
 * All members are of one instant, except @used, @kept, @swap_used, @stalled10 and
 * @stalled60, which are read one by one.
 * Waits while the driver writes the block, which takes some instructions.
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
		copy->seq = seq;
		copy->bound = v->bound;
		copy->level = v->level;
		copy->kind = v->kind;
		copy->capacity = tw_stats_load(&t->capacity);
		copy->used = tw_stats_load(&t->used);
		copy->kept = tw_stats_load(&t->kept);
		copy->nominal_latency_ns =
			tw_stats_load(&t->nominal_latency_ns);
		copy->nominal_bandwidth =
			tw_stats_load(&t->nominal_bandwidth);
		copy->latency_ns = tw_stats_load(&t->latency_ns);
		copy->bandwidth = tw_stats_load(&t->bandwidth);
		copy->level_changes = tw_stats_load(&t->level_changes);
		copy->avoided_until_ns =
			tw_stats_load(&t->avoided_until_ns);
		/* An older driver's block ends before it. */
		copy->swap_used = stats->heat_offset >=
				  offsetof(struct tw_stats_tier, swap_used) +
				  sizeof(t->swap_used) ?
				  tw_stats_load(&t->swap_used) : 0;
		copy->stalled10 = 0;
		copy->stalled60 = 0;
		if (stats->heat_offset >= sizeof(*t)) {
			copy->stalled10 = v->stalled10;
			copy->stalled60 = v->stalled60;
		}
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
 * Return: the sum, which never gets smaller; 0 if the driver does not have the counter.
 */
static inline __u64 tw_stats_counter(const struct tw_stats *stats,
				     unsigned int tier, size_t member)
{
	unsigned int cpu;
	__u64 sum = 0;

	if (member + sizeof(__u64) > stats->counters_stride)
		return 0;
	for (cpu = 0; cpu < stats->nr_cpus; cpu++) {
		const char *c = (const char *)tw_stats_cpu_block(stats, cpu) +
				stats->counters_offset +
				(size_t)tier * stats->counters_stride;

		sum += tw_stats_load((const __u64 *)(c + member));
	}
	return sum;
}

/**
 * tw_stats_sum - all counters of a tier, summed over the CPUs
 * @stats: the mapping
 * @tier: enum tw_tier, below @stats->nr_tiers
 * @sum: out
 *
 * Each counter is exact, but they are not all of one instant.
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
 * tw_stats_latency_sum - a histogram of how long something took, over the CPUs
 * @stats: the mapping
 * @which: TW_LATENCY_WAIT() or TW_LATENCY_MOVE()
 * @sum: out; 0 throughout if the driver does not have it
 *
 * Each figure is exact, but they are not all of one instant. Buckets that the driver
 * has and this header has not count as the last one.
 *
 * Return: how often it happened.
 */
static inline __u64 tw_stats_latency_sum(const struct tw_stats *stats,
					 unsigned int which,
					 struct tw_stats_latency *sum)
{
	unsigned int cpu, i, n;
	__u64 value, all = 0;

	__builtin_memset(sum, 0, sizeof(*sum));
	if (stats->head_size < offsetof(struct tw_stats, latency_buckets) +
			       sizeof(stats->latency_buckets) ||
	    which >= stats->latencies)
		return 0;
	for (cpu = 0; cpu < stats->nr_cpus; cpu++) {
		const __u64 *l = (const __u64 *)
			((const char *)tw_stats_cpu_block(stats, cpu) +
			 stats->latency_offset +
			 (size_t)which * stats->latency_stride);

		sum->sum_ns += tw_stats_load(l);
		for (i = 0; i < stats->latency_buckets; i++) {
			n = i < TW_LATENCY_BUCKETS ? i : TW_LATENCY_BUCKETS - 1;
			value = tw_stats_load(l + 1 + i);
			sum->bucket[n] += value;
			all += value;
		}
	}
	return all;
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
		sum += tw_stats_load(&tw_stats_cpu_block(stats, cpu)->events);
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
		sum += tw_stats_load(&tw_stats_cpu_block(stats, cpu)->sigbus);
	return sum;
}

#ifdef __cplusplus
}
#endif

#endif /* _TW_STATS_H */
