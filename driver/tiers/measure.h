/* SPDX-License-Identifier: GPL-2.0 */
/*
 * measure.h - how fast a tier of memory is
 *
 * A backend of memory calls it under tw_tier_mutex while it binds a tier.
 */
#ifndef _TW_MEASURE_H
#define _TW_MEASURE_H

struct tw_tier_desc;

void tw_memory_measure(struct tw_tier_desc *t);

#endif
