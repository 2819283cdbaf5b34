// SPDX-License-Identifier: GPL-2.0
/*
 * One round of looking and moving.
 *
 * The device is opened anew each time: a driver whose device is open cannot be
 * unloaded, and the daemon is no reason for it to stay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/stop.h"
#include "gather.h"
#include "judge.h"
#include "say.h"
#include "show.h"
#include "tick.h"

#define HUGE_BYTES	(2U << 20)
/* The most candidates of one list in a tick, and the least. */
#define LIST_MAX	8192
#define LIST_MIN	512
/* From one look at the watermarks to the next. */
#define MARKS_TICKS	60
/* A store is slower than all memory, whether or not one is bound. */
#define BELOW_MEMORY	TW_TIER_HDD

/**
 * struct view - what the driver tells in a tick
 * @tw: the driver
 * @policy: its settings
 * @fast: the faster one of the memory tiers that are bound
 * @slow: the other one, or TW_TIER_NONE
 * @s: nodes and their room
 */
struct view {
	struct tw *tw;
	struct tw_policy policy;
	int fast;
	int slow;
	struct td_situation s;
};

int td_daemon_init(struct td_daemon *d)
{
	td_programs_init(&d->programs);
	d->last_ns = now_ns() - d->options.interval_ns;
	return td_recent_init(&d->recent);
}

void td_daemon_end(struct td_daemon *d)
{
	td_programs_end(&d->programs);
	td_recent_end(&d->recent);
}

/* -- looking --------------------------------------------------------------- */

/* The memory tiers: by their figures, as the driver compares them. */
static int look_tiers(struct view *v)
{
	struct tw_tier_info gpu, cpu, *fast = &cpu, *slow = &gpu;
	int err = tw_tier_info(v->tw, TW_TIER_GPU, &gpu);

	if (!err)
		err = tw_tier_info(v->tw, TW_TIER_CPU, &cpu);
	if (err)
		return err;
	if (cpu.kind != TW_KIND_NUMA ||
	    (gpu.kind == TW_KIND_NUMA &&
	     gpu.nominal_latency_ns < cpu.nominal_latency_ns)) {
		fast = &gpu;
		slow = &cpu;
	}
	v->fast = fast->kind == TW_KIND_NUMA ? (int)fast->tier : TW_TIER_NONE;
	v->slow = slow->kind == TW_KIND_NUMA ? (int)slow->tier : TW_TIER_NONE;
	v->s.fast = v->fast == TW_TIER_NONE ? 0 : fast->nodes;
	v->s.slow = v->slow == TW_TIER_NONE ? 0 : slow->nodes;
	return 0;
}

static int look(struct td_daemon *d, struct view *v)
{
	const struct tw_stats *stats;
	struct tw_info info;
	__u64 period = 0;
	int err;

	err = tw_info(v->tw, &info);
	if (!err)
		err = tw_policy_get(v->tw, &v->policy);
	if (!err)
		err = tw_stats_map(v->tw, &stats);
	if (!err)
		err = look_tiers(v);
	if (err)
		return err;
	if (tw_stats_has(stats, scan_period_ms))
		period = tw_stats_load(&stats->scan_period_ms);
	v->s.scans = 60000 / (period ? period : v->policy.scan_max_ms);
	v->s.cost_ns = d->cost_ns;
	d->programs.page_size = info.page_size;
	d->programs.huge = HUGE_BYTES / info.page_size;
	return 0;
}

static int look_rooms(struct td_daemon *d, struct view *v)
{
	struct td_rooms *r = &d->rooms;
	bool marks = !r->page_size || d->programs.tick % MARKS_TICKS == 0;
	int err;

	r->page_size = d->programs.page_size;
	r->huge = d->programs.huge;
	r->free_permille = v->policy.free_permille;
	err = td_room_read(r, v->s.fast | v->s.slow, marks);
	memcpy(v->s.node, r->node, sizeof(r->node));
	v->s.swap = r->swap;
	return err;
}

/* What may be moved in this tick. */
static void look_budget(struct td_daemon *d, struct view *v)
{
	__u64 now = now_ns(), checked, back;

	td_budget_rate(&d->budget, d->options.rate ? d->options.rate :
				   v->policy.max_rate);
	td_judge(&d->recent, &d->programs, v->tw, v->policy.hot_threshold / 2,
		 &checked, &back);
	if (td_budget_judge(&d->budget, checked, back))
		td_say(TD_NOTICE, "pages come back soon after they were sent away: %.0f pages a second from now on",
		       d->budget.rate * d->budget.share);
	v->s.budget = td_budget_earn(&d->budget, now - d->last_ns,
				     d->programs.huge);
	d->last_ns = now;
}

/* -- moving ---------------------------------------------------------------- */

static int gather(struct td_daemon *d, const struct view *v, int list, int from,
		  int to)
{
	size_t want = 2 * v->s.budget;

	if (want < LIST_MIN)
		want = LIST_MIN;
	if (want > LIST_MAX)
		want = LIST_MAX;
	return td_gather(&d->list[list], &d->programs, &d->recent, v->tw, from,
			 from == v->fast ? v->s.fast : v->s.slow, to, want);
}

/* Fills the lists, and decides about all that is in them. */
static int decide(struct td_daemon *d, struct view *v)
{
	__u64 waiting = 0;
	int err = 0;

	if (v->slow != TW_TIER_NONE)
		err = gather(d, v, TD_HOT, v->slow, v->fast);
	if (err)
		return err;
	waiting = td_plan_hot(&v->s, &d->list[TD_HOT]);
	if (waiting || td_any_scarce(&v->s, v->s.fast)) {
		err = gather(d, v, TD_COLD_FAST, v->fast,
			     v->slow == TW_TIER_NONE ? BELOW_MEMORY : v->slow);
		if (err)
			return err;
		td_plan_cold(&v->s, &d->list[TD_COLD_FAST], waiting);
	}
	if (td_any_scarce(&v->s, v->s.slow)) {
		err = gather(d, v, TD_COLD_SLOW, v->slow, BELOW_MEMORY);
		if (err)
			return err;
		td_plan_cold(&v->s, &d->list[TD_COLD_SLOW], 0);
	}
	return 0;
}

/* Room is made before it is taken. */
static void act(struct td_daemon *d, const struct view *v)
{
	struct td_actor a = {
		.programs = &d->programs,
		.recent = &d->recent,
		.fast = v->s.fast,
		.cost_ns = d->cost_ns,
	};

	td_act(&a, &d->list[TD_COLD_SLOW]);
	td_act(&a, &d->list[TD_COLD_FAST]);
	td_act(&a, &d->list[TD_HOT]);
	d->cost_ns = a.cost_ns;
	d->done = a.done;
	td_budget_spend(&d->budget, a.done.promoted + a.done.demoted +
				    a.done.paged + a.done.told);
}

static int round_of(struct td_daemon *d, struct view *v)
{
	int err = look(d, v);

	if (!err)
		err = d->watched = td_programs_refresh(&d->programs, v->tw);
	if (err <= 0 || v->fast == TW_TIER_NONE)
		return err < 0 ? err : 0;
	if (v->policy.enabled != TW_POLICY_ON) {
		if (!d->off)
			td_say(TD_WARNING, "nothing is moved while the policy is %s. To have pages moved: tw policy set enabled=on",
			       v->policy.enabled ? "only to watch" : "off");
		d->off = true;
		return 0;
	}
	d->off = false;
	look_budget(d, v);
	err = look_rooms(d, v);
	if (!err)
		err = decide(d, v);
	if (!err && !d->options.dry_run)
		act(d, v);
	return err;
}

int td_tick(struct td_daemon *d)
{
	struct view v = { .fast = TW_TIER_NONE, .slow = TW_TIER_NONE };
	int i, err = tw_open(cli_device, &v.tw);

	if (err)
		return err == -ENOENT || err == -ENXIO ? -ENODEV : err;
	d->programs.tick++;
	memset(&d->done, 0, sizeof(d->done));
	err = round_of(d, &v);
	tw_close(v.tw);
	if (!err)
		td_show(d);
	for (i = 0; i < TD_LISTS; i++)
		free(d->list[i].unit);
	memset(d->list, 0, sizeof(d->list));
	return err;
}
