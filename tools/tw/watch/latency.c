// SPDX-License-Identifier: GPL-2.0
/*
 * How long faults waited and moves took: what tw stats shows of the histograms, whose
 * buckets are powers of two.
 */
#include <stdbool.h>
#include <stdio.h>

#include "base/json.h"
#include "base/term.h"
#include "base/text.h"
#include "watch/latency.h"

__u64 latency_below(unsigned int n)
{
	return n + 1 < TW_LATENCY_BUCKETS ? 1ULL << n : 0;
}

__u64 latency_quantile(const struct tw_stats_latency *l, unsigned int permille)
{
	__u64 all = 0, so_far = 0;
	unsigned int n;

	for (n = 0; n < TW_LATENCY_BUCKETS; n++)
		all += l->bucket[n];
	for (n = 0; all && n + 1 < TW_LATENCY_BUCKETS; n++) {
		so_far += l->bucket[n];
		/* All but what is allowed to be slower, without overflow. */
		if (all - so_far <= all / 1000 * (1000 - permille) +
				    all % 1000 * (1000 - permille) / 1000)
			break;
	}
	return all ? 1ULL << n : 0;
}

static void print_line(const char *what, const struct tw_stats_latency *l,
		       __u64 count)
{
	char nr[TEXT_LEN], mean[TEXT_LEN], half[TEXT_LEN], most[TEXT_LEN];
	char all[TEXT_LEN];

	printf("%-14s %11s %9s %9s %9s %9s\n", what, text_count(nr, count),
	       text_ns(mean, l->sum_ns / count),
	       text_ns(half, latency_quantile(l, 500)),
	       text_ns(most, latency_quantile(l, 990)),
	       text_ns(all, latency_quantile(l, 1000)));
}

static void print_head(bool *head)
{
	if (!*head)
		printf("\n%-14s %11s %9s %9s %9s %9s\n", "TOOK TIME", "COUNT",
		       "MEAN", "50% <", "99% <", "ALL <");
	*head = true;
}

void latency_print(const struct tw_stats *stats)
{
	struct tw_stats_latency l;
	bool head = false;
	char what[64];
	__u64 count;
	int i, to;

	for (i = 0; i < TW_NR_TIERS; i++) {
		count = tw_stats_latency_sum(stats, TW_LATENCY_WAIT(i), &l);
		if (!count)
			continue;
		print_head(&head);
		snprintf(what, sizeof(what), "wait for %s", tw_tier_name(i));
		print_line(what, &l, count);
	}
	for (i = 0; i < TW_NR_TIERS * TW_NR_TIERS; i++) {
		to = i % TW_NR_TIERS;
		count = tw_stats_latency_sum(stats,
				TW_LATENCY_MOVE(i / TW_NR_TIERS, to), &l);
		if (!count)
			continue;
		print_head(&head);
		snprintf(what, sizeof(what), "%s -> %s",
			 tw_tier_name(i / TW_NR_TIERS), tw_tier_name(to));
		print_line(what, &l, count);
	}
}

static void json_histogram(const struct tw_stats_latency *l, __u64 count)
{
	unsigned int n;

	json_u64("count", count);
	json_u64("sum_ns", l->sum_ns);
	json_open("buckets", '[');
	for (n = 0; n < TW_LATENCY_BUCKETS; n++) {
		if (!l->bucket[n])
			continue;
		json_open(NULL, '{');
		if (latency_below(n))
			json_u64("below_ns", latency_below(n));
		else
			json_str("below_ns", NULL);
		json_u64("count", l->bucket[n]);
		json_close('}');
	}
	json_close(']');
}

void latency_json(const struct tw_stats *stats)
{
	struct tw_stats_latency l;
	__u64 count;
	int i;

	json_open("latency", '{');
	json_open("waits", '[');
	for (i = 0; i < TW_NR_TIERS; i++) {
		count = tw_stats_latency_sum(stats, TW_LATENCY_WAIT(i), &l);
		json_open(NULL, '{');
		json_str("tier", tw_tier_name(i));
		json_histogram(&l, count);
		json_close('}');
	}
	json_close(']');
	json_open("moves", '[');
	for (i = 0; i < TW_NR_TIERS * TW_NR_TIERS; i++) {
		count = tw_stats_latency_sum(stats,
				TW_LATENCY_MOVE(i / TW_NR_TIERS, i % TW_NR_TIERS), &l);
		if (!count)
			continue;
		json_open(NULL, '{');
		json_str("from", tw_tier_name(i / TW_NR_TIERS));
		json_str("to", tw_tier_name(i % TW_NR_TIERS));
		json_histogram(&l, count);
		json_close('}');
	}
	json_close(']');
	json_close('}');
}
