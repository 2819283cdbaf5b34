/* SPDX-License-Identifier: GPL-2.0 */
/* The thresholds of a tier's levels of pressure, as people write them. */
#ifndef _TW_LEVELS_H
#define _TW_LEVELS_H

#include <stdbool.h>

#include "tw.h"

#define NR_LEVELS	3	/* LOW has no threshold */
#define LEVELS_LEN	96

/**
 * struct levels - thresholds that are to be set
 * @set: bit by level, MEDIUM first: it is to be set
 * @enter: percent of the room used from which a tier is on each
 * @leave: percent below which it leaves each
 */
struct levels {
	unsigned int set;
	__u32 enter[NR_LEVELS];
	__u32 leave[NR_LEVELS];
};

/* The number, MEDIUM first, of a level that has a threshold; -1: no such level. */
int levels_find(const char *name, size_t len);
/* Reads "ENTER" or "ENTER,LEAVE" for a level: 0 or -EINVAL. LEAVE is 5 less by itself. */
int levels_parse(struct levels *l, int level, const char *s);
/* Puts those that are set over those that hold. Whether the driver would take them. */
bool levels_merge(const struct levels *l, struct tw_thresholds *t);
/* "medium 70 until 65, ..." into a buffer of LEVELS_LEN, which is returned. */
const char *levels_text(char *buf, const struct tw_thresholds *t);

#endif /* _TW_LEVELS_H */
