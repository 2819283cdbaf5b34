// SPDX-License-Identifier: GPL-2.0
/*
 * move_wait.c - a batch's memory, the outcome of its pages, and waiting for its I/O
 *
 * Owns struct tw_moving, which the bios of a batch point into. A caller that
 * stops waiting keeps its struct tw_move for the next batch. The I/O, a copy of the
 * batch with just the pages under way, the space and the module stay until the I/O
 * ends, which a device may never let happen; then a worker ends those pages by the
 * copy. The other pages of the batch end at once, and no more I/O is begun for it.
 *
 * Locks: takes none. move.c and move_write.c call it with the batch's records locked.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "moving/departed.h"
#include "moving/move.h"
#include "moving/move_wait.h"
#include "pages/frame.h"
#include "pages/record.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

#define TW_GFP_MOVING	(GFP_NOIO | __GFP_NOWARN)

struct tw_move *tw_move_alloc(gfp_t gfp)
{
	struct tw_move *m = kmalloc(sizeof(*m), gfp);

	if (!m)
		return NULL;
	m->ios = kmalloc(sizeof(*m->ios), gfp);
	if (!m->ios) {
		kfree(m);
		return NULL;
	}
	m->flags = 0;
	m->nid = NUMA_NO_NODE;
	m->from = TW_TIER_NONE;
	m->nr = 0;
	return m;
}

void tw_move_free(struct tw_move *m)
{
	if (!m)
		return;
	kfree(m->ios);
	kfree(m);
}

bool tw_move_ready(struct tw_move *m, u64 t0)
{
	m->left = false;
	m->nr_io = 0;
	if (!m->ios)
		m->ios = kmalloc(sizeof(*m->ios), TW_GFP_MOVING);
	if (!m->ios)
		return false;
	m->ios->t0 = t0;
	return true;
}

/* -- outcomes ---------------------------------------------------------------- */

void tw_move_abort(struct tw_move *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		if (m->status[i] != TW_PENDING)
			continue;
		if (m->page[i])
			tw_move_unfreeze(m, i);
		tw_move_end(m, i, -EBUSY);
	}
}

static void tw_move_put_target(struct tw_move *m, unsigned int i)
{
	if (!m->target[i])
		return;
	put_page(m->target[i]);
	if (!m->out)
		tw_tier_uncharge(&tw_tiers[m->to], 1);
	m->target[i] = NULL;
}

/*
 * Has the scanner look again at the chunk of page @i, which has moved, if the chunk may
 * be known to be cold. @last is the chunk that was told last; the pages of a batch are
 * neighbours, so most are in that one. Returns the chunk that has been told last now.
 */
static unsigned long tw_move_tell(struct tw_move *m, unsigned int i,
				  unsigned long last)
{
	unsigned long at = m->idx[i] >> TW_CHUNK_SHIFT;

	if (at == last || READ_ONCE(m->rec[i]->heat))
		return last;
	tw_chunk_changed(tw_chunk_find(m->space, m->idx[i]));
	return at;
}

void tw_move_report(struct tw_move *m, u64 t0)
{
	u64 ns = (ktime_get_mono_fast_ns() - t0) / max(m->nr, 1U);
	unsigned long last = ULONG_MAX;
	unsigned int i;

	m->moved = m->beside;
	for (i = 0; i < m->nr; i++) {
		int status = m->status[i];

		VM_WARN_ON_ONCE(status == TW_PENDING);
		tw_move_put_target(m, i);
		if (!status) {
			m->moved++;
			last = tw_move_tell(m, i, last);
		}
		if (m->from_tier[i] == TW_TIER_NONE ||
		    status == TW_MOVE_ALREADY || status == -EINVAL ||
		    ((status == -ENOSPC || status == -EDQUOT) &&
		     (m->flags & TW_MOVE_CHOICE)))
			continue;
		tw_page_moved(m->space, m->idx[i], m->from_tier[i], m->to,
			      m->reason, status, ns);
	}
}

/* -- waiting ----------------------------------------------------------------- */

/*
 * Swaps what the two batches say of the pages whose I/O is under way. One of them has
 * the state of those pages; the other says that they are busy.
 */
static void tw_move_swap(struct tw_move *a, struct tw_move *b)
{
	unsigned int k;

	for (k = 0; k < a->nr_io; k++) {
		unsigned int i = a->io_at[k];

		swap(a->status[i], b->status[i]);
		swap(a->from_tier[i], b->from_tier[i]);
		swap(a->target[i], b->target[i]);
	}
}

/* A copy of @m, which says of each page that it is busy. */
static struct tw_move *tw_move_copy_of(struct tw_move *m)
{
	struct tw_move *copy = kmemdup(m, sizeof(*m), TW_GFP_MOVING);
	unsigned int i;

	for (i = 0; copy && i < m->nr; i++) {
		copy->status[i] = -EBUSY;
		copy->from_tier[i] = TW_TIER_NONE;
		copy->target[i] = NULL;
	}
	return copy;
}

/* Leaves the I/O. False if it has landed by now, or there is no memory for a copy. */
static bool tw_move_leave(struct tw_move *m,
			  void (*landed)(struct tw_xfer *f))
{
	struct tw_moving *ios = m->ios;
	struct tw_move *copy = tw_move_copy_of(m);

	if (!copy)
		return false;
	tw_move_swap(m, copy);
	ios->left = copy;
	tw_left_begin(m->space);
	if (tw_xfer_leave(&ios->f, landed)) {
		/* @ios and @copy may have been freed by now. */
		m->ios = NULL;
		m->left = true;
		return true;
	}
	tw_left_end(m->space);
	tw_move_swap(m, copy);
	kfree(copy);
	return false;
}

bool tw_move_wait(struct tw_move *m, void (*landed)(struct tw_xfer *f))
{
	bool kthread = current->flags & PF_KTHREAD;
	bool timed = kthread || (m->flags & TW_MOVE_CHOICE);
	unsigned int state = kthread ? TASK_IDLE :
			     m->flags & TW_MOVE_INTR ? TASK_INTERRUPTIBLE :
			     TASK_KILLABLE;

	int err;

	for (;;) {
		err = tw_xfer_wait(&m->ios->f, state, timed ? TW_XFER_HUNG :
				   MAX_SCHEDULE_TIMEOUT);
		if (!err)
			return false;
		/* If a cgroup's limit may be the cause, the device is not to blame. */
		if (err == -EAGAIN && !(m->flags & TW_MOVE_CHARGED))
			tw_xfer_hung(&m->ios->f);
		if (tw_move_leave(m, landed))
			return true;
		/* Without memory to leave it, it is tried again a little later. */
		if (signal_pending(current))
			tw_xfer_wait(&m->ios->f, TASK_UNINTERRUPTIBLE,
				     HZ / 50 + 1);
	}
}

struct tw_move *tw_move_left_begin(struct tw_xfer *f)
{
	tw_rec_dep_try();
	return container_of(f, struct tw_moving, f)->left;
}

void tw_move_left_end(struct tw_move *m)
{
	struct tw_moving *ios = m->ios;
	struct tw_space *sp = m->space;

	tw_rec_dep_release();
	tw_move_report(m, ios->t0);
	if (ios->f.write)
		tw_move_out_end(m->moved, false);
	kfree(m);
	kfree(ios);
	tw_left_end(sp);
}
