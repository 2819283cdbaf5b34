// SPDX-License-Identifier: GPL-2.0
/*
 * tw top: two looks at everything, and the rates that come of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "base/text.h"
#include "tw.h"
#include "watch/top.h"

const char * const top_sort_names[TOP_NR_SORTS] = {
	[TOP_SORT_PAGES]	= "pages",
	[TOP_SORT_MEMORY]	= "memory",
	[TOP_SORT_FAULTS]	= "faults",
	[TOP_SORT_ID]		= "id",
};

const char * const top_past_names[TOP_NR_PASTS] = {
	[TOP_PAST_FAULTS]	= "faults",
	[TOP_PAST_MAJOR]	= "major",
	[TOP_PAST_MOVES]	= "moves",
	[TOP_PAST_USE]		= "use",
};

/* The histogram is a scan's, whose writes are seldom; each band by itself. */
static void look_at_heat(struct top_tier *to, const struct tw_stats *stats,
			 int tier)
{
	int i;

	for (i = 0; i < TW_HEAT_BANDS; i++)
		to->heat[i] = tw_stats_heat(stats, tier, i);
}

void top_look(struct top_snap *snap, struct agents_known *known,
	      const struct tw_stats *stats)
{
	struct tw_policy policy;
	int t;

	memset(snap, 0, sizeof(*snap));
	snap->scanning = tw_policy_get(known->tw, &policy) || policy.enabled;
	snap->time_ns = now_ns();
	for (t = 0; t < TW_NR_TIERS; t++) {
		tw_stats_tier_read(stats, t, &snap->tier[t].now);
		look_at_heat(&snap->tier[t], stats, t);
		tw_stats_sum(stats, t, &snap->tier[t].sum);
	}
#define LOAD(m) __atomic_load_n(&stats->m, __ATOMIC_RELAXED)
	snap->regions = LOAD(regions);
	snap->nr_agents_alive = LOAD(agents);
	snap->streams = LOAD(streams);
	snap->lost = LOAD(lost);
	snap->promoted = LOAD(auto_promoted);
	snap->demoted = LOAD(auto_demoted);
#undef LOAD
	snap->sigbus = tw_stats_sigbus(stats);
	snap->agents_err = top_agents(known, &snap->agent, &snap->nr_agents);
	/* A driver that knows none has none. */
	attachments_list(known->tw, &snap->attached);
	attachments_sort(known->tw, &snap->attached);
}

void top_snap_free(struct top_snap *snap)
{
	free(snap->agent);
	attachments_free(&snap->attached);
	memset(snap, 0, sizeof(*snap));
}

static double rate(__u64 before, __u64 now, double seconds)
{
	return now > before && seconds > 0 ? (now - before) / seconds : 0;
}

static void compare_tier(struct top_tier_row *row,
			 const struct tw_stats_counters *a,
			 const struct tw_stats_counters *b, double seconds)
{
	__u64 major_a = a->major_read + a->major_write;
	__u64 major_b = b->major_read + b->major_write;

	row->major = rate(major_a, major_b, seconds);
	row->faults = rate(a->minor_read + a->minor_write + major_a,
			   b->minor_read + b->minor_write + major_b, seconds);
	row->in = rate(a->moves_in, b->moves_in, seconds);
	row->out = rate(a->moves_out, b->moves_out, seconds);
	row->read = rate(a->bytes_read, b->bytes_read, seconds);
	row->written = rate(a->bytes_written, b->bytes_written, seconds);
}

static const struct top_agent *same_agent(const struct top_snap *snap,
					  const struct top_agent *a)
{
	size_t i;

	for (i = 0; i < snap->nr_agents; i++) {
		const struct top_agent *b = &snap->agent[i];

		if (b->id == a->id && b->uid == a->uid &&
		    b->user_ns == a->user_ns &&
		    b->is_default == a->is_default)
			return b;
	}
	return NULL;
}

static void compare_agent(struct top_agent_row *row,
			  const struct top_snap *before,
			  const struct top_snap *snap,
			  const struct top_agent *now, double seconds)
{
	const struct top_agent *then = same_agent(before, now);
	int t;

	row->agent = *now;
	row->total = 0;
	row->memory = 0;
	for (t = 0; t < TW_NR_TIERS; t++) {
		row->total += now->pages[t];
		if (snap->tier[t].now.kind == TW_KIND_NUMA)
			row->memory += now->pages[t];
	}
	row->faults = rate(then ? then->faults : 0, now->faults, seconds);
}

int top_compare(struct top_view *view, const struct top_snap *before,
		const struct top_snap *now)
{
	struct top_agent_row *rows;
	size_t i;
	int t;

	rows = reallocarray(view->agent, now->nr_agents + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	view->agent = rows;
	view->snap = now;
	view->seconds = (double)(now->time_ns - before->time_ns) / NS_PER_SEC;
	for (t = 0; t < TW_NR_TIERS; t++)
		compare_tier(&view->tier[t], &before->tier[t].sum,
			     &now->tier[t].sum, view->seconds);
	for (i = 0; i < now->nr_agents; i++)
		compare_agent(&rows[i], before, now, &now->agent[i],
			      view->seconds);
	view->promoted = rate(before->promoted, now->promoted, view->seconds);
	view->demoted = rate(before->demoted, now->demoted, view->seconds);
	top_sort_agents(view);
	return 0;
}

void top_remember(struct top_view *view)
{
	struct top_history *h = view->history;
	unsigned int at = h->nr++ % TOP_PAST_LOOKS;
	int t;

	for (t = 0; t < TW_NR_TIERS; t++) {
		const struct tw_stats_tier *now = &view->snap->tier[t].now;
		const struct top_tier_row *row = &view->tier[t];

		h->value[t][TOP_PAST_FAULTS][at] = row->faults;
		h->value[t][TOP_PAST_MAJOR][at] = row->major;
		h->value[t][TOP_PAST_MOVES][at] = row->in + row->out;
		h->value[t][TOP_PAST_USE][at] = now->capacity ?
			100.0 * now->used / now->capacity : 0;
	}
}

double top_past_value(const struct top_view *view, int tier, unsigned int back)
{
	const struct top_history *h = view->history;

	return h->value[tier][view->past][(h->nr - 1 - back) % TOP_PAST_LOOKS];
}

static int larger(double a, double b)
{
	return a > b ? -1 : a < b;
}

static int order(const void *x, const void *y, void *arg)
{
	const struct top_agent_row *a = x, *b = y;
	const struct top_view *view = arg;
	int by = 0;

	switch (view->sort) {
	case TOP_SORT_PAGES:
		by = larger(a->total, b->total);
		break;
	case TOP_SORT_MEMORY:
		by = larger(a->memory, b->memory);
		break;
	case TOP_SORT_FAULTS:
		by = larger(a->faults, b->faults);
		break;
	default:
		break;
	}
	if (!by && a->agent.id != b->agent.id)
		by = a->agent.id < b->agent.id ? -1 : 1;
	if (!by && a->agent.uid != b->agent.uid)
		by = a->agent.uid < b->agent.uid ? -1 : 1;
	return view->reverse ? -by : by;
}

void top_sort_agents(struct top_view *view)
{
	qsort_r(view->agent, view->snap->nr_agents, sizeof(*view->agent), order,
		view);
}

const char *top_short(char *buf, double value, unsigned int base)
{
	static const char units[] = "KMGTPE";
	/* Counts can be told apart for longer than bytes. */
	double most = base == 1000 ? 99999.5 : base - 0.5;
	int unit = -1;

	while (value >= (unit < 0 ? most : base - 0.5) &&
	       unit + 1 < (int)sizeof(units) - 1) {
		value /= base;
		unit++;
	}
	if (unit < 0)
		snprintf(buf, TEXT_LEN, "%.0f", value);
	else
		snprintf(buf, TEXT_LEN, value < 9.95 ? "%.1f%c" : "%.0f%c",
			 value, units[unit]);
	return buf;
}
