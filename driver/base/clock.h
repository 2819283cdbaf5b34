/* SPDX-License-Identifier: GPL-2.0 */
/*
 * clock.h - how long something short has taken
 *
 * Reading the kernel's clock twice for each fault would be half of what tracking adds to
 * it. So the CPU's own counter is read, as long as the kernel trusts it, and elsewhere the
 * kernel's clock. The counter's speed is that at load: in a virtual machine that has been
 * moved to a machine of another speed, times are wrong by as much. They are for
 * statistics only. Any room may call it, in any context. There are no locks.
 */
#ifndef _TW_CLOCK_H
#define _TW_CLOCK_H

#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/types.h>
#ifdef CONFIG_X86_TSC
#include <asm/tsc.h>
#endif

#define TW_CLOCK_SHIFT	20
#define TW_CLOCK_IS_NS	1ULL	/* in a reading: it is in ns, not in cycles */

/* ns in a cycle, times 1 << TW_CLOCK_SHIFT; 0 if cycles cannot be used. */
extern u32 tw_clock_mult;

void tw_clock_init(void);

static inline bool tw_clock_has_cycles(void)
{
#ifdef CONFIG_X86_TSC
	return likely(tw_clock_mult && !check_tsc_unstable());
#else
	return false;
#endif
}

/* A reading, which is not 0 and only good for tw_clock_since(). */
static inline u64 tw_clock(void)
{
#ifdef CONFIG_X86_TSC
	if (tw_clock_has_cycles())
		return rdtsc() & ~TW_CLOCK_IS_NS;
#endif
	return ktime_get_mono_fast_ns() | TW_CLOCK_IS_NS;
}

static inline u64 tw_clock_between(u64 from, u64 to)
{
	return likely(to > from) ? to - from : 0;	/* CPUs may differ by a little */
}

/*
 * How many ns have passed since the reading @then. 0 if cycles were counted that cannot be
 * trusted any more, which happens at most once.
 */
static inline u64 tw_clock_since(u64 then)
{
	if (unlikely(then & TW_CLOCK_IS_NS))
		return tw_clock_between(then, ktime_get_mono_fast_ns() | TW_CLOCK_IS_NS);
#ifdef CONFIG_X86_TSC
	if (tw_clock_has_cycles())
		return mul_u64_u32_shr(tw_clock_between(then, rdtsc()), tw_clock_mult,
				       TW_CLOCK_SHIFT);
#endif
	return 0;
}

#endif
