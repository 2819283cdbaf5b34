// SPDX-License-Identifier: GPL-2.0
/*
 * readin.c - bringing pages back from a store for a fault
 *
 * Owns the reads under way (struct tw_readin), and what each chunk knows of sequential
 * access to it (tw_chunk.ahead). bring_in.c and fault.c call it for faults, and move.c to
 * end a read of its own.
 *
 * A page that follows another one in the store was demoted with it and is likely wanted
 * next, so it is read as well while there is room within capacity. Access that goes on
 * where the last read ended is sequential: each read is twice as long as the one before,
 * and a touch of what one read has brought begins the next. A worker begins that one, as
 * a fault under mmap_lock must not wait for a device to take it. Each chunk of 2 MiB knows
 * of one sequence, so that several readers of a region do not disturb each other.
 *
 * A read ahead ends by itself in a worker. So does a read that its task has left, since
 * it was killed while it waited. Until then records, slots and frames stay as they are,
 * and the space and the module are held.
 *
 * Locks: the caller of tw_read_in() has locked the record that faulted; all others are
 * only trylocked. All stay locked (READING) until the I/O has ended.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "moving/departed.h"
#include "moving/io_cgroup.h"
#include "moving/readin.h"
#include "pages/frame.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

/* How many reads can be under way even when there is no memory. */
#define TW_READINS_MIN		16

/*
 * How many reads ahead of one store there can be, so that a store whose device hangs
 * leaves workers for those of the others.
 */
#define TW_AHEADS_MAX		64

/**
 * struct tw_readin - a read
 * @f: its transfer
 * @sp: space of the pages
 * @idx: the first page, which faulted unless this is a read ahead; the others follow it
 * @was: the word of its record before the read
 * @src: store that is read
 * @t0: when the read began
 * @nr: how many pages are read
 * @io: their slots and frames
 * @rec: their records, locked
 * @tier: the memory tier of each frame
 * @begin: ahead only: the work item that begins it
 * @chunk: ahead only: the chunk of its pages
 * @max: ahead only: how many pages to read at most
 * @asked: ahead only: the store that it is counted for in tw_aheads
 * @io_css: ahead only: the cgroup that its I/O is charged to
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
	struct work_struct begin;
	struct tw_chunk *chunk;
	unsigned int max;
	int asked;
	struct cgroup_subsys_state *io_css;
};

static mempool_t *tw_readins;
/* Begins reads ahead, which waits until the device has room for them. */
static struct workqueue_struct *tw_ahead_wq;
static atomic_t tw_aheads[TW_NR_TIERS];	/* by store */

int tw_readin_init(void)
{
	tw_readins = mempool_create_kmalloc_pool(TW_READINS_MIN,
						 sizeof(struct tw_readin));
	if (!tw_readins)
		return -ENOMEM;
	tw_ahead_wq = alloc_workqueue("tw_ahead", WQ_UNBOUND, 0);
	if (!tw_ahead_wq)
		goto free_pool;
	return 0;

free_pool:
	mempool_destroy(tw_readins);
	return -ENOMEM;
}

void tw_readin_exit(void)
{
	destroy_workqueue(tw_ahead_wq);
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
	       tw_slots_used_about(t) < READ_ONCE(t->capacity) / 2;
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
	/* Where pages are always written to, a copy would be no use. */
	if (!sp->huge && tw_slot_keep(src)) {
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
 * How many pages to read for a fault: more than one if the last read ended here. These
 * are hints: a race costs a little read-ahead.
 */
static unsigned int tw_readin_window(const struct tw_chunk *c, unsigned long at)
{
	unsigned int last = READ_ONCE(c->ahead);

	if (!last || at != READ_ONCE(c->ahead_at))
		return 1;
	return clamp(2 * last, TW_READAHEAD_FIRST, TW_READAHEAD);
}

/* Notes where access would go on that is sequential: perhaps in the chunk behind. */
static void tw_readin_note(struct tw_space *sp, struct tw_chunk *c, unsigned long end,
			   unsigned int nr)
{
	WRITE_ONCE(c->ahead_at, end - c->base);
	WRITE_ONCE(c->ahead, nr);
	if (end - c->base < TW_CHUNK_PAGES)
		return;
	c = tw_chunk_find(sp, end);
	if (!c)
		return;
	WRITE_ONCE(c->ahead_at, 0);
	WRITE_ONCE(c->ahead, nr);
}

/*
 * Adds pages to a read whose first page, whether it is in the read yet or not, is in
 * @slot and has record @first: up to @max, as long as they follow each other in the
 * store and there is room. Returns whether there are any.
 */
static bool tw_readin_add(struct tw_readin *ri, struct tw_rec *first, u32 slot,
			  unsigned int max)
{
	while (ri->nr < max) {
		unsigned int k = ri->nr;
		struct tw_rec *rec = first + k;
		struct page *page;

		if (!tw_readin_continues(rec, ri->src, slot + k))
			break;
		page = tw_page_get(ri->sp, ri->sp->memcg, GFP_HIGHUSER | __GFP_ACCOUNT |
				   __GFP_NORETRY | __GFP_NOWARN, TW_OVER_NONE,
				   &ri->tier[k]);
		if (!page) {
			tw_rec_unlock_nested(rec);
			break;
		}
		ri->rec[k] = rec;
		ri->io[k].slot = rec->slot;
		ri->io[k].page = page;
		ri->nr++;
	}
	return ri->nr;
}

/* How many pages from @idx on are of its chunk, and of the space. */
static unsigned int tw_readin_left(const struct tw_space *sp, unsigned long idx)
{
	return min(TW_CHUNK_PAGES - (idx & (TW_CHUNK_PAGES - 1)), sp->nr_pages - idx);
}

static void tw_readin_init_read(struct tw_readin *ri, struct tw_space *sp,
				unsigned long idx, unsigned long was)
{
	ri->sp = sp;
	ri->idx = idx;
	ri->was = was;
	ri->src = tw_w_tier(was);
	ri->t0 = ktime_get_mono_fast_ns();
	ri->nr = 0;
}

static void tw_readin_mark(struct tw_readin *ri)
{
	unsigned int i;

	for (i = 0; i < ri->nr; i++)
		tw_rec_set_state(ri->rec[i], TW_READING);
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
	struct tw_chunk *c = tw_chunk_find(sp, idx);
	int err;

	if (!ri) {
		tw_page_unget(page, tier);
		tw_rec_unlock(rec);
		return -EINTR;
	}
	tw_readin_init_read(ri, sp, idx, tw_rec_w(rec));
	ri->nr = 1;
	ri->rec[0] = rec;
	ri->tier[0] = tier;
	ri->io[0].slot = rec->slot;
	ri->io[0].page = page;
	tw_readin_add(ri, rec, rec->slot,
		      min(tw_readin_window(c, idx - c->base), tw_readin_left(sp, idx)));
	tw_readin_note(sp, c, idx + ri->nr, ri->nr);
	tw_readin_mark(ri);
	tw_xfer_read(&ri->f, &tw_tiers[ri->src], ri->io, ri->nr);
	if (tw_readin_wait(ri)) {
		tw_rec_dep_release();	/* the read has the records now */
		return -EINTR;
	}
	err = tw_readin_done(ri);
	mempool_free(ri, tw_readins);
	return err;
}

/* -- ahead ------------------------------------------------------------------- */

/*
 * A read ahead holds its space and the module. Only from when it has frames do those that
 * want memory to go wait for it, as they do for what was left (tw_left_begin()).
 */
static void tw_ahead_free(struct tw_readin *ri)
{
	struct tw_space *sp = ri->sp;

	atomic_dec(&tw_aheads[ri->asked]);
	tw_io_cgroup_put(ri->io_css);
	kfree(ri);
	tw_space_put(sp);
	module_put(THIS_MODULE);
}

/*
 * Ends a read ahead. Pages that could not be read are in the store as before, and will
 * be read again when they are touched; then the error is told, if it is still there.
 */
static void tw_ahead_landed(struct tw_xfer *f)
{
	struct tw_readin *ri = container_of(f, struct tw_readin, f);
	unsigned int i;
	u64 ns;

	tw_xfer_end(&ri->f);
	ns = (ktime_get_mono_fast_ns() - ri->t0) / ri->nr;
	for (i = 0; i < ri->nr; i++) {
		struct tw_rec *rec = ri->rec[i];

		if (!tw_read_done(ri->sp, ri->idx + i, rec, ri->io[i].page,
				  ri->tier[i], ri->io[i].error ? -EIO : 0)) {
			tw_page_moved(ri->sp, ri->idx + i, ri->src, ri->tier[i],
				      TW_REASON_FAULT, 0, ns);
			WRITE_ONCE(rec->age, 1);
			/* A fault that comes too early tells of its waiting itself. */
			if (!i)
				tw_refaulted(rec, ri->was, ri->tier[0], 0);
		}
		tw_rec_unlock_nested(rec);
	}
	tw_left_end(ri->sp);
	tw_ahead_free(ri);
}

/* Collects the pages and locks their records. Returns whether there are any. */
static bool tw_ahead_collect(struct tw_readin *ri)
{
	struct tw_rec *rec = tw_chunk_rec(ri->chunk, ri->idx);
	unsigned long w = tw_rec_w(rec);

	/* All may have gone since, or be about to go; or a fault was here first. */
	if (tw_w_state(w) != TW_STORE || READ_ONCE(ri->sp->dead) ||
	    READ_ONCE(ri->chunk->ahead_at) != ri->idx - ri->chunk->base ||
	    tw_frames_awaited())
		return false;
	tw_readin_init_read(ri, ri->sp, ri->idx, w);
	if (!tw_readin_add(ri, rec, READ_ONCE(rec->slot), ri->max))
		return false;
	tw_readin_note(ri->sp, ri->chunk, ri->idx + ri->nr, ri->nr);
	tw_readin_mark(ri);
	tw_left_begin(ri->sp);
	return true;
}

static void tw_ahead_work(struct work_struct *work)
{
	struct tw_readin *ri = container_of(work, struct tw_readin, begin);
	int frames = tw_frames_enter();
	bool any = tw_ahead_collect(ri);

	tw_frames_leave(frames);
	/* Pairs with the lock in tw_read_on(): the next one sees where this one ends. */
	clear_bit_unlock(0, &ri->chunk->ahead_begun);
	if (!any) {
		tw_ahead_free(ri);
		return;
	}
	tw_io_cgroup_work_for(ri->io_css);
	tw_xfer_read_ahead(&ri->f, &tw_tiers[ri->src], ri->io, ri->nr);
	tw_io_cgroup_work_for(NULL);
	if (tw_xfer_leave(&ri->f, tw_ahead_landed))
		return;
	/* It has landed already, so this does not sleep; it shows what has been read. */
	tw_xfer_wait(&ri->f, TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
	tw_ahead_landed(&ri->f);
}

/* Has a worker read up to @max pages from @idx on in store @src; their chunk is @c. */
static bool tw_ahead_begin(struct tw_space *sp, struct tw_chunk *c, unsigned long idx,
			   unsigned int max, int src)
{
	struct tw_readin *ri;

	if (!atomic_add_unless(&tw_aheads[src], 1, TW_AHEADS_MAX))
		return false;
	ri = kmalloc(sizeof(*ri), GFP_NOWAIT | __GFP_NOWARN);
	if (!ri) {
		atomic_dec(&tw_aheads[src]);
		return false;
	}
	ri->sp = sp;
	ri->chunk = c;
	ri->idx = idx;
	ri->max = min(max, tw_readin_left(sp, idx));
	ri->asked = src;
	ri->io_css = tw_io_cgroup_get();
	tw_space_get(sp);
	__module_get(THIS_MODULE);
	INIT_WORK(&ri->begin, tw_ahead_work);
	queue_work(tw_ahead_wq, &ri->begin);
	return true;
}

/* A worker would not keep to the nodes that this task is bound to. */
static bool tw_ahead_is_bound(void)
{
	return current->mempolicy ||
	       !nodes_subset(node_states[N_MEMORY], current->mems_allowed);
}

void tw_read_on(struct tw_space *sp, struct tw_chunk *c, unsigned long idx)
{
	unsigned int last = READ_ONCE(c->ahead);
	unsigned long end = c->base + READ_ONCE(c->ahead_at);
	unsigned long w;
	int src;

	if (last < TW_READAHEAD_SURE || idx >= end || end - idx > TW_READAHEAD)
		return;
	c = tw_chunk_find(sp, end);
	if (!c || test_bit(0, &c->ahead_begun))
		return;
	w = tw_rec_w(tw_chunk_rec(c, end));
	src = tw_w_tier(w);
	/* A store that fails gets no more of what nobody has asked for. */
	if (tw_w_state(w) != TW_STORE || tw_store_failing(&tw_tiers[src]) ||
	    tw_ahead_is_bound() || test_and_set_bit_lock(0, &c->ahead_begun))
		return;
	if (!tw_ahead_begin(sp, c, end, min(2 * last, TW_READAHEAD), src))
		clear_bit_unlock(0, &c->ahead_begun);
}
