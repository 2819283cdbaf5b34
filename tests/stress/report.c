// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - the last checks, and what the run did
 */
#include <stddef.h>
#include <stdio.h>

#include "hammer.h"

/* Where nothing has been moved yet, as it must be in the end. */
static bool pair_missing(const struct hammer *h, int a, int b)
{
	return a != b && !h->shared->pair[h->tiers[a]][h->tiers[b]];
}

bool least_reached(const struct hammer *h)
{
	const struct shared *s = h->shared;
	unsigned int i;
	int a, b;

	for (i = 0; i < s->nr_workers; i++)
		if (s->worker[i].ops < s->worker[i].least)
			return false;
	for (a = 0; a < h->nr_tiers; a++)
		for (b = 0; b < h->nr_tiers; b++)
			if (pair_missing(h, a, b))
				return false;
	return true;
}

/* Has everybody done something, and has every pair of tiers moved pages? */
void check_least(struct hammer *h)
{
	struct shared *s = h->shared;
	const struct worker *w;
	unsigned int i;
	int a, b;

	for (i = 0; i < s->nr_workers; i++) {
		w = &s->worker[i];
		if (w->ops < w->least)
			hammer_error(h, "%s %u did only %llu operations of at least %llu",
				     w->name, w->number,
				     (unsigned long long)w->ops,
				     (unsigned long long)w->least);
	}
	for (a = 0; a < h->nr_tiers; a++)
		for (b = 0; b < h->nr_tiers; b++)
			if (pair_missing(h, a, b))
				hammer_error(h, "no page moved from %s to %s: give it more --seconds",
					     tw_tier_name(h->tiers[a]),
					     tw_tier_name(h->tiers[b]));
}

struct trouble get_trouble(struct hammer *h)
{
	struct trouble t = { 0 };
	const struct tw_stats *stats;
	int tier;

	if (tw_stats_map(h->tw, &stats))
		return t;
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		t.io_errors += tw_stats_counter(stats, tier,
			offsetof(struct tw_stats_counters, io_errors));
	t.sigbus = tw_stats_sigbus(stats);
	t.lost = __atomic_load_n(&stats->lost, __ATOMIC_RELAXED);
	return t;
}

void check_trouble(struct hammer *h, const struct trouble *before)
{
	struct trouble now = get_trouble(h);

	if (now.io_errors != before->io_errors || now.lost != before->lost ||
	    now.sigbus != before->sigbus)
		hammer_error(h, "the driver counts %llu I/O errors, %llu lost pages, %llu SIGBUS",
			     (unsigned long long)(now.io_errors -
						  before->io_errors),
			     (unsigned long long)(now.lost - before->lost),
			     (unsigned long long)(now.sigbus -
						  before->sigbus));
}

/* Paths of the driver that the run went through. */
static void report_driver(struct hammer *h)
{
	static const struct {
		const char *name;
		size_t at;
	} counter[] = {
#define COUNTER(text, member) \
	{ text, offsetof(struct tw_stats_counters, member) }
		COUNTER("faults that read a store (reads)", major_read),
		COUNTER("faults that read a store (writes)", major_write),
		COUNTER("faults that waited for a demotion", stalls),
		COUNTER("pages taken back while written", taken_back),
		COUNTER("moves that failed", moves_failed),
#undef COUNTER
	};
	const struct tw_stats *stats;
	uint64_t total;
	size_t i;
	int tier;

	if (tw_stats_map(h->tw, &stats))
		return;
	printf("since the driver was loaded:\n");
	for (i = 0; i < sizeof(counter) / sizeof(*counter); i++) {
		total = 0;
		for (tier = 0; tier < TW_NR_TIERS; tier++)
			total += tw_stats_counter(stats, tier, counter[i].at);
		printf("  %-34s%10llu\n", counter[i].name,
		       (unsigned long long)total);
	}
	printf("\n");
}

static void report_workers(const struct hammer *h)
{
	const struct shared *s = h->shared;
	const struct worker *w;
	unsigned int i;

	for (i = 0; i < s->nr_workers; i++) {
		w = &s->worker[i];
		printf("%-10s%2u %12llu operations%s\n", w->name, w->number,
		       (unsigned long long)w->ops,
		       w->process ? " (process)" : "");
	}
	printf("readers waited for a writer %llu times\n",
	       (unsigned long long)s->retries);
	printf("io_uring took %llu runs of pages as fixed buffers and refused %llu\n",
	       (unsigned long long)s->fixed,
	       (unsigned long long)s->fixed_refused);
	printf("%llu sends without a copy, %llu copied after all, %llu runs discarded meanwhile\n",
	       (unsigned long long)s->sends,
	       (unsigned long long)s->sends_copied,
	       (unsigned long long)s->sent_discarded);
}

static void report_moves(const struct hammer *h)
{
	static const char *const name[OUT_NR] = {
		"moved", "already there", "busy (EBUSY)", "tier full (ENOSPC)",
		"in another tier (EINVAL)", "untouched (ENOENT)", "unexpected",
	};
	const struct shared *s = h->shared;
	int a, b;

	printf("\n%llu calls of movers, pages:\n",
	       (unsigned long long)s->calls);
	for (a = 0; a < OUT_NR; a++)
		printf("  %-26s%10llu\n", name[a],
		       (unsigned long long)s->outcome[a]);
	printf("\n%-9s", "from\\to");
	for (b = 0; b < h->nr_tiers; b++)
		printf("%10s", tw_tier_name(h->tiers[b]));
	for (a = 0; a < h->nr_tiers; a++) {
		printf("\n%-9s", tw_tier_name(h->tiers[a]));
		for (b = 0; b < h->nr_tiers; b++)
			printf("%10llu", (unsigned long long)
			       s->pair[h->tiers[a]][h->tiers[b]]);
	}
	printf("\n\n");
}

void report(struct hammer *h)
{
	report_workers(h);
	report_moves(h);
	report_driver(h);
}
