// SPDX-License-Identifier: GPL-2.0
/*
 * tw metrics: histograms of how long faults waited and moves took.
 *
 * A bucket ends at each power of two from 1 us on, which Prometheus turns into native
 * histograms without a loss; what was faster is in the first.
 */
#include <stdio.h>

#include "watch/latency.h"
#include "watch/metrics.h"

/* The first and the last bucket that has a line of its own: 2^10 and 2^35 ns. */
#define FIRST	10
#define LAST	35

static void put_histogram(FILE *f, const struct metric *m, const char *whose,
			  const struct tw_stats_latency *l, __u64 count)
{
	char labels[160];
	unsigned int n;
	__u64 sum = 0;

	for (n = 0; n < TW_LATENCY_BUCKETS; n++) {
		/* What took exactly 2^n ns is in the next one; le is as good as lt. */
		sum += l->bucket[n];
		if (n < FIRST || n > LAST)
			continue;
		snprintf(labels, sizeof(labels), "%s,le=\"%.9f\"", whose,
			 latency_below(n) / 1e9);
		metric_part(f, m, "_bucket", labels, sum, METRIC_PLAIN);
	}
	snprintf(labels, sizeof(labels), "%s,le=\"+Inf\"", whose);
	metric_part(f, m, "_bucket", labels, count, METRIC_PLAIN);
	metric_part(f, m, "_sum", whose, l->sum_ns, METRIC_NS);
	metric_part(f, m, "_count", whose, count, METRIC_PLAIN);
}

void metrics_latency(FILE *f, const struct tw_stats *stats)
{
	static const struct metric waits = {
		"fault_wait_seconds", false,
		"Faults that waited for a page in the store, or for room in the memory.",
		true
	};
	static const struct metric moves = {
		"move_duration_seconds", false,
		"Moves from tier to tier, of pairs that have had one.", true
	};
	struct tw_stats_latency l;
	char labels[64];
	__u64 count;
	int i;

	metric_begin(f, &waits);
	for (i = 0; i < TW_NR_TIERS; i++) {
		count = tw_stats_latency_sum(stats, TW_LATENCY_WAIT(i), &l);
		snprintf(labels, sizeof(labels), "tier=\"%s\"", tw_tier_name(i));
		put_histogram(f, &waits, labels, &l, count);
	}
	metric_begin(f, &moves);
	for (i = 0; i < TW_NR_TIERS * TW_NR_TIERS; i++) {
		count = tw_stats_latency_sum(stats,
				TW_LATENCY_MOVE(i / TW_NR_TIERS, i % TW_NR_TIERS), &l);
		if (!count)
			continue;
		snprintf(labels, sizeof(labels), "from=\"%s\",to=\"%s\"",
			 tw_tier_name(i / TW_NR_TIERS),
			 tw_tier_name(i % TW_NR_TIERS));
		put_histogram(f, &moves, labels, &l, count);
	}
}
