// SPDX-License-Identifier: GPL-2.0
/*
 * readin.c - bringing pages back from a store for a fault
 *
 * Owns the reads under way (struct tw_readin). bring_in.c calls it for a fault, and
 * move.c to end a read of its own. A page that follows another one in the store was
 * demoted with it and is likely wanted next, so it is read as well while there is room
 * within capacity.
 *
 * A task that is killed while it waits leaves the read to end by itself. Until then
 * records, slots and frames stay as they are, and the space and the module are held.
 *
 * Locks: the caller has locked the record that faulted; those of its neighbours are
 * only trylocked. All stay locked (READING) until the I/O has ended.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "moving/departed.h"
#include "moving/readin.h"
#include "pages/frame.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/slots.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

#define TW_READAHEAD		16U
#define TW_READAHEAD_FIRST	4U

/* How many reads can be under way even when there is no memory. */
#define TW_READINS_MIN		16

/**
 * struct tw_readin - a read
 * @f: its transfer
 * @sp: space of the pages
 * @idx: the page that faulted, which the others follow
 * @was: the word of its record before the read
 * @src: store that is read
 * @t0: when the read began
 * @nr: how many pages are read
 * @io: their slots and frames
 * @rec: their records, locked
 * @tier: the memory tier of each frame
 */
struct tw_readin {
	struct tw_xfer f;
	struct tw_space *sp;
	unsigned long idx;
	unsigned long was;
	int src;
	u64 t0;
	unsigned int nr;
	struct tw_io io[TW_READAHEAD];
	struct tw_rec *rec[TW_READAHEAD];
	int tier[TW_READAHEAD];
};

static mempool_t *tw_readins;

int tw_readin_init(void)
{
	tw_readins = mempool_create_kmalloc_pool(TW_READINS_MIN,
						 sizeof(struct tw_readin));
	return tw_readins ? 0 : -ENOMEM;
}

void tw_readin_exit(void)
{
	mempool_destroy(tw_readins);
}

/*
 * Whether to keep a page's copy when the page comes back, so that the next demotion
 * has nothing to write. Not when the store is more than half full, as with swap.
 */
static bool tw_slot_keep(int tier)
{
	struct tw_tier_desc *t = &tw_tiers[tier];

	return tw_tier_bound(tier) &&
	       tw_slots_used(t) < READ_ONCE(t->capacity) / 2;
}

int tw_read_done(struct tw_space *sp, unsigned long idx, struct tw_rec *rec,
		 struct page *page, int tier, int err)
{
	int src = tw_w_tier(tw_rec_w(rec));

	if (err) {
		tw_rec_set_state(rec, TW_STORE);
		if (err == -EILSEQ)
			tw_rec_poison(sp, rec);
		tw_page_unget(page, tier);
		return err;
	}
	tw_page_attach(sp, idx, page);
	if (tw_slot_keep(src)) {
		atomic64_inc(tw_tier_kept_ctr(&tw_tiers[src]));
		tw_rec_set(rec, tw_w_mem(tier, page) |
			   tw_w_slot_bits(tw_rec_w(rec)));
	} else {
		tw_slot_drop(rec);
		tw_rec_set(rec, tw_w_mem(tier, page));
	}
	tw_tier_used_add(&tw_tiers[src], -1);
	tw_chunk_mem_add(tw_chunk_find(sp, idx), 1);
	tw_pages_add(sp, src, -1);
	tw_pages_add(sp, tier, 1);
	return 0;
}

/* Locks the record behind the run if its slot continues the run. */
static bool tw_readin_continues(struct tw_rec *rec, int src, u32 slot)
{
	unsigned long w = tw_rec_w(rec);

	if (tw_w_state(w) != TW_STORE || tw_w_tier(w) != src ||
	    READ_ONCE(rec->slot) != slot || !tw_rec_trylock_nested(rec))
		return false;
	w = tw_rec_w(rec);
	if (tw_w_state(w) == TW_STORE && tw_w_tier(w) == src &&
	    rec->slot == slot)
		return true;
	tw_rec_unlock_nested(rec);
	return false;
}

/*
 * How many pages to read. A fault where the last read ended is sequential access, and
 * each such read is twice as long as the one before; any other fault reads only its
 * page. These are hints: a race costs a little read-ahead.
 */
static unsigned long tw_readin_window(struct tw_space *sp, unsigned long idx)
{
	if (idx != READ_ONCE(sp->ahead_at))
		return 1;
	return clamp(2 * READ_ONCE(sp->ahead), TW_READAHEAD_FIRST, TW_READAHEAD);
}

static void tw_readin_ahead(struct tw_space *sp, unsigned long idx,
			    struct tw_readin *ri, int src)
{
	unsigned long room = TW_CHUNK_PAGES - (idx & (TW_CHUNK_PAGES - 1));
	unsigned int max = min3(room, sp->nr_pages - idx,
				tw_readin_window(sp, idx));

	while (ri->nr < max) {
		unsigned int k = ri->nr;
		struct tw_rec *rec = ri->rec[0] + k;
		struct page *page;

		if (!tw_readin_continues(rec, src, ri->io[0].slot + k))
			return;
		page = tw_page_get(sp, sp->memcg, GFP_HIGHUSER | __GFP_ACCOUNT |
				   __GFP_NORETRY | __GFP_NOWARN, TW_OVER_NONE,
				   &ri->tier[k]);
		if (!page) {
			tw_rec_unlock_nested(rec);
			return;
		}
		ri->rec[k] = rec;
		ri->io[k].slot = rec->slot;
		ri->io[k].page = page;
		ri->nr++;
	}
}

/* Returns NULL if the task was killed before there was memory for it. */
static struct tw_readin *tw_readin_alloc(void)
{
	/* Must not sleep: a task that sleeps in mempool_alloc() cannot be killed. */
	gfp_t gfp = (GFP_NOIO & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN;
	struct tw_readin *ri;

	while (!(ri = mempool_alloc(tw_readins, gfp))) {
		if (fatal_signal_pending(current))
			return NULL;
		schedule_timeout_killable(1);
	}
	return ri;
}

/*
 * Ends a read that has landed. Returns 0 or the error of the page that faulted, whose
 * record stays locked.
 */
static int tw_readin_done(struct tw_readin *ri)
{
	unsigned int i;
	u64 ns;

	tw_xfer_end(&ri->f);
	ns = (ktime_get_mono_fast_ns() - ri->t0) / ri->nr;
	for (i = 0; i < ri->nr; i++) {
		int err = tw_read_done(ri->sp, ri->idx + i, ri->rec[i],
				       ri->io[i].page, ri->tier[i],
				       ri->io[i].error);

		tw_page_moved(ri->sp, ri->idx + i, ri->src, ri->tier[i],
			      TW_REASON_FAULT, err, ns);
		if (!i)
			continue;
		/* It was not asked for, so it is to leave again soon if not touched. */
		WRITE_ONCE(ri->rec[i]->age, 1);
		tw_rec_unlock_nested(ri->rec[i]);
	}
	if (!ri->io[0].error)
		tw_refaulted(ri->rec[0], ri->was, ri->tier[0], ns * ri->nr);
	return ri->io[0].error;
}

/* The same, in a worker, for a read that was left; no fault waits for its page. */
static void tw_readin_landed(struct tw_xfer *f)
{
	struct tw_readin *ri = container_of(f, struct tw_readin, f);
	struct tw_space *sp = ri->sp;

	tw_rec_dep_try();
	tw_readin_done(ri);
	WRITE_ONCE(ri->rec[0]->age, 1);
	tw_rec_unlock(ri->rec[0]);
	mempool_free(ri, tw_readins);
	tw_left_end(sp);
}

/* Waits for the read. Returns 0, or -EINTR if the task is killed and has left it. */
static int tw_readin_wait(struct tw_readin *ri)
{
	struct tw_space *sp = ri->sp;

	while (tw_xfer_wait(&ri->f, TASK_KILLABLE, MAX_SCHEDULE_TIMEOUT)) {
		tw_left_begin(sp);
		if (tw_xfer_leave(&ri->f, tw_readin_landed))
			return -EINTR;
		tw_left_end(sp);
	}
	return 0;
}

int tw_read_in(struct tw_space *sp, unsigned long idx, struct tw_rec *rec,
	       struct page *page, int tier)
{
	struct tw_readin *ri = tw_readin_alloc();
	unsigned int i;
	int err;

	if (!ri) {
		tw_page_unget(page, tier);
		tw_rec_unlock(rec);
		return -EINTR;
	}
	ri->sp = sp;
	ri->idx = idx;
	ri->was = tw_rec_w(rec);
	ri->src = tw_w_tier(ri->was);
	ri->t0 = ktime_get_mono_fast_ns();
	ri->nr = 1;
	ri->rec[0] = rec;
	ri->tier[0] = tier;
	ri->io[0].slot = rec->slot;
	ri->io[0].page = page;
	tw_readin_ahead(sp, idx, ri, ri->src);
	WRITE_ONCE(sp->ahead_at, idx + ri->nr);
	WRITE_ONCE(sp->ahead, ri->nr);
	for (i = 0; i < ri->nr; i++)
		tw_rec_set_state(ri->rec[i], TW_READING);
	tw_xfer_read(&ri->f, &tw_tiers[ri->src], ri->io, ri->nr);
	if (tw_readin_wait(ri)) {
		tw_rec_dep_release();	/* the read has the records now */
		return -EINTR;
	}
	err = tw_readin_done(ri);
	mempool_free(ri, tw_readins);
	return err;
}
