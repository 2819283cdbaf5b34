// SPDX-License-Identifier: GPL-2.0
/*
 * decide.c - which pages go where, scan by scan
 *
 * Owns what is known from the scan before (struct tw_decider) and the batches that a
 * scan moves, by space and direction. Only the scanner's thread calls it, except for
 * tw_policy_tell_stores().
 *
 * The pages of a space have a home, a tier where they belong while it is bound to
 * memory. Hot pages that are elsewhere in memory are promoted to it, and cold pages
 * there make room for them. With TW_POLICY_AUTO those pages are hot that fit into the
 * home, hottest first, as the scan before has found. A page moves only if its heat is
 * beyond that cut by a margin, which grows when pages are moved to and fro.
 *
 * background.c moves the coldest pages of memory to the stores. Pages that have been in
 * a store for longest sink to the next store before theirs is full, if that is seen to
 * help and takes little of the time that faults wait for stores anyway.
 *
 * Locks: none, since all of it belongs to one thread.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/hash.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>

#include "base/stats.h"
#include "moving/departed.h"
#include "moving/move.h"
#include "moving/store_choice.h"
#include "pages/heat.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/balance.h"
#include "policy/decide.h"
#include "policy/knobs.h"
#include "policy/policy_calc.h"
#include "tiers/slots.h"
#include "tiers/tier.h"

/* A cut that no page's heat reaches. */
#define TW_NOTHING_HOT	(TW_HEAT_BUCKETS * TW_HEAT_BUCKET)

/* A page that is demoted within so many scans after its promotion has thrashed. */
#define TW_THRASH_SCANS	10

/**
 * struct tw_trace - when a page was last moved
 * @page: its number, or 0 if there is none
 * @scan: number of the scan that moved it
 * @up: whether that was a promotion
 */
struct tw_trace {
	u64 page;
	u32 scan;
	bool up;
};

#define TW_TRACE_BITS	14
static struct tw_trace *tw_traces;

/**
 * struct tw_direction - moves in one direction
 * @m: the batch
 * @bucket: rate limits, by the tier where pages go
 */
struct tw_direction {
	struct tw_move *m;
	struct tw_bucket bucket[TW_NR_TIERS];
};

static struct tw_direction tw_up, tw_down, tw_sink;

struct tw_decider tw_decider = {
	/* Before the first scan nothing is known to be hot. */
	.fit = { [0 ... TW_NR_TIERS - 1] = TW_NOTHING_HOT },
	.sink_age = { [0 ... TW_NR_TIERS - 1] = TW_SINK_NONE },
	.margin.heat = TW_MARGIN_MIN,
	.scan = TW_THRASH_SCANS,
};

/* The last scan has found that pages of the slowest store are wanted more than others. */
static bool tw_sink_helped;

#define tw_auto_count(_name, _n)	\
	WRITE_ONCE(tw_stats->auto_##_name, tw_stats->auto_##_name + (_n))

static struct tw_trace *tw_trace_of(u64 page)
{
	return &tw_traces[hash_64(page, TW_TRACE_BITS)];
}

/* What stands for a page in the traces: all pages of a folio of 2 MiB move together. */
static u64 tw_trace_key(struct tw_space *sp, unsigned long idx)
{
	struct tw_chunk *c = unlikely(sp->huge) ? tw_chunk_find(sp, idx) : NULL;

	return tw_space_page(sp, c && tw_chunk_whole(c) ? c->base : idx);
}

/* Was the page moved so lately that it is not to be moved again? */
static bool tw_trace_fresh(u64 page)
{
	struct tw_trace *t = tw_trace_of(page);

	return t->page == page &&
	       tw_decider.scan - t->scan <= READ_ONCE(tw_knobs.min_stay);
}

static void tw_trace_add(u64 page, bool up)
{
	struct tw_trace *t = tw_trace_of(page);

	if (!up && t->page == page && t->up &&
	    tw_decider.scan - t->scan < TW_THRASH_SCANS) {
		tw_decider.thrash++;
		tw_auto_count(thrash, 1);
	}
	*t = (struct tw_trace){ .page = page, .scan = tw_decider.scan, .up = up };
}

static unsigned long tw_room(int tier)
{
	struct tw_tier_desc *t = &tw_tiers[tier];
	unsigned long used = tw_tier_used(t), cap = READ_ONCE(t->capacity);

	return tw_tier_bound(tier) && cap > used ? cap - used : 0;
}

/* -- the batches --------------------------------------------------------------- */

static void tw_direction_count(struct tw_move *m, bool up)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		switch (m->status[i]) {
		case 0:
			tw_trace_add(tw_trace_key(m->space, m->idx[i]), up);
			tw_decider.moved++;
			break;
		case -EBUSY:
			tw_auto_count(busy, 1);
			break;
		case -ENOSPC:
		case -EDQUOT:
			tw_auto_count(full, 1);
			break;
		}
	}
	if (up)
		tw_auto_count(promoted, m->moved);
	else
		tw_auto_count(demoted, m->moved);
}

static void tw_direction_run(struct tw_move *m)
{
	u64 ns = ktime_get_mono_fast_ns();

	tw_move_run(m);
	ns = ktime_get_mono_fast_ns() - ns;
	tw_decider.move_ns += ns;
	tw_auto_count(ns, ns);
	if (m->out)
		tw_decider.sink_ns -= ns;
	else if (m->moved)
		tw_decider.cost_ns[m->to] = tw_least(tw_decider.cost_ns[m->to],
						     div_u64(ns, m->moved));
}

static void tw_direction_flush(struct tw_direction *way, bool up)
{
	struct tw_move *m = way->m;
	unsigned int n;

	if (!m->nr)
		return;
	if (!tw_auto_migration())
		m->nr = 0;	/* it was turned off, or to watching, in this scan */
	n = tw_bucket_take(&way->bucket[m->to], m->nr,
			   READ_ONCE(tw_knobs.max_rate),
			   ktime_get_mono_fast_ns());
	tw_auto_count(limited, m->nr - n);
	m->nr = n;
	if (n) {
		tw_direction_run(m);
		/* Folios bring all of their pages along: these are of the rate, too. */
		if (m->beside)
			tw_bucket_take(&way->bucket[m->to], m->beside,
				       READ_ONCE(tw_knobs.max_rate),
				       ktime_get_mono_fast_ns());
		tw_decider.moved += m->beside;
		tw_direction_count(m, up);
		if (!up)
			tw_decider.need[m->from] -= min_t(unsigned long, m->moved,
							  tw_decider.need[m->from]);
	}
	m->nr = 0;
}

static void tw_direction_add(struct tw_direction *way, struct tw_space *sp,
			     unsigned long idx, int from, int to)
{
	struct tw_move *m = way->m;
	bool up = way == &tw_up;

	if (!tw_auto_migration())
		return;
	tw_decider.wanted++;
	tw_auto_count(considered, 1);
	if (tw_trace_fresh(tw_trace_key(sp, idx))) {
		tw_auto_count(stayed, 1);
		return;
	}
	if (m->nr && m->from != from)
		tw_direction_flush(way, up);
	m->space = sp;
	m->from = from;
	m->to = to;
	m->reason = up ? TW_REASON_HOT : TW_REASON_COLD;
	m->idx[m->nr++] = idx;
	if (m->nr == TW_BATCH)
		tw_direction_flush(way, up);
}

void tw_policy_space_done(void)
{
	tw_direction_flush(&tw_sink, false);
	tw_direction_flush(&tw_down, false);	/* first, since it makes room */
	tw_direction_flush(&tw_up, true);
}

/* -- deciding ------------------------------------------------------------------ */

static bool tw_is_hot(int home, unsigned int heat)
{
	if (READ_ONCE(tw_knobs.mode) & TW_POLICY_AUTO)
		return heat >= tw_decider.fit[home] + tw_decider.margin.heat;
	return heat > READ_ONCE(tw_hot_threshold);
}

static bool tw_is_cold(int tier, unsigned int heat)
{
	if (READ_ONCE(tw_knobs.mode) & TW_POLICY_AUTO)
		return heat < tw_decider.cold[tier];
	return heat < READ_ONCE(tw_cold_threshold);
}

/*
 * Decides about a page that is in memory, but not at home. It goes there if it is hot,
 * if that pays, and if there is room. Neither this function nor the next is inlined, so
 * that they cost nothing for the many pages that stay where they are.
 */
static noinline void tw_see_away(struct tw_space *sp, unsigned long idx, int tier,
				 unsigned int heat)
{
	int home = sp->home;

	if (!tw_auto_migration() || !tw_tier_bound(home) ||
	    !tw_tier_is_memory(home) || !tw_is_hot(home, heat))
		return;
	if (heat < tw_decider.pays[home]) {
		tw_auto_count(unpaid, 1);
		return;
	}
	if (tw_room(home) > tw_up.m->nr) {
		tw_direction_add(&tw_up, sp, idx, tier, home);
		return;
	}
	tw_decider.waiting[home]++;
	tw_decider.wanted++;
	tw_auto_count(considered, 1);
	tw_auto_count(full, 1);
}

/* Decides about a page at home, where room is needed: a cold one goes to other memory. */
static noinline void tw_see_home(struct tw_space *sp, unsigned long idx, int tier,
				 unsigned int heat)
{
	int other;

	if (!tw_is_cold(tier, heat))
		return;
	tw_for_each_memory_tier(other) {
		if (other != tier && tw_room(other) > tw_down.m->nr &&
		    tw_space_allows(sp, other)) {
			tw_direction_add(&tw_down, sp, idx, tier, other);
			return;
		}
	}
}

void tw_policy_see(struct tw_space *sp, unsigned long idx, unsigned long w,
		   unsigned int heat, bool young)
{
	int tier = tw_w_tier(w);

	if (tw_w_state(w) != TW_MEM)
		return;
	if (tier != sp->home)
		tw_see_away(sp, idx, tier, heat);
	else if (!young && tw_decider.need[tier] > tw_down.m->nr)
		tw_see_home(sp, idx, tier, heat);
}

void tw_policy_see_stored(struct tw_space *sp, unsigned long idx, int tier,
			  unsigned int age)
{
	int to;

	if (age < tw_decider.sink_age[tier] || tw_decider.sink_ns <= 0 ||
	    tw_decider.need[tier] <= tw_sink.m->nr)
		return;
	if (tw_sink.m->nr && tw_sink.m->from != tier)
		tw_direction_flush(&tw_sink, false);
	to = tw_store_below(sp, tier);
	if (to != TW_TIER_NONE)
		tw_direction_add(&tw_sink, sp, idx, tier, to);
}

/* How many pages are to sink, so that pages that leave memory find room. */
static u64 tw_store_need(int tier)
{
	unsigned long used = tw_slots_used_about(&tw_tiers[tier]);
	unsigned long cap = READ_ONCE(tw_tiers[tier].capacity);
	u64 free = cap > used ? cap - used : 0;

	if (!tw_tier_bound(tier))
		return 0;
	tw_decider.room[tier] = tw_sink_room(cap, tw_decider.room[tier], free);
	return tw_sink_need(tw_decider.room[tier], free);
}

/* Counts how often pages of stores were touched since the scan before, if any. */
static void tw_sink_asked(void)
{
	u64 all = 0, refaults;
	int tier;

	tw_for_each_store_tier(tier) {
		refaults = tw_stats_sum_of(tier, refaults);
		if (tw_decider.began)
			tw_demand_add(&tw_decider.asking[tier],
				      refaults - tw_decider.refaults[tier],
				      tw_tier_used(&tw_tiers[tier]));
		tw_decider.refaults[tier] = refaults;
		all += tw_decider.asking[tier].refaults;
	}
	if (all > TW_ASKING_MANY)
		tw_for_each_store_tier(tier)
			tw_demand_age(&tw_decider.asking[tier]);
}

void tw_policy_tell_stores(void)
{
	WRITE_ONCE(tw_sinking_helps, tw_auto_migration() &&
		   READ_ONCE(tw_sink_helped));
}

/* Does it help to let pages sink? Compares the slowest store in use with all others. */
static bool tw_sink_pays(void)
{
	struct tw_demand fast = {}, slow = {};
	int tier;

	tw_for_each_store_tier(tier) {
		const struct tw_demand *a = &tw_decider.asking[tier];

		if (!a->pages)
			continue;
		tw_demand_add(&fast, slow.refaults, slow.pages);
		slow = *a;
	}
	return tw_sink_helps(&fast, &slow);
}

static void tw_sink_begin(void)
{
	u64 now = ktime_get_mono_fast_ns(), waited = tw_refault_waited();
	int tier;

	tw_sink_asked();
	WRITE_ONCE(tw_sink_helped, tw_sink_pays());
	tw_policy_tell_stores();
	if (tw_decider.began)
		tw_decider.sink_ns = tw_sink_time(tw_decider.sink_ns,
						  waited - tw_decider.waited,
						  now - tw_decider.began);
	tw_for_each_store_tier(tier) {
		/* Pages of the slowest store cannot sink. */
		bool sinks = tw_auto_migration() &&
			     tw_store_next(tier) < TW_NR_TIERS;

		tw_decider.sinks[tier] = sinks && tw_sink_helped &&
			tw_decider.sink_ns > 0 ? tw_store_need(tier) : 0;
		tw_decider.need[tier] = tw_decider.sinks[tier];
	}
	tw_decider.began = now;
	tw_decider.waited = waited;
}

static void tw_sink_end(const struct tw_heat_map *map)
{
	int tier;

	/* Pages were counted only in stores where they were to sink. */
	tw_for_each_store_tier(tier)
		if (tw_decider.sinks[tier])
			tw_decider.sink_age[tier] =
				tw_age_oldest(map->age[tier],
					      tw_decider.sinks[tier]);
}

/* The heat from which it pays to move a page home, and another one away for it. */
static unsigned int tw_pays_at(int home, u64 window_ns)
{
	u64 from, to, cost;
	int other;

	tw_for_each_memory_tier(other)
		if (other != home)
			break;
	if (other == TW_NR_TIERS)
		return 0;	/* there is nowhere to come from */
	cost = tw_decider.cost_ns[home] + tw_decider.cost_ns[other];

	/* A space may have the slower tier as its home: the difference counts, too. */
	if (tw_tier_latencies(other, home, &from, &to))
		return tw_heat_pays(cost, from - to, window_ns);
	return tw_heat_pays(cost, to - from, window_ns);
}

void tw_policy_begin(u64 window_ns)
{
	int tier;

	tw_decider.scan++;
	tw_decider.moved = 0;
	tw_decider.thrash = 0;
	tw_decider.wanted = 0;
	memset(tw_decider.need, 0, sizeof(tw_decider.need));
	tw_for_each_memory_tier(tier) {
		unsigned long cap = READ_ONCE(tw_tiers[tier].capacity);
		unsigned long keep = tw_policy_headroom(cap);
		unsigned long room = tw_room(tier);

		tw_decider.pays[tier] = tw_pays_at(tier, window_ns);
		if (!tw_auto_migration()) {
			tw_decider.waiting[tier] = 0;
			continue;	/* no page is to move */
		}
		tw_decider.need[tier] = room < keep ? 2 * keep - room : 0;
		/* The promotions of the scan before that found no room. */
		tw_decider.need[tier] += min(tw_decider.waiting[tier], cap / 4);
		tw_decider.waiting[tier] = 0;
	}
	tw_sink_begin();
}

void tw_policy_end(const struct tw_heat_map *map, bool news)
{
	int tier;

	if (news)
		tw_decider.margin = (struct tw_margin){ .heat = TW_MARGIN_MIN };
	else
		tw_margin_scanned(&tw_decider.margin, tw_decider.moved,
				  tw_decider.thrash);
	WRITE_ONCE(tw_stats->auto_margin, tw_decider.margin.heat);
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		if (!tw_tier_is_memory(tier)) {	/* until a scan has seen it as memory */
			tw_decider.fit[tier] = TW_NOTHING_HOT;
			tw_decider.waiting[tier] = 0;
		}
	tw_for_each_memory_tier(tier) {
		unsigned long cap = READ_ONCE(tw_tiers[tier].capacity);
		unsigned long keep = tw_policy_headroom(cap);
		unsigned long want = keep + tw_decider.waiting[tier];

		tw_decider.fit[tier] = tw_heat_fit(map->home[tier], cap - keep);
		/* No page is to go that is so hot that it would have to come back. */
		tw_decider.cold[tier] = min(tw_heat_coldest(map->tier[tier], want),
					    max(tw_decider.fit[tier],
						(unsigned int)TW_HEAT_BUCKET));
	}
	tw_sink_end(map);
}

void tw_policy_forget(void)
{
	memset(tw_decider.asking, 0, sizeof(tw_decider.asking));
	memset(tw_decider.room, 0, sizeof(tw_decider.room));
	tw_decider.sink_ns = 0;
	tw_decider.began = 0;
	tw_policy_tell_stores();
}

void tw_policy_balance(unsigned int nr)
{
	tw_decider.move_ns += tw_numa_balance_some(nr);
}

u64 tw_policy_move_ns(void)
{
	u64 ns = tw_decider.move_ns;

	tw_decider.move_ns = 0;
	return ns;
}

u64 tw_policy_wanted(void)
{
	return tw_decider.wanted;
}

/* -- load and unload --------------------------------------------------------- */

int tw_policy_moves_init(void)
{
	tw_traces = vcalloc(1UL << TW_TRACE_BITS, sizeof(*tw_traces));
	tw_up.m = tw_move_alloc(GFP_KERNEL);
	tw_down.m = tw_move_alloc(GFP_KERNEL);
	tw_sink.m = tw_move_alloc(GFP_KERNEL);
	if (tw_traces && tw_up.m && tw_down.m && tw_sink.m)
		return 0;
	tw_policy_moves_exit();
	return -ENOMEM;
}

void tw_policy_moves_exit(void)
{
	tw_move_free(tw_sink.m);
	tw_move_free(tw_down.m);
	tw_move_free(tw_up.m);
	vfree(tw_traces);
}
