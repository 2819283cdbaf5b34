// SPDX-License-Identifier: GPL-2.0
/*
 * demote.c - cold pages out of memory, when room is wanted
 *
 * One clock hand over all regions in the order of their ids, and within each a
 * hand over its pages; second chance on accessed bits: a page found touched is
 * spared and its age starts again. The longer a sweep finds too little, the
 * less it spares. Where they go is store_choice.c's.
 *
 * Headroom is kept in the background, so that faults seldom wait; a fault that
 * finds none sweeps by itself. Both call tw_demote(), any number at a time:
 * hands are hints. No locks of its own; movers' locks are taken inside.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "agent.h"
#include "heat.h"
#include "policy.h"
#include "region.h"
#include "stats.h"
#include "tier.h"
#include "tw.h"

/* Pages looked at before a sweep gets less choosy. */
#define TW_SWEEP_PAGES	8192

/* Pages that a sweep passes over to find some that cost no write to the slowest store. */
#define TW_SWEEP_SPARED	256

/* How choosy: below this a page's age spares it. */
static const u8 tw_sweep_age[] = { 2, 1, 0, 0 };
#define TW_SWEEP_LEVELS	ARRAY_SIZE(tw_sweep_age)

/**
 * struct tw_sweep - one call of tw_demote()
 * @only: region, or NULL for all
 * @tier: memory tier, or TW_TIER_NONE for both
 * @want: pages still to move
 * @done: pages moved
 * @level: choosiness, index into tw_sweep_age
 * @looked: pages looked at on this level
 * @fast: pages that the stores above the slowest still take
 * @spared: pages that may still be passed over
 * @idx: pages of the present region that are to go
 * @wish: where to, each: a store, TW_WISH_PLAIN
 * @nr: how many
 * @m: batch
 */
struct tw_sweep {
	struct tw_region *only;
	int tier;
	unsigned long want;
	unsigned long done;
	unsigned int level;
	unsigned long looked;
	unsigned long fast;
	unsigned int spared;
	unsigned long idx[TW_BATCH];
	u8 wish[TW_BATCH];
	unsigned int nr;
	struct tw_move *m;
};

static u64 tw_hand;			/* id of the region the clock is at */
static unsigned int tw_sweep_from;	/* level that found enough since the last scan */
static bool tw_demote_paused = true;	/* not loaded, or a hibernation image is made */
static struct workqueue_struct *tw_demote_wq;
static unsigned int tw_sweep_cut;	/* heat below which the coldest are */
static struct tw_keep tw_keep;		/* hints: races cost little */
static void tw_demote_work_fn(struct work_struct *work);
static DECLARE_WORK(tw_demote_work, tw_demote_work_fn);

/**
 * struct tw_asked - what became of the shrinker's asking, by memcg
 * @done: pages demoted; a reclaimer that took those of other memcgs for its own
 *	progress would go on for ever
 * @idle_until: jiffies until which waiting is known to be vain
 */
struct tw_asked {
	atomic_long_t done;
	unsigned long idle_until;
};

#define TW_ASKED_BITS	6
static struct tw_asked tw_asked[1 << TW_ASKED_BITS];
static DECLARE_WAIT_QUEUE_HEAD(tw_demoted_wq);

/* -- the batch ------------------------------------------------------------- */

/* What did not fit stays in the batch for the next store. */
static void tw_sweep_rest(struct tw_move *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->nr; i++)
		if (m->status[i] == -ENOSPC || m->status[i] == -EDQUOT)
			m->idx[n++] = m->idx[i];
	m->nr = n;
}

/* The batch, to @to and on from there. */
static void tw_sweep_send(struct tw_sweep *s, int to)
{
	struct tw_move *m = s->m;
	bool reaped = false;

	while (m->nr) {
		if (to == TW_TIER_NONE) {
			if (!reaped) {
				reaped = true;
				to = tw_store_choose_reap();
				continue;
			}
			/* No fault fails for the limit of a store. */
			if (m->flags & TW_MOVE_NO_LIMIT ||
			    s->level < TW_SWEEP_LEVELS - 1)
				break;
			m->flags |= TW_MOVE_NO_LIMIT;
			to = tw_store_choose(TW_TIER_NVME);
			if (to == TW_TIER_NONE)
				break;
		}
		m->to = to;
		m->reason = TW_REASON_PRESSURE;
		tw_move_run(m);
		s->done += m->moved;
		s->want -= min_t(unsigned long, m->moved, s->want);
		tw_sweep_rest(m);
		to = to + 1 < TW_NR_TIERS ? tw_store_choose(to + 1) :
		     TW_TIER_NONE;
	}
	m->flags &= ~TW_MOVE_NO_LIMIT;
	m->nr = 0;
}

/* Those with the same wish together. */
static void tw_sweep_flush(struct tw_sweep *s)
{
	unsigned int i;
	int wish;

	for (wish = TW_WISH_PLAIN; s->nr && wish < TW_NR_TIERS; wish++) {
		for (i = 0; i < s->nr; i++)
			if (s->wish[i] == wish)
				s->m->idx[s->m->nr++] = s->idx[i];
		if (!s->m->nr)
			continue;
		tw_sweep_send(s, wish == TW_WISH_PLAIN ?
			      tw_store_choose(TW_TIER_NVME) : wish);
	}
	s->nr = 0;
}

/* -- the sweep ------------------------------------------------------------- */

/* With a scanner, who keeps heat and age: the coldest, touched or not, if need be. */
static bool tw_sweep_by_heat(struct tw_sweep *s, unsigned int heat, bool young)
{
	unsigned int cut = READ_ONCE(tw_sweep_cut) << s->level;

	if (s->level == TW_SWEEP_LEVELS - 1)
		return true;
	return heat < cut && !(young && s->level < TW_SWEEP_LEVELS - 2);
}

/* A page seen in a sweep: is it to go? */
static bool tw_sweep_cold(struct tw_sweep *s, struct tw_rec *rec, u64 page,
			  bool young)
{
	int tier = tw_w_tier(tw_rec_w(rec));
	u8 age = READ_ONCE(rec->age);

	young = young && tw_rec_touched(rec);
	if (READ_ONCE(tw_scanning))
		return tw_sweep_by_heat(s, READ_ONCE(rec->heat), young);
	if (young) {
		age = 0;
		tw_rec_touch(rec, page, tier, TW_HEAT_SEEN);
	} else if (!s->level) {	/* once a sweep, not once a level */
		age += age < U8_MAX;
		WRITE_ONCE(rec->age, age);
		tw_rec_cool(rec, page, tier);
	}
	if (s->level == TW_SWEEP_LEVELS - 1)
		return true;
	return !young && age >= tw_sweep_age[s->level];
}

/*
 * One that would have to be written to the slowest store: others as cold have a
 * copy there, and go for nothing. Not when a sweep has found too little: there
 * may be no others.
 */
static bool tw_sweep_spare(struct tw_sweep *s, int wish)
{
	if (wish != TW_WISH_PLAIN || s->level >= TW_SWEEP_LEVELS / 2)
		return false;
	if (s->fast) {
		s->fast--;
		return false;
	}
	if (!s->spared)
		return false;
	s->spared--;
	return true;
}

static void tw_sweep_window(struct tw_sweep *s, struct tw_region *r,
			    struct tw_chunk *c, unsigned int at)
{
	unsigned long w;
	u64 here = 0, young, dirty;
	unsigned int i;
	int wish;

	for (i = 0; i < TW_BATCH; i++) {
		w = tw_rec_w(&c->rec[at + i]);

		if (tw_w_state(w) == TW_MEM &&
		    (s->tier == TW_TIER_NONE || tw_w_tier(w) == s->tier))
			here |= BIT_ULL(i);
	}
	s->looked += hweight64(here);
	if (!here)
		return;
	young = tw_scan_young(r, c->base + at, TW_BATCH,
			      !READ_ONCE(tw_scanning), &dirty);
	for (i = 0; i < TW_BATCH; i++) {
		if (!(here & BIT_ULL(i)) ||
		    !tw_sweep_cold(s, &c->rec[at + i],
				   tw_region_page(r, c->base + at + i),
				   young & BIT_ULL(i)))
			continue;
		if (s->nr == min_t(unsigned long, TW_BATCH, s->want))
			continue;	/* aged, its turn comes */
		w = tw_rec_w(&c->rec[at + i]);
		if (tw_w_state(w) != TW_MEM)
			continue;
		wish = tw_store_wish(&c->rec[at + i], w, dirty & BIT_ULL(i));
		if (tw_sweep_spare(s, wish))
			continue;
		s->wish[s->nr] = wish;
		s->idx[s->nr++] = c->base + at + i;
	}
	if (s->nr >= min_t(unsigned long, TW_BATCH, s->want))
		tw_sweep_flush(s);
}

void tw_sweep_fresh(unsigned int cut)
{
	WRITE_ONCE(tw_sweep_cut, cut);
	WRITE_ONCE(tw_sweep_from, 0);
}

static bool tw_sweep_over(struct tw_sweep *s)
{
	return !s->want || s->looked >= TW_SWEEP_PAGES ||
	       fatal_signal_pending(current);
}

/* From the region's hand to its end, or until enough. True: reached the end. */
static bool tw_sweep_region(struct tw_sweep *s, struct tw_region *r)
{
	unsigned long at = READ_ONCE(r->hand), i = at >> TW_CHUNK_SHIFT;
	struct tw_chunk *c;

	s->m->region = r;
	xa_for_each_start(&r->chunks, i, c, i) {
		unsigned int w = at > c->base ? at - c->base : 0;

		cond_resched();
		if (!atomic_read(&c->nr_mem))
			continue;
		for (; w < TW_CHUNK_PAGES; w += TW_BATCH) {
			tw_sweep_window(s, r, c, w);
			if (tw_sweep_over(s)) {
				WRITE_ONCE(r->hand, c->base + w + TW_BATCH);
				goto out;
			}
		}
	}
	WRITE_ONCE(r->hand, 0);
out:
	tw_sweep_flush(s);
	return READ_ONCE(r->hand) == 0;
}

/* Once around all regions at most, from where the clock is. */
static void tw_sweep_all(struct tw_sweep *s)
{
	u64 start = READ_ONCE(tw_hand), id = start;
	bool wrapped = false;
	struct tw_region *r;

	while (!tw_sweep_over(s)) {
		r = tw_region_after(id ? id - 1 : 0);
		if (!r) {
			if (wrapped)
				break;
			wrapped = true;
			id = 0;
			continue;
		}
		if (wrapped && r->id > start) {
			tw_region_put(r);
			break;
		}
		id = tw_sweep_region(s, r) ? r->id + 1 : r->id;
		tw_region_put(r);
	}
	WRITE_ONCE(tw_hand, id);
}

unsigned long tw_demote(struct tw_region *r, int tier, unsigned long nr)
{
	unsigned int from = READ_ONCE(tw_scanning) ? READ_ONCE(tw_sweep_from) : 0;
	struct tw_sweep s = {
		.only = r, .tier = tier, .want = nr, .level = from,
	};

	if (!tw_store_possible())
		return 0;
	s.fast = tw_store_fast_room();
	s.spared = s.fast < nr ? TW_SWEEP_SPARED : 0;
	s.m = tw_move_alloc(GFP_NOIO | __GFP_NOWARN);
	if (!s.m)
		return 0;
	s.m->flags = TW_MOVE_CHOICE;
	while (s.want && s.level < TW_SWEEP_LEVELS &&
	       !fatal_signal_pending(current)) {
		s.looked = 0;
		if (r)
			tw_sweep_region(&s, r);
		else
			tw_sweep_all(&s);
		if (s.done && !s.want)
			break;
		s.level++;
	}
	/* What is not cold enough will not be before the next scan. */
	if (s.level > from && s.level < TW_SWEEP_LEVELS && READ_ONCE(tw_scanning))
		WRITE_ONCE(tw_sweep_from, s.level);
	tw_move_free(s.m);
	return s.done;
}

/* -- in the background ----------------------------------------------------- */

static unsigned long tw_memory_free(unsigned long *capacity)
{
	unsigned long free = 0;
	int tier;

	*capacity = 0;
	for (tier = TW_TIER_GPU; tier <= TW_TIER_CPU; tier++) {
		struct tw_tier_s *t = &tw_tiers[tier];
		unsigned long used = tw_tier_used(t), cap = t->capacity;

		if (!tw_tier_bound(tier))
			continue;
		*capacity += cap;
		free += cap > used ? cap - used : 0;
	}
	return free;
}

static unsigned long tw_headroom_most(unsigned long capacity)
{
	return max(tw_policy_headroom(capacity), 32UL);
}

static unsigned long tw_headroom(unsigned long capacity)
{
	if (READ_ONCE(tw_auto_migration))
		return tw_keep_now(&tw_keep, tw_headroom_most(capacity));
	return clamp(capacity / 64, 32UL, 8192UL);
}

void tw_demote_begin(void)
{
	tw_keep = (struct tw_keep){ .pages = ~0ULL };
}

void tw_demote_stalled(void)
{
	unsigned long capacity;

	tw_memory_free(&capacity);
	tw_keep_stalled(&tw_keep, tw_headroom_most(capacity));
}

void tw_demote_queue(void)
{
	rcu_read_lock();	/* pairs with synchronize_rcu() in tw_demote_exit() */
	if (!READ_ONCE(tw_demote_paused) && !work_pending(&tw_demote_work))
		queue_work(tw_demote_wq, &tw_demote_work);
	rcu_read_unlock();
}

static bool tw_memory_low(void)
{
	unsigned long capacity, free = tw_memory_free(&capacity);

	return free < tw_headroom(capacity);
}

void tw_demote_check(void)
{
	if (tw_memory_low())
		tw_demote_queue();
}

void tw_demote_kick(struct tw_tier_s *t)
{
	tw_demote_check();
}

static struct tw_asked *tw_asked_of(struct mem_cgroup *memcg)
{
	return &tw_asked[hash_ptr(memcg, TW_ASKED_BITS)];
}

/* What the shrinker has asked of each region. */
static void tw_demote_reclaim(void)
{
	struct tw_region *r;
	u64 id = 0;

	while ((r = tw_region_after(id))) {
		unsigned long n = atomic_long_xchg(&r->reclaim, 0);

		id = r->id;
		for (n = min(n, 1024UL); n; n -= min_t(unsigned long, n, TW_BATCH)) {
			unsigned long done = tw_demote(r, TW_TIER_NONE,
					min_t(unsigned long, n, TW_BATCH));

			if (!done)
				break;
			atomic_long_add(done, &tw_asked_of(r->memcg)->done);
			wake_up_all(&tw_demoted_wq);
		}
		tw_region_put(r);
		cond_resched();
	}
}

/*
 * Reclaim in a memcg gives up after a few rounds without progress and kills;
 * the I/O of the background takes longer than those. The caller may hold record
 * locks: the background only tries those, and this wait ends by itself.
 */
unsigned long tw_demote_wait(struct mem_cgroup *memcg)
{
	struct tw_asked *asked = tw_asked_of(memcg);
	long before = atomic_long_read(&asked->done);
	unsigned long done;

	if (READ_ONCE(tw_demote_paused) ||
	    time_before(jiffies, READ_ONCE(asked->idle_until)) ||
	    !tw_store_possible())
		return 0;
	wait_event_killable_timeout(tw_demoted_wq,
			atomic_long_read(&asked->done) != before, HZ / 10);
	done = atomic_long_read(&asked->done) - before;
	/* Nothing to be had: nobody there need wait for that again soon. */
	if (!done)
		WRITE_ONCE(asked->idle_until, jiffies + HZ);
	return done;
}

static void tw_demote_work_fn(struct work_struct *work)
{
	unsigned long capacity, free, want, done;

	tw_demote_reclaim();
	tw_limits_work(&tw_demote_paused);
	while (!READ_ONCE(tw_demote_paused)) {
		free = tw_memory_free(&capacity);
		want = 2 * tw_headroom(capacity);
		if (free >= want)
			break;
		done = tw_demote(NULL, TW_TIER_NONE,
				 min_t(unsigned long, want - free, TW_BATCH));
		if (!done)
			break;
		tw_keep_demoted(&tw_keep, done, tw_headroom_most(capacity));
		cond_resched();
	}
}

/* A hibernation image must not miss what a store has got after it was taken. */
static int tw_demote_pm(struct notifier_block *nb, unsigned long action, void *p)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
		WRITE_ONCE(tw_demote_paused, true);
		flush_work(&tw_demote_work);
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
		WRITE_ONCE(tw_demote_paused, false);
		tw_demote_queue();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block tw_demote_nb = { .notifier_call = tw_demote_pm };

int tw_demote_init(void)
{
	int err;

	tw_demote_wq = alloc_workqueue("tw_demote", WQ_UNBOUND | WQ_FREEZABLE |
				       WQ_MEM_RECLAIM, 1);
	if (!tw_demote_wq)
		return -ENOMEM;
	err = register_pm_notifier(&tw_demote_nb);
	if (err) {
		destroy_workqueue(tw_demote_wq);
		return err;
	}
	tw_demote_begin();
	WRITE_ONCE(tw_demote_paused, false);
	return 0;
}

void tw_demote_exit(void)
{
	unregister_pm_notifier(&tw_demote_nb);
	WRITE_ONCE(tw_demote_paused, true);
	synchronize_rcu();	/* who has not seen that has queued its work */
	flush_work(&tw_demote_work);
	tw_limits_exit();	/* only that work arms its timer */
	destroy_workqueue(tw_demote_wq);
}
