/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tiers.h - give the tiers small capacities, so that a job fills all of them
 */
#ifndef _TIERS_H
#define _TIERS_H

#include <stdint.h>
#include "tw.h"

/* Fractions of @pages for each tier; the last one takes what is left. */
void tiers_plan(uint64_t pages, uint64_t capacity[TW_NR_TIERS]);

/*
 * Unbind all five tiers and bind them again with these capacities, on the same
 * nodes and devices. Says what is wrong; 0 or -errno.
 */
int tiers_rebind(struct tw *tw, const uint64_t capacity[TW_NR_TIERS]);

/* All five bound? Says what is missing. */
int tiers_check(struct tw *tw);

#endif
