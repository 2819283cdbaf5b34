// SPDX-License-Identifier: GPL-2.0
/*
 * scanner.c - who touches what: all spaces, again and again
 *
 * Owns the thread, which runs while automatic migration is enabled. A scan goes
 * over the records of all spaces, a group of chunks at a time, with the
 * accessed bits of those in memory. When so much is touched from scan to scan
 * that this tells little, each group is looked at twice, a short window apart.
 * After each slice of work it sleeps, so that it takes no more than its share of
 * a CPU. Heat and age change here without a lock, as record.h has it. What is
 * seen goes to the policy, which moves pages in between: nothing is locked then.
 *
 * The thread freezes with the tasks, so that nothing moves while an image for
 * hibernation is made.
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

#include "base/compat.h"
#include "base/stats.h"
#include "moving/departed.h"
#include "pages/heat.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/accessed.h"
#include "policy/decide.h"
#include "policy/knobs.h"
#include "policy/policy_calc.h"
#include "policy/scanner.h"
#include "policy/sweep.h"
#include "tiers/headroom.h"
#include "tiers/tier.h"

/* Work between two sleeps. */
#define TW_SLICE_NS	(NSEC_PER_MSEC / 2)
/* Scans after which a chunk is looked at page by page only each so many scans. */
#define TW_LONG_IDLE	8
/* Pages that are brought to their node after a scan. */
#define TW_SCAN_BALANCE	1024
/* Chunks that wait for the end of their window together. */
#define TW_GROUP	32
/* A longer window is slept with timers that cost less. */
#define TW_NAP_NS	(20 * NSEC_PER_MSEC)

static struct task_struct *tw_scand;
static DECLARE_WAIT_QUEUE_HEAD(tw_scan_wq);
static bool tw_scan_kicked;

/**
 * struct tw_chunk_look - a chunk being looked at
 * @sp: its space, a reference
 * @c: the chunk
 * @known: nothing has happened there
 * @seen: pages touched since the scan before
 * @young: pages touched within the window
 */
struct tw_chunk_look {
	struct tw_space *sp;
	struct tw_chunk *c;
	bool known;
	DECLARE_BITMAP(seen, TW_CHUNK_PAGES);
	DECLARE_BITMAP(young, TW_CHUNK_PAGES);
};

/**
 * struct tw_pass - one scan; the thread's own
 * @map: pages by heat
 * @bands: pages by tier and band of heat
 * @id: of the space that the scan is at, or the next
 * @at: the chunk there
 * @group: chunks being looked at
 * @nr_group: how many
 * @window: ns before the second look, or TW_WINDOW_ALL
 * @worked: ns of work before
 * @pages: looked at
 * @memory: of them, in memory
 * @young: of those, touched within the window
 * @steady: pages in memory touched in most windows of late
 * @lost: of these, not touched in this one
 * @news: the program has turned to other pages
 * @skipped: of them, known to be untouched by their 2 MiB
 */
struct tw_pass {
	struct tw_heat_map map;
	u64 bands[TW_NR_TIERS][TW_HEAT_BANDS];
	u64 id;
	unsigned long at;
	struct tw_chunk_look group[TW_GROUP];
	unsigned int nr_group;
	u64 window;
	u64 worked;
	u64 pages;
	u64 memory;
	u64 young;
	u64 steady;
	u64 lost;
	bool news;
	u64 skipped;
};

static struct tw_pass tw_pass;
/* The thread's own, from scan to scan. */
static u64 tw_scan_slice;	/* our CPU time when the present slice began */
static u64 tw_scan_debt;	/* ns of work not slept for yet */
static u64 tw_scan_began;	/* the scan before this one; 0: none to go by */
static struct tw_window tw_win = { .ns = TW_WINDOW_ALL };

void tw_scanner_wake(void)
{
	tw_policy_tell_stores();
	WRITE_ONCE(tw_scan_kicked, true);
	wake_up(&tw_scan_wq);
}

static bool tw_scan_wanted(void)
{
	return READ_ONCE(tw_auto_migration) && !kthread_should_stop();
}

/* Sleeps up to @ns, less when told to end. */
static void tw_scan_sleep(u64 ns)
{
	unsigned long timeout = nsecs_to_jiffies(ns) + 1;

	wait_event_freezable_timeout(tw_scan_wq, !tw_scan_wanted(), timeout);
}

/*
 * CPU time, not that of others who run in between. It is as of the last tick or
 * sleep: what is missing is in the next slice.
 */
static u64 tw_scan_cpu_ns(void)
{
	return READ_ONCE(current->se.sum_exec_runtime);
}

static void tw_scan_slice_end(struct tw_pass *p)
{
	u64 now = tw_scan_cpu_ns(), ns = now - tw_scan_slice;

	/* Moves are no scanning: they have a limit of their own. */
	ns -= min(ns, tw_policy_move_ns());
	tw_scan_slice = now;
	p->worked += ns;
	tw_scan_debt += ns;
}

/*
 * Between two groups. Work of a slice or more is slept for, 99 times as long at
 * ten permille.
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

/* A page that has been seen: its heat and age from now on. */
static void tw_scan_rec(struct tw_pass *p, struct tw_space *sp,
			unsigned long idx, struct tw_rec *rec, unsigned long w,
			enum tw_seen seen)
{
	unsigned int old = READ_ONCE(rec->heat), heat, bucket;
	int tier = tw_w_tier(w);
	u8 age = READ_ONCE(rec->age);

	if (seen && !tw_rec_touched(rec))
		seen = TW_SEEN_NOT;
	p->young += seen == TW_SEEN_YOUNG;
	heat = tw_heat_scanned(old, seen);
	if (heat != old)
		WRITE_ONCE(rec->heat, heat);
	if (seen ? age : age < U8_MAX)
		WRITE_ONCE(rec->age, seen ? 0 : age + 1);
	if (tw_heat_band(heat) != tw_heat_band(old))
		tw_heat_banded(tw_space_page(sp, idx), tier, heat);
	p->bands[tier][tw_heat_band(heat)]++;
	if (tw_w_state(w) == TW_STORE && tw_policy_needs_cold(tier)) {
		age = READ_ONCE(rec->age);
		p->map.age[tier][age]++;
		tw_policy_see_stored(sp, idx, tier, age);
	}
	if (!tw_w_resident(w))
		return;
	bucket = tw_heat_bucket(heat);
	p->memory++;
	if (old >= TW_HEAT_STEADY) {
		p->steady++;
		p->lost += seen != TW_SEEN_YOUNG;
	}
	p->map.home[sp->home][bucket]++;
	p->map.tier[tier][bucket]++;
	tw_policy_see(sp, idx, w, heat, seen == TW_SEEN_YOUNG);
}

/*
 * Most pages of a big space have no heat and get none: all there is to do is
 * to count them, and that they are older. False: there is more to it.
 */
static bool tw_scan_cold(struct tw_rec *rec, unsigned long w, bool young,
			 unsigned int scans, u16 *cold)
{
	int tier = tw_w_tier(w);
	u8 age;

	if (young || READ_ONCE(rec->heat) || tw_policy_needs_cold(tier))
		return false;
	age = READ_ONCE(rec->age);
	if (age < U8_MAX)
		WRITE_ONCE(rec->age, min(age + scans, (unsigned int)U8_MAX));
	cold[tier * 2 + tw_w_resident(w)]++;
	return true;
}

static void tw_scan_count_cold(struct tw_pass *p, struct tw_space *sp,
			       const u16 *cold)
{
	int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		unsigned int resident = cold[tier * 2 + 1];

		p->bands[tier][0] += cold[tier * 2] + resident;
		p->pages += cold[tier * 2] + resident;
		if (!resident)
			continue;	/* so in all stores */
		p->memory += resident;
		p->map.home[sp->home][0] += resident;
		p->map.tier[tier][0] += resident;
	}
}

/* Has nothing happened there that the last look does not tell? */
static bool tw_scan_known(struct tw_pass *p, struct tw_chunk_look *l)
{
	struct tw_chunk *c = l->c;
	int tier;

	if (atomic_read(&c->nr_mem)) {
		if (tw_scan_chunk(l->sp, c, l->seen, false))
			return false;
		p->skipped += TW_CHUNK_PAGES;
	} else if (c->idle < TW_LONG_IDLE) {
		c->idle++;
	}
	if (!c->all_cold || c->idle < TW_LONG_IDLE ||
	    c->behind == TW_LONG_IDLE - 1)
		return false;
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		if (c->cold[tier * 2] + c->cold[tier * 2 + 1] &&
		    tw_policy_needs_cold(tier))
			return false;
	c->behind++;
	return true;
}

static enum tw_seen tw_look_seen(const struct tw_chunk_look *l, unsigned int i)
{
	if (test_bit(i, l->young))
		return TW_SEEN_YOUNG;
	return test_bit(i, l->seen) ? TW_SEEN_LATE : TW_SEEN_NOT;
}

/* What the looks have found, page by page. */
static void tw_look_done(struct tw_pass *p, struct tw_chunk_look *l)
{
	struct tw_chunk *c = l->c;
	unsigned int i, scans;

	if (l->known)
		goto cold;
	scans = c->behind + 1;
	c->behind = 0;
	c->all_cold = true;
	memset(c->cold, 0, sizeof(c->cold));
	for (i = 0; i < TW_CHUNK_PAGES; i++) {
		struct tw_rec *rec = &c->rec[i];
		unsigned long w = tw_rec_w(rec);
		enum tw_state s = tw_w_state(w);
		enum tw_seen seen = tw_look_seen(l, i);

		if (s == TW_NONE || s == TW_POISON ||
		    tw_scan_cold(rec, w, seen, scans, c->cold))
			continue;
		p->pages++;
		c->all_cold = false;
		tw_scan_rec(p, l->sp, c->base + i, rec, w, seen);
	}
cold:
	tw_scan_count_cold(p, l->sp, c->cold);
}

/* Short enough for the freezer to wait for it. */
static void tw_scan_nap(struct tw_pass *p)
{
	u64 us = p->window / NSEC_PER_USEC;

	if (p->window < TW_NAP_NS)
		usleep_range_idle(us, us + us / 8);
	else
		tw_scan_sleep(p->window);
}

/* The second look, at all at once so that their windows are alike. */
static void tw_group_again(struct tw_pass *p)
{
	unsigned int i;

	tw_scan_nap(p);
	for (i = 0; i < p->nr_group; i++) {
		struct tw_chunk_look *l = &p->group[i];

		if (!l->known && atomic_read(&l->c->nr_mem))
			tw_scan_chunk(l->sp, l->c, l->young, true);
	}
}

static void tw_group_scan(struct tw_pass *p)
{
	bool known = true;
	unsigned int i;

	for (i = 0; i < p->nr_group; i++) {
		struct tw_chunk_look *l = &p->group[i];

		l->known = tw_scan_known(p, l);
		known &= l->known;
		if (p->window == TW_WINDOW_ALL)
			bitmap_copy(l->young, l->seen, TW_CHUNK_PAGES);
	}
	if (p->window != TW_WINDOW_ALL && !known)
		tw_group_again(p);
	for (i = 0; i < p->nr_group; i++) {
		struct tw_chunk_look *l = &p->group[i];

		tw_look_done(p, l);
		if (i + 1 == p->nr_group || l[1].sp != l->sp)
			tw_policy_space_done();
	}
	for (i = 0; i < p->nr_group; i++)
		tw_space_put(p->group[i].sp);
	p->nr_group = 0;
	tw_scan_pause(p);
}

/*
 * Fills the group from where the scan is. Between groups nothing is held: a
 * space that goes away does not wait for a pause. False: that was the last.
 */
static bool tw_group_fill(struct tw_pass *p)
{
	unsigned int max = p->window == TW_WINDOW_ALL ? 1 : TW_GROUP;
	struct tw_space *sp;
	struct tw_chunk *c;

	while ((sp = tw_space_after(p->id ? p->id - 1 : 0))) {
		if (tw_space_number(sp) != p->id)
			p->at = 0;
		p->id = tw_space_number(sp);
		tw_for_each_chunk_from(sp, p->at, c, p->at) {
			if (p->nr_group == max) {
				tw_space_put(sp);
				return true;
			}
			p->group[p->nr_group++] = (struct tw_chunk_look){
				.sp = tw_space_get(sp), .c = c,
			};
		}
		p->id++;
		p->at = 0;
		tw_space_put(sp);
	}
	return false;
}

/* What the scan has found, for all to see. */
static void tw_scan_publish(const struct tw_pass *p)
{
	int tier, band;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		u64 *heat = tw_stats_heat(tier);

		for (band = 0; band < TW_HEAT_BANDS; band++)
			WRITE_ONCE(heat[band], p->bands[tier][band]);
	}
	WRITE_ONCE(tw_stats->scan_ns, tw_stats->scan_ns + p->worked);
	WRITE_ONCE(tw_stats->scan_pages, tw_stats->scan_pages + p->pages);
	WRITE_ONCE(tw_stats->scan_skipped, tw_stats->scan_skipped + p->skipped);
	WRITE_ONCE(tw_stats->scan_window_us, p->window == TW_WINDOW_ALL ? 0 :
		   div_u64(p->window, NSEC_PER_USEC));
	WRITE_ONCE(tw_stats->scans, tw_stats->scans + 1);
}

/* For the next scan, by what this one has found. */
static void tw_scan_adapt(struct tw_pass *p, u64 began)
{
	u64 room = 0;
	int tier;

	tw_for_each_memory_tier(tier)
		if (tw_tier_bound(tier) && tw_heat_any(p->map.home[tier]))
			room += READ_ONCE(tw_tiers[tier].capacity);
	/* Another window finds other pages young: that is no news. */
	p->news = !tw_win.changed &&
		  tw_scan_news(p->lost, p->steady, p->memory);
	if (tw_scan_began)
		tw_window_scanned(&tw_win, began - tw_scan_began, p->young,
				  p->memory, room);
	tw_scan_began = began;
}

/* Of all memory, as much as the background may want before the next scan. */
static void tw_scan_cut(const struct tw_pass *p)
{
	u64 both[TW_HEAT_BUCKETS], pages = 0;
	unsigned int b;

	for (b = 0; b < TW_HEAT_BUCKETS; b++) {
		both[b] = p->map.tier[0][b] + p->map.tier[1][b];
		pages += both[b];
	}
	tw_sweep_fresh(tw_heat_coldest(both, pages / 8 + 64));
}

static void tw_scan_all(struct tw_pass *p)
{
	u64 began = ktime_get_mono_fast_ns();
	bool more = true;

	memset(p, 0, sizeof(*p));
	p->window = tw_win.ns;
	tw_policy_begin(min(p->window, tw_scan_began ? began - tw_scan_began : 0));
	while (more && tw_scan_wanted()) {
		more = tw_group_fill(p);
		tw_group_scan(p);
	}
	tw_scan_slice_end(p);
	if (!tw_scan_wanted()) {
		tw_scan_began = 0;
		return;		/* half a scan tells nothing */
	}
	tw_scan_adapt(p, began);
	tw_policy_end(&p->map, p->news);
	tw_scan_cut(p);
	tw_demote_check();	/* by the watermark as it is now */
	tw_policy_balance(TW_SCAN_BALANCE);
	tw_scan_publish(p);
	WRITE_ONCE(tw_scanning, true);
}

/* Switched off: what the last scans have found tells nothing of the next one. */
static void tw_scan_forget(void)
{
	WRITE_ONCE(tw_scanning, false);
	tw_scan_began = 0;
	tw_win = (struct tw_window){ .ns = TW_WINDOW_ALL };
	tw_policy_forget();
}

static int tw_scan_thread(void *unused)
{
	unsigned int ms = READ_ONCE(tw_knobs.scan_min_ms);
	unsigned long out = tw_moves_out_seen(), was;
	u64 start;

	set_freezable();
	while (!kthread_should_stop()) {
		wait_event_freezable(tw_scan_wq, READ_ONCE(tw_auto_migration) ||
				     kthread_should_stop());
		if (!tw_scan_wanted())
			continue;
		start = ktime_get_mono_fast_ns();
		tw_scan_all(&tw_pass);
		/* What went to the stores was chosen by the heat of the scan. */
		was = out;
		out = tw_moves_out_seen();
		ms = tw_scan_period(ms, tw_policy_wanted() + out - was,
				    tw_pass.pages,
				    tw_pass.news,
				    READ_ONCE(tw_knobs.scan_min_ms),
				    READ_ONCE(tw_knobs.scan_max_ms));
		WRITE_ONCE(tw_stats->scan_period_ms, ms);
		start = ktime_get_mono_fast_ns() - start;
		WRITE_ONCE(tw_scan_kicked, false);
		if (start < (u64)ms * NSEC_PER_MSEC)
			wait_event_freezable_timeout(tw_scan_wq,
				!tw_scan_wanted() || READ_ONCE(tw_scan_kicked),
				nsecs_to_jiffies((u64)ms * NSEC_PER_MSEC - start) + 1);
		if (!READ_ONCE(tw_auto_migration))
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
