// SPDX-License-Identifier: GPL-2.0
/*
 * move_wait.c - a batch's memory, and waiting for its I/O or not
 *
 * Owns struct tw_moving, which the bios of a batch point into. A caller that
 * stops waiting keeps its struct tw_move for the next batch; the I/O, its pages'
 * part of the batch, the space and the module stay until the I/O ends, which a
 * device may never let happen.
 *
 * Takes no lock; the caller holds the records of the batch.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "moving/move.h"
#include "pages/frame.h"
#include "tiers/store_io.h"

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

/*
 * What the two have of the pages whose I/O is under way changes hands: of each
 * page one has what is known of it, the other that it is busy.
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

/* A copy of @m that has no page, yet. */
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

/* False: it has landed by now, or there is no memory to leave it. */
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
		/* @ios and @copy may be gone. */
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
		/* A cgroup's limit says nothing about the device. */
		if (err == -EAGAIN && !(m->flags & TW_MOVE_CHARGED))
			tw_xfer_hung(&m->ios->f);
		if (tw_move_leave(m, landed))
			return true;
		/* No memory even for that: a little later again. */
		if (signal_pending(current))
			tw_xfer_wait(&m->ios->f, TASK_UNINTERRUPTIBLE,
				     HZ / 50 + 1);
	}
}
