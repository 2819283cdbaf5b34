// SPDX-License-Identifier: GPL-2.0
/*
 * discard.c - pages of a space are freed, some or all at its end
 *
 * Owns nothing. The kind of a space calls it (region_file.c, and seal.c for discards
 * of a part). For pages that are busy it waits in the way that the caller can.
 *
 * Locks: one record at a time; the caller holds none. The last pages of a space are
 * freed in a work item when there are many, or when a device holds some.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "base/compat.h"
#include "pages/discard.h"
#include "pages/frame.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/tier.h"

/* Spaces with more chunks than this are torn down in a work item. */
#define TW_TEARDOWN_INLINE	8

/* In place of a TASK_* state: do not sleep for a busy page. */
#define TW_TRY	0

/* Locks a record that is settled. Returns 0, -EBUSY (with TW_TRY) or -EINTR. */
static int tw_discard_lock(struct tw_rec *rec, unsigned int state)
{
	int err;

	do {
		if (state == TW_TRY)
			err = tw_rec_trylock(rec) ? 0 : -EBUSY;
		else
			err = tw_rec_lock_state(rec, state);
		if (err || tw_rec_is_settled(rec))
			return err;
		tw_rec_unlock(rec);
		err = state == TW_TRY ? -EBUSY : tw_rec_wait_settled(rec, state);
	} while (!err);
	return err == -EBUSY ? err : -EINTR;
}

/*
 * Frees one page, whatever its state. Sleeps. Returns 1 if there was one, 0 if not,
 * -EAGAIN if it is in a folio of 2 MiB that is whole, or an error of tw_discard_lock().
 */
static int tw_page_discard(struct tw_space *sp, struct tw_chunk *c,
			   unsigned long idx, unsigned int state)
{
	struct tw_rec *rec = tw_chunk_rec(c, idx);
	struct page *page = NULL;
	unsigned long w;
	bool huge;
	int tier, err;

	if (tw_w_state(tw_rec_w(rec)) == TW_NONE && !(tw_rec_w(rec) & TW_W_LOCK))
		return 0;
	err = tw_discard_lock(rec, state);
	if (err)
		return err;
	w = tw_rec_w(rec);
	huge = tw_w_huge(w);
	if (huge && tw_chunk_whole(c)) {
		tw_rec_unlock(rec);
		return -EAGAIN;
	}
	tier = tw_w_tier(w);
	if (tw_w_state(w) == TW_MEM && !huge) {
		page = tw_w_page(w);
		tw_page_unmap(sp, idx, page);
	}
	tw_slot_drop(rec);
	tw_rec_clear(rec);
	if (huge)
		tw_huge_leave(c, tier);
	tw_rec_unlock(rec);

	switch (tw_w_state(w)) {
	case TW_MEM:
		tw_chunk_mem_add(c, -1);
		tw_pages_add(sp, tier, -1);
		if (!huge) {
			tw_page_drop(page);
			tw_tier_uncharge(&tw_tiers[tier], 1);
		}
		tw_space_give(sp, 1);
		return 1;
	case TW_STORE:
		tw_chunk_changed(c);
		tw_pages_add(sp, tier, -1);
		tw_tier_used_add(&tw_tiers[tier], -1);
		tw_space_give(sp, 1);
		return 1;
	case TW_POISON:
		atomic_long_dec(&sp->lost);
		return 1;
	default:
		return 0;
	}
}

/* Waits in @state until record @rec is free. Returns 0, -EBUSY (with TW_TRY) or -EINTR. */
static int tw_discard_wait(struct tw_rec *rec, unsigned int state)
{
	int err = tw_discard_lock(rec, state);

	if (!err)
		tw_rec_unlock(rec);
	return err;
}

/*
 * Frees pages [@p, @end) of a chunk. Returns how many it freed, or -EINTR; adds those
 * that are busy to *@busy, as below.
 */
static long __tw_chunk_discard(struct tw_space *sp, struct tw_chunk *c,
			       unsigned long p, unsigned long end,
			       unsigned int state, unsigned long *busy)
{
	struct tw_rec *rec;
	long n = 0, ret;

	while (p < end) {
		if (unlikely(tw_chunk_whole(c))) {
			ret = tw_huge_discard(sp, c, p - c->base, end - c->base, &rec);
			if (ret >= 0)
				return n + ret;
			if (ret == -EBUSY)
				ret = tw_discard_wait(rec, state);
			if (ret == -EINTR)
				return ret;
			if (ret != -EBUSY)
				continue;
			*busy += end - p;
			return n;
		}
		ret = tw_page_discard(sp, c, p, state);
		if (ret == -EAGAIN)
			continue;
		if (ret == -EINTR)
			return ret;
		if (ret < 0)
			*busy += 1;
		else
			n += ret;
		p++;
	}
	return n;
}

static long tw_chunk_discard(struct tw_space *sp, struct tw_chunk *c,
			     unsigned long p, unsigned long end,
			     unsigned int state, unsigned long *busy)
{
	long n = __tw_chunk_discard(sp, c, p, end, state, busy);

	/* What is free again is not to be kept by the few that stay. */
	if (unlikely(READ_ONCE(c->huge)) && !sp->dead)
		tw_huge_tidy(sp, c, TW_CHUNK_PAGES / 2);
	return n;
}

/*
 * Frees pages [@idx, @idx + @nr), waiting in @state for each that is busy; with
 * TW_TRY *@busy counts those that are left. Returns how many it freed, or -EINTR.
 */
static long tw_pages_discard(struct tw_space *sp, unsigned long idx,
			     unsigned long nr, unsigned int state,
			     unsigned long *busy)
{
	unsigned long end = idx + nr, i = idx >> TW_CHUNK_SHIFT;
	unsigned long last = (end - 1) >> TW_CHUNK_SHIFT;
	struct tw_chunk *c;
	long n = 0;

	/* One walk over the mappings instead of one for each page. */
	tw_space_unmap(sp, idx, nr);
	tw_for_each_chunk_range(sp, i, c, i, last) {
		unsigned long p = max(idx, c->base);
		unsigned long e = min(end, c->base + TW_CHUNK_PAGES);
		long ret = tw_chunk_discard(sp, c, p, e, state, busy);

		if (ret < 0)
			return ret;
		n += ret;
		if (!sp->dead && fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return n;
}

long tw_space_discard(struct tw_space *sp, unsigned long idx, unsigned long nr)
{
	return tw_pages_discard(sp, idx, nr, TASK_KILLABLE, NULL);
}

/* Frees what can be freed without waiting for a device. Returns whether that was all. */
static bool tw_space_teardown(struct tw_space *sp)
{
	unsigned long busy = 0;

	tw_pages_discard(sp, 0, sp->nr_pages, TW_TRY, &busy);
	if (busy)
		return false;
	tw_space_unreserve(sp);
	tw_space_put(sp);
	return true;
}

/*
 * Frees at once what no device holds, and the rest as devices give it back. Until then
 * the work holds the module, unless that is being unloaded and waits for the work.
 */
static void tw_space_teardown_work(struct work_struct *work)
{
	struct tw_space *sp = container_of(work, struct tw_space, work);
	bool held;

	if (tw_space_teardown(sp))
		return;
	held = try_module_get(THIS_MODULE);
	tw_pages_discard(sp, 0, sp->nr_pages, TASK_IDLE, NULL);
	tw_space_unreserve(sp);
	tw_space_put(sp);
	if (held)
		module_put(THIS_MODULE);
}

void tw_space_end(struct tw_space *sp)
{
	if (atomic_long_read(&sp->record_bytes) >
	    TW_TEARDOWN_INLINE * TW_CHUNK_PAGES * sizeof(struct tw_rec) ||
	    !tw_space_teardown(sp))
		tw_space_later(sp, tw_space_teardown_work);
}
