// SPDX-License-Identifier: GPL-2.0
/*
 * scanner.c - which pages are touched: scans of all spaces, again and again
 *
 * Owns the thread, which runs while automatic migration is on or pages are watched. A scan goes
 * over the records of all spaces, a group of chunks at a time, with the
 * accessed bits of those in memory. When so much is touched from scan to scan
 * that this tells little, each group is looked at twice, a short window apart.
 * After each slice of work the thread sleeps, so that it takes no more than its share
 * of a CPU. It shows decide.c what it has seen, which moves pages in between. policy.c
 * wakes it when the knobs have changed, and region_file.c when a region was made.
 *
 * The thread freezes with the tasks, so that it moves no page while an image for
 * hibernation is made.
 *
 * Locks: none. Heat and age change without a lock, see record.h, and none is held when
 * pages are moved.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/stats.h"
#include "moving/departed.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/decide.h"
#include "policy/knobs.h"
#include "policy/look.h"
#include "policy/policy_calc.h"
#include "policy/scanner.h"
#include "policy/sweep.h"
#include "tiers/headroom.h"
#include "tiers/tier.h"

/* How much work there is between two sleeps. */
#define TW_SLICE_NS	(NSEC_PER_MSEC / 2)
/* How many pages are brought to their node after a scan. */
#define TW_SCAN_BALANCE	1024
/* How many chunks are glanced at together. */
#define TW_GLANCE	64
/* How many chunks, or a few more, wait for the end of their window together. */
#define TW_GROUP	32
/* How many chunks are glanced at between two pauses, if none of them needs a look. */
#define TW_GLANCES	1024
/* For a window of this length or more it sleeps with timers that cost less. */
#define TW_NAP_NS	(20 * NSEC_PER_MSEC)

static struct task_struct *tw_scand;
static DECLARE_WAIT_QUEUE_HEAD(tw_scan_wq);
static bool tw_scan_kicked;	/* the knobs have changed */
static bool tw_scan_watch;	/* a region was made */

/**
 * struct tw_pass - one scan; used by the thread only
 * @found: what it has found
 * @id: number of the space that the scan is at, or of the next one
 * @at: the chunk there
 * @group: chunks being looked at
 * @nr_group: how many there are
 * @window: ns before the second look, or TW_WINDOW_ALL
 * @worked: ns that the scan has worked in the slices that have ended
 * @spaces: whether there is any space
 * @news: whether the program has turned to other pages
 */
struct tw_pass {
	struct tw_found found;
	u64 id;
	unsigned long at;
	struct tw_chunk_look group[TW_GROUP + TW_GLANCE];
	unsigned int nr_group;
	u64 window;
	u64 worked;
	bool spaces;
	bool news;
};

static struct tw_pass tw_pass;
/* These are used by the thread only, and kept from scan to scan. */
static struct tw_spent {
	u64 ns;			/* what is counted of the thread's CPU time */
	u64 clock;		/* when it was last counted, tw_clock() */
	unsigned long switches;	/* how often it had left the CPU by then */
} tw_scan_spent;
static u64 tw_scan_debt;	/* ns of work that it has not slept for yet */
static u64 tw_scan_began;	/* when the scan before this one began, 0 if none has */
static struct tw_window tw_win = { .ns = TW_WINDOW_ALL };

static void tw_scan_tell(bool *flag)
{
	/* The flag comes after the change; pairs with smp_store_mb() in the thread. */
	smp_mb();
	WRITE_ONCE(*flag, true);
	wake_up(&tw_scan_wq);
}

void tw_scanner_wake(void)
{
	tw_policy_tell_stores();
	tw_scan_tell(&tw_scan_kicked);
}

void tw_scanner_watch(void)
{
	tw_scan_tell(&tw_scan_watch);
}

static bool tw_scan_wanted(void)
{
	return tw_scan_enabled() && !kthread_should_stop();
}

/* Sleeps up to @ns, or until the scan is not wanted any more. */
static void tw_scan_sleep(u64 ns)
{
	unsigned long timeout = nsecs_to_jiffies(ns) + 1;

	wait_event_freezable_timeout(tw_scan_wq, !tw_scan_wanted(), timeout);
}

/*
 * The CPU time of the thread since this was last called, without that of tasks that ran
 * in between. It is the time that went by if none did. Else the kernel knows it, up to
 * when the thread came back; what is missing counts with the next switch.
 */
static u64 tw_scan_cpu_ns(void)
{
	unsigned long switches = current->nvcsw + current->nivcsw;
	u64 all = READ_ONCE(current->se.sum_exec_runtime), ns;
	struct tw_spent *s = &tw_scan_spent;

	if (s->clock && switches == s->switches)
		ns = tw_clock_since(s->clock);
	else
		ns = all > s->ns ? all - s->ns : 0;
	s->clock = tw_clock();
	s->switches = switches;
	s->ns += ns;
	return ns;
}

static void tw_scan_slice_end(struct tw_pass *p)
{
	u64 ns = tw_scan_cpu_ns();

	/* Moves do not count, since they have a limit of their own. */
	ns -= min(ns, tw_policy_move_ns());
	p->worked += ns;
	tw_scan_debt += ns;
}

/*
 * Called between two groups. After a slice of work or more it sleeps: 99 times as long
 * as it has worked, if its share is ten permille.
 */
static void tw_scan_pause(struct tw_pass *p)
{
	u32 share = READ_ONCE(tw_knobs.scan_permille);

	tw_scan_slice_end(p);
	if (tw_scan_debt >= TW_SLICE_NS) {
		tw_scan_sleep(tw_scan_debt * (1000 - share) / share);
		tw_scan_debt = 0;
	} else {
		cond_resched();
	}
}

/* Waits for the window. A short sleep does not freeze; the freezer can wait for it. */
static void tw_scan_nap(struct tw_pass *p)
{
	u64 us = p->window / NSEC_PER_USEC;

	if (p->window < TW_NAP_NS)
		usleep_range_idle(us, us + us / 8);
	else
		tw_scan_sleep(p->window);
}

/* Takes the second look, at all chunks at once so that their windows are alike. */
static void tw_group_again(struct tw_pass *p)
{
	unsigned int i;

	tw_scan_nap(p);
	for (i = 0; i < p->nr_group; i++)
		tw_look_again(&p->group[i]);
}

static void tw_group_scan(struct tw_pass *p)
{
	bool known = true;
	unsigned int i;

	for (i = 0; i < p->nr_group; i++) {
		struct tw_chunk_look *l = &p->group[i];

		tw_look_first(&p->found, l);
		known &= l->known;
		if (p->window == TW_WINDOW_ALL && !l->known)
			bitmap_copy(l->young, l->seen, TW_CHUNK_PAGES);
	}
	if (p->window != TW_WINDOW_ALL && !known)
		tw_group_again(p);
	for (i = 0; i < p->nr_group; i++) {
		struct tw_chunk_look *l = &p->group[i];

		tw_look_done(&p->found, l);
		if (i + 1 == p->nr_group || l[1].sp != l->sp)
			tw_policy_space_done();
	}
	for (i = p->nr_group; i--;)
		if (!i || p->group[i - 1].sp != p->group[i].sp)
			tw_space_put(p->group[i].sp);
	p->nr_group = 0;
	tw_scan_pause(p);
}

static void tw_group_add(struct tw_pass *p, struct tw_space *sp, struct tw_chunk *c,
			 bool touched)
{
	struct tw_chunk_look *l = &p->group[p->nr_group];

	/* The first of a space's chunks holds it for all of them. */
	if (!p->nr_group || l[-1].sp != sp)
		tw_space_get(sp);
	l->sp = sp;
	l->c = c;
	l->touched = touched;
	p->nr_group++;
}

/* Adds those of the chunks from ->at on that need a look, the next few. False at the end. */
static bool tw_group_glance(struct tw_pass *p, struct tw_space *sp)
{
	struct tw_chunk *c[TW_GLANCE];
	u64 touched, look;
	unsigned int nr;

	nr = xa_extract(&sp->chunks, (void **)c, p->at, ULONG_MAX, TW_GLANCE, XA_PRESENT);
	if (!nr)
		return false;
	p->at = (c[nr - 1]->base >> TW_CHUNK_SHIFT) + 1;
	look = ~tw_look_glance(&p->found, sp, c, nr, &touched) & GENMASK_ULL(nr - 1, 0);
	for (; look; look &= look - 1) {
		unsigned int i = __ffs64(look);

		tw_group_add(p, sp, c[i], touched & BIT_ULL(i));
	}
	return true;
}

/*
 * Fills the group with those of the chunks that follow which need a look. Between groups
 * no space is held, so that one that ends does not have to wait for a pause. So where
 * few need one, groups may be empty. False if it was the last group.
 */
static bool tw_group_fill(struct tw_pass *p)
{
	unsigned int left = TW_GLANCES / TW_GLANCE;
	struct tw_space *sp;

	while ((sp = tw_space_after(p->id ? p->id - 1 : 0))) {
		if (tw_space_number(sp) != p->id)
			p->at = 0;
		p->id = tw_space_number(sp);
		p->spaces = true;
		if (!p->at && sp->ops->find)
			sp->ops->find(sp);
		while (tw_group_glance(p, sp)) {
			cond_resched();
			left -= !!left;
			if (p->nr_group ? p->nr_group < TW_GROUP : left)
				continue;
			tw_space_put(sp);
			return true;
		}
		p->id++;
		p->at = 0;
		tw_space_put(sp);
	}
	return false;
}

/* Publishes what the scan has found in the statistics. */
static void tw_scan_publish(const struct tw_pass *p)
{
	int tier, band;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		u64 *heat = tw_stats_heat(tier);

		for (band = 0; band < TW_HEAT_BANDS; band++)
			WRITE_ONCE(heat[band], p->found.bands[tier][band]);
	}
	WRITE_ONCE(tw_stats->scan_ns, tw_stats->scan_ns + p->worked);
	WRITE_ONCE(tw_stats->scan_pages, tw_stats->scan_pages + p->found.pages);
	WRITE_ONCE(tw_stats->scan_skipped, tw_stats->scan_skipped + p->found.skipped);
	WRITE_ONCE(tw_stats->scan_window_us, p->window == TW_WINDOW_ALL ? 0 :
		   div_u64(p->window, NSEC_PER_USEC));
	WRITE_ONCE(tw_stats->scans, tw_stats->scans + 1);
}

/* Adapts the window of the next scan to what this one has found. */
static void tw_scan_adapt(struct tw_pass *p, u64 began)
{
	u64 room = 0;
	int tier;

	tw_for_each_memory_tier(tier)
		if (tw_tier_bound(tier) && tw_heat_any(p->found.map.home[tier]))
			room += READ_ONCE(tw_tiers[tier].capacity);
	/* The capacity of a tier is for regions; what is foreign has half of itself. */
	room += p->found.foreign / 2;
	/* With another window other pages are young, which is no news. */
	p->news = !tw_win.changed &&
		  tw_scan_news(p->found.lost, p->found.steady, p->found.memory);
	if (tw_scan_began)
		tw_window_scanned(&tw_win, began - tw_scan_began, p->found.young,
				  p->found.memory, room);
	tw_scan_began = began;
}

/* Tells sweeps the heat of the pages that they may want before the next scan. */
static void tw_scan_cut(const struct tw_pass *p)
{
	u64 want = (p->found.memory - p->found.foreign) / 8 + 64, sum = 0;
	unsigned int b;
	int tier;

	for (b = 0; b < TW_HEAT_BUCKETS && sum < want; b++)
		tw_for_each_memory_tier(tier)
			sum += p->found.map.tier[tier][b];
	tw_sweep_fresh(b * TW_HEAT_BUCKET);
}

/* Begins a pass, in which touches of the last @window ns count in full. */
static void tw_pass_begin(struct tw_pass *p, u64 window)
{
	struct tw_found *f = &p->found;
	int tier;

	p->id = 0;
	p->at = 0;
	p->window = tw_win.ns;
	p->worked = 0;
	p->spaces = false;
	p->news = false;
	memset(f, 0, offsetof(struct tw_found, map.age));
	tw_policy_begin(window);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		if (!tw_policy_needs_cold(tier))
			continue;
		f->needs |= BIT(tier);
		memset(f->map.age[tier], 0, sizeof(f->map.age[tier]));
	}
}

/* Was there nothing at all that a scan soon would tell more about? */
static bool tw_pass_idle(const struct tw_pass *p)
{
	u64 cold = 0;
	int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++)
		cold += p->found.bands[tier][0];
	return !p->spaces || (p->found.pages && p->found.pages == cold);
}

static void tw_scan_all(struct tw_pass *p)
{
	u64 began = ktime_get_mono_fast_ns();
	bool more = true;

	tw_pass_begin(p, min(tw_win.ns, tw_scan_began ? began - tw_scan_began : 0));
	while (more && tw_scan_wanted()) {
		more = tw_group_fill(p);
		tw_group_scan(p);
	}
	if (!tw_scan_wanted()) {
		tw_scan_began = 0;
		return;		/* a part of a scan tells nothing */
	}
	tw_scan_adapt(p, began);
	tw_policy_end(&p->found.map, p->news);
	tw_scan_cut(p);
	tw_demote_check();	/* the headroom may have changed */
	if (tw_auto_migration())
		tw_policy_balance(TW_SCAN_BALANCE);
	tw_scan_slice_end(p);
	tw_scan_publish(p);
	WRITE_ONCE(tw_scanning, true);
}

/* Forgets what the last scans have found, which tells nothing of a scan much later. */
static void tw_scan_forget(void)
{
	WRITE_ONCE(tw_scanning, false);
	tw_scan_began = 0;
	tw_win = (struct tw_window){ .ns = TW_WINDOW_ALL };
	tw_policy_forget();
}

/* Is the next scan to begin without a pause? */
static bool tw_scan_soon(const struct tw_pass *p)
{
	return READ_ONCE(tw_scan_kicked) ||
	       (READ_ONCE(tw_scan_watch) && (!p->found.pages || tw_pass_idle(p)));
}

static int tw_scan_thread(void *unused)
{
	unsigned int ms = READ_ONCE(tw_knobs.scan_min_ms);
	unsigned long out = tw_moves_out_seen(), was;
	u64 start;

	set_freezable();
	while (!kthread_should_stop()) {
		wait_event_freezable(tw_scan_wq, tw_scan_enabled() ||
				     kthread_should_stop());
		if (!tw_scan_wanted())
			continue;
		start = ktime_get_mono_fast_ns();
		WRITE_ONCE(tw_scan_kicked, false);
		/* Pairs with tw_scan_tell(): the change is seen, or its flag stays. */
		smp_store_mb(tw_scan_watch, false);
		tw_scan_all(&tw_pass);
		/* Pages that went to stores count: they were chosen by their heat. */
		was = out;
		out = tw_moves_out_seen();
		ms = tw_scan_period(ms, tw_policy_wanted() + out - was,
				    tw_pass.found.pages,
				    tw_pass.news, tw_pass_idle(&tw_pass),
				    READ_ONCE(tw_knobs.scan_min_ms),
				    READ_ONCE(tw_knobs.scan_max_ms));
		WRITE_ONCE(tw_stats->scan_period_ms, ms);
		start = ktime_get_mono_fast_ns() - start;
		if (start < (u64)ms * NSEC_PER_MSEC)
			wait_event_freezable_timeout(tw_scan_wq,
				!tw_scan_wanted() || tw_scan_soon(&tw_pass),
				nsecs_to_jiffies((u64)ms * NSEC_PER_MSEC - start) + 1);
		/* There may be many new pages where there were none, or other rules. */
		if (tw_scan_soon(&tw_pass))
			ms = READ_ONCE(tw_knobs.scan_min_ms);
		if (!tw_scan_enabled())
			tw_scan_forget();
	}
	return 0;
}

/**
 * tw_scanner_init - at load, after spaces and tiers
 *
 * Return: 0 or a negative errno.
 */
int tw_scanner_init(void)
{
	int err = tw_policy_moves_init();

	if (err)
		return err;
	tw_scand = kthread_run(tw_scan_thread, NULL, "tw_scan");
	if (IS_ERR(tw_scand)) {
		tw_policy_moves_exit();
		return PTR_ERR(tw_scand);
	}
	return 0;
}

/**
 * tw_scanner_exit - at unload
 */
void tw_scanner_exit(void)
{
	kthread_stop(tw_scand);
	tw_policy_moves_exit();
}
