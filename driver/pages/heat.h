/* SPDX-License-Identifier: GPL-2.0 */
/*
 * heat.h - the temperature of pages, and the rings of those worth moving
 *
 * Heat and age are hints in the record, changed without a lock: a race loses
 * one observation. Code that changes heat adds the page to a ring of candidates
 * (heat.c) when it gets into another band of heat. All higher rooms may call it.
 */
#ifndef _TW_HEAT_H
#define _TW_HEAT_H

#include <linux/log2.h>

#include "pages/record.h"

struct tw_cand_ring;

/* How much heat a fault, a sweep that finds the page touched, and a report add. */
#define TW_HEAT_FAULT	10
#define TW_HEAT_SEEN	10
#define TW_HEAT_REPORT	1

extern unsigned int tw_hot_threshold;	/* parameter hot_threshold */
extern unsigned int tw_cold_threshold;	/* parameter cold_threshold */
/* Do these two thresholds fit each other? */
bool tw_thresholds_fit(unsigned int cold, unsigned int hot);
/*
 * Sets the thresholds at once; NULL leaves one as it is. Returns 0, or -EINVAL if they
 * do not fit and nothing is set. Sleeps.
 */
int tw_heat_thresholds_set(const u32 *cold, const u32 *hot);

static inline u32 tw_heat_class(unsigned int heat, unsigned int age)
{
	if (heat > READ_ONCE(tw_hot_threshold))
		return TW_CLASS_HOT;
	if (heat < READ_ONCE(tw_cold_threshold) && age)
		return TW_CLASS_COLD;
	return TW_CLASS_WARM;
}

/* The band of a heat, 0..16, by powers of two: 0, 1, 2-3, 4-7, ... 32768-65535. */
static inline unsigned int tw_heat_band(unsigned int heat)
{
	return heat ? ilog2(heat) + 1 : 0;
}

/* Notes that a page got into another band of heat. Any context but NMI. */
void tw_heat_banded(u64 page, int tier, unsigned int heat);

/* Notes a touch of a page of a space: number @page, in @tier. */
static inline void tw_rec_touch(struct tw_rec *rec, u64 page, int tier,
				unsigned int weight)
{
	unsigned int old = READ_ONCE(rec->heat);
	unsigned int heat = min_t(unsigned int, old + weight, U16_MAX);

	WRITE_ONCE(rec->heat, heat);
	WRITE_ONCE(rec->age, 0);
	if (tw_heat_band(heat) != tw_heat_band(old))
		tw_heat_banded(page, tier, heat);
}

/* Notes that a sweep has found the page untouched. */
static inline void tw_rec_cool(struct tw_rec *rec, u64 page, int tier)
{
	unsigned int old = READ_ONCE(rec->heat);

	if (!old)
		return;
	WRITE_ONCE(rec->heat, old / 2);
	tw_heat_banded(page, tier, old / 2);	/* half as much is in another band */
}

/* The ring of pages that got into @band of heat in @tier, for candidates.c. */
struct tw_cand_ring *tw_heat_ring(int tier, unsigned int band);

int tw_heat_init(void);
void tw_heat_exit(void);

#endif
