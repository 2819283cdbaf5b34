/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stats.h - the statistics page
 *
 * One vmalloc_user() area, laid out as struct tw_stats in uapi, mapped
 * read-only by anybody who may open the device. Counters live in it, there is
 * no second copy: per-CPU blocks are written by their CPU with preemption off
 * (process context only, but for tw_count_irq()), global ones are atomics in
 * place, a tier's block is written under tw_tier_desc.pressure_lock with its
 * seqcount.
 */
#ifndef _TW_STATS_H
#define _TW_STATS_H

#include <linux/atomic.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/tierwatch.h>

struct vm_area_struct;

/**
 * struct tw_stats_block - a CPU's block as this driver lays it out
 * @cpu: counters that do not depend on a tier
 * @tier: counters of each tier
 * @latency: histograms
 */
struct tw_stats_block {
	struct tw_stats_cpu cpu;
	struct tw_stats_counters tier[TW_NR_TIERS];
	struct tw_stats_latency latency[TW_LATENCIES];
};

extern struct tw_stats *tw_stats;
DECLARE_PER_CPU(struct tw_stats_block *, tw_stats_cpu_ptr);

int tw_stats_init(void);
void tw_stats_exit(void);
int tw_stats_mmap(struct vm_area_struct *vma);
u32 tw_stats_size(void);
struct tw_stats_tier *tw_stats_tier_block(int tier);
u64 *tw_stats_heat(int tier);	/* TW_HEAT_BANDS entries */
void tw_stats_sum(int tier, struct tw_stats_counters *sum);
u64 tw_stats_sum_at(int tier, size_t offset);
/* One of them alone, as in tw_stats_sum_of(tier, refaults): there may be many CPUs. */
#define tw_stats_sum_of(_tier, _field) \
	tw_stats_sum_at(_tier, offsetof(struct tw_stats_counters, _field))

/*
 * Takes a time into histogram @which of this CPU: TW_LATENCY_WAIT() or
 * TW_LATENCY_MOVE(). Process context.
 */
void tw_latency_count(unsigned int which, u64 ns);

/* Adds to a tier's counter of this CPU, as in tw_count(tier, moves_in, 1). */
#define tw_count(_tier, _field, _n) do {				\
	struct tw_stats_counters *__c;					\
									\
	preempt_disable();						\
	__c = &__this_cpu_read(tw_stats_cpu_ptr)->tier[_tier];		\
	WRITE_ONCE(__c->_field, __c->_field + (_n));			\
	preempt_enable();						\
} while (0)

/*
 * The same for counters that interrupts add to, too. Such a counter must be written
 * by this macro only, or an interrupt's addition could be lost.
 */
#define tw_count_irq(_tier, _field, _n) do {				\
	struct tw_stats_counters *__c;					\
	unsigned long __flags;						\
									\
	local_irq_save(__flags);					\
	__c = &__this_cpu_read(tw_stats_cpu_ptr)->tier[_tier];		\
	WRITE_ONCE(__c->_field, __c->_field + (_n));			\
	local_irq_restore(__flags);					\
} while (0)

/* Adds to a counter of this CPU that does not depend on a tier. */
#define tw_count_cpu(_field, _n) do {					\
	struct tw_stats_cpu *__c;					\
									\
	preempt_disable();						\
	__c = &__this_cpu_read(tw_stats_cpu_ptr)->cpu;			\
	WRITE_ONCE(__c->_field, __c->_field + (_n));			\
	preempt_enable();						\
} while (0)

/* Adds to a global counter, as in tw_global_add(record_bytes, n). Any context. */
#define tw_global_add(_field, _n) \
	atomic64_add((_n), (atomic64_t *)&tw_stats->_field)

#endif
