// SPDX-License-Identifier: GPL-2.0
/*
 * clock.c - how fast the CPU's counter is
 *
 * Owns the factor that clock.h uses, which is set once at load.
 *
 * Locks: none.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cache.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/time64.h>

#include "base/clock.h"

u32 tw_clock_mult __read_mostly;

/**
 * tw_clock_init - at load
 *
 * What the kernel finds out later about the counter's speed, within its first seconds,
 * changes it by less than a hundredth.
 */
void tw_clock_init(void)
{
#ifdef CONFIG_X86_TSC
	u64 mult = tsc_khz ? div_u64((u64)NSEC_PER_MSEC << TW_CLOCK_SHIFT, tsc_khz) : 0;

	if (mult <= U32_MAX)
		tw_clock_mult = mult;
#endif
}
