// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - the state of a tier by mapping and by ioctl
 */
#include "bench.h"

#define TURNS	1000

static const struct tw_stats *stats;
static struct tw *device;

static inline void use(uint64_t value)
{
	asm volatile("" : : "r" (value));
}

static void by_nothing(void)
{
	asm volatile("" : : : "memory");
}

/* Three loads: what a program that watches pressure wants to know. */
static void by_level(void)
{
	const struct tw_stats_tier *t = tw_stats_tier_block(stats, TW_TIER_CPU);

	use(__atomic_load_n(&t->level, __ATOMIC_RELAXED));
	use(__atomic_load_n(&t->used, __ATOMIC_RELAXED));
	use(__atomic_load_n(&t->capacity, __ATOMIC_RELAXED));
}

static void by_block(void)
{
	struct tw_stats_tier copy;

	tw_stats_tier_read(stats, TW_TIER_CPU, &copy);
	asm volatile("" : : "r" (&copy) : "memory");
}

static void by_get_tier(void)
{
	struct tw_stats_tier copy;

	tw_stats_get_tier(device, TW_TIER_CPU, &copy);
}

static void by_counter(void)
{
	use(tw_stats_counter(stats, TW_TIER_CPU,
			     offsetof(struct tw_stats_counters, first)));
}

static void by_sum(void)
{
	struct tw_stats_counters sum;

	tw_stats_sum(stats, TW_TIER_CPU, &sum);
	asm volatile("" : : "r" (&sum) : "memory");
}

static void by_pressure_ioctl(void)
{
	struct tw_pressure p;

	tw_pressure(device, TW_TIER_CPU, &p);
}

static void by_tier_info_ioctl(void)
{
	struct tw_tier_info info;

	tw_tier_info(device, TW_TIER_CPU, &info);
}

static uint64_t turns(void (*get)(void))
{
	struct watch w;
	unsigned int i;

	watch_start(&w);
	for (i = 0; i < TURNS; i++)
		get();
	watch_stop(&w);
	return w.busy;
}

/* Without the loop and the call. */
static void stats_by(const char *name, void (*get)(void))
{
	struct samples s = { .nr = 0 };

	while (s.nr < MAX_ROUNDS) {
		uint64_t loop = turns(by_nothing), all = turns(get);

		sample(&s, all > loop ? all - loop : 0, TURNS);
	}
	report(name, &s);
}

void bench_stats(struct tw *tw)
{
	int err = tw_stats_map(tw, &stats);

	if (err)
		die("tw_stats_map", err);
	device = tw;
	stats_by("stats-level-used", by_level);
	stats_by("stats-tier", by_block);
	stats_by("stats-tier-call", by_get_tier);
	stats_by("stats-counter", by_counter);
	stats_by("stats-counters", by_sum);
	stats_by("ioctl-pressure", by_pressure_ioctl);
	stats_by("ioctl-tier-info", by_tier_info_ioctl);
}
