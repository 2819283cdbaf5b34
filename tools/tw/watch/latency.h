/* SPDX-License-Identifier: GPL-2.0 */
/* How long faults waited and moves took: the driver's histograms. */
#ifndef _TW_LATENCY_H
#define _TW_LATENCY_H

#include <linux/types.h>

#include "tw.h"

/* Below which time, in ns, what is in bucket @n took; 0: the last one has no end. */
__u64 latency_below(unsigned int n);
/* Below which time @permille of them took, by buckets; 0 if there is none. */
__u64 latency_quantile(const struct tw_stats_latency *l, unsigned int permille);
/* As tables: those that anything has happened to. */
void latency_print(const struct tw_stats *stats);
/* As a member "latency" of the object at hand. */
void latency_json(const struct tw_stats *stats);

#endif /* _TW_LATENCY_H */
