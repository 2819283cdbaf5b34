// SPDX-License-Identifier: GPL-2.0
/*
 * external_move.c - external pages are moved by their owner's mover
 *
 * Owns the moves under way and the movers that are being dropped, and gives an entry
 * of the table its new number. The doors and queue.c call it.
 *
 * Locks: the lock of the table (external_entry.h) guards both lists. The owner's mover
 * is called without it.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "agents/agent.h"
#include "moving/external_move.h"
#include "pages/external.h"
#include "pages/external_entry.h"
#include "pages/frame.h"
#include "pages/heat.h"

/**
 * struct tw_flight - a move under way
 * @node: in tw_flights
 * @e: the page
 * @agent: its agent, referenced
 * @mover: the mover that moves it
 * @from: tier that it leaves
 */
struct tw_flight {
	struct list_head node;
	struct tw_ext *e;
	struct tw_agent *agent;
	const struct tw_mover *mover;
	int from;
};

/**
 * struct tw_leaving - a mover that is being dropped and moves nothing any more
 * @node: in tw_leavings
 * @mover: the mover
 */
struct tw_leaving {
	struct list_head node;
	const struct tw_mover *mover;
};

static LIST_HEAD(tw_flights);
static LIST_HEAD(tw_leavings);
static DECLARE_WAIT_QUEUE_HEAD(tw_flights_wq);

/* -- moving ------------------------------------------------------------------ */

static bool tw_mover_leaves(const struct tw_mover *mover)
{
	struct tw_leaving *l;

	lockdep_assert_held(&tw_exts.xa_lock);
	list_for_each_entry(l, &tw_leavings, node)
		if (l->mover == mover)
			return true;
	return false;
}

/* May the page be moved? Returns 0, TW_MOVE_ALREADY or -errno. */
static int tw_ext_may_go(struct tw_ext *e, int to, int from)
{
	lockdep_assert_held(&tw_exts.xa_lock);
	if (!e)
		return -ENOENT;
	if (e->busy)
		return -EBUSY;
	if (from != TW_TIER_NONE && e->tier != from)
		return -EINVAL;
	if (e->tier == to)
		return TW_MOVE_ALREADY;
	if (!e->mover || tw_mover_leaves(e->mover))
		return -EOPNOTSUPP;
	/* Without a reference the agent is ending, and its pages end with it. */
	return kref_get_unless_zero(&e->agent->ref) ? 0 : -ENOENT;
}

static int tw_ext_depart(struct tw_flight *f, u64 pfn, int to, int from)
{
	int err;

	xa_lock(&tw_exts);
	f->e = tw_ext_find(pfn);
	err = tw_ext_may_go(f->e, to, from);
	if (!err) {
		f->agent = f->e->agent;
		f->mover = f->e->mover;
		f->from = f->e->tier;
		WRITE_ONCE(f->e->busy, 1);
		list_add(&f->node, &tw_flights);
	}
	xa_unlock(&tw_exts);
	return err;
}

/*
 * Gives the entry number @pfn, the frame where the page's bytes are now. For a moment
 * the table has it under both numbers. The move cannot be undone, so the allocation
 * must not fail.
 */
static int tw_ext_rekey(struct tw_ext *e, u64 pfn)
{
	int err;

	lockdep_assert_held(&tw_exts.xa_lock);
	if (pfn == e->pfn)
		return 0;
	if (pfn >= TW_MAX_PFN)
		return -EINVAL;
	err = __xa_insert(&tw_exts, pfn, e, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	if (err)
		return err == -EBUSY ? -EEXIST : err;
	__xa_erase(&tw_exts, e->pfn);
	e->pfn = pfn;
	WRITE_ONCE(e->node, tw_frame_node(pfn));
	return 0;
}

/* Ends a move after the mover has returned @err. Returns the outcome of the move. */
static int tw_ext_arrive(struct tw_flight *f, int to, u64 pfn, int err)
{
	struct tw_agent *a = NULL;
	struct tw_ext *e = f->e;
	bool lost = false;

	xa_lock(&tw_exts);
	if (!err) {
		err = tw_ext_rekey(e, pfn);
		lost = err;
	}
	if (!err) {
		atomic_long_dec(&f->agent->external[f->from]);
		atomic_long_inc(&f->agent->external[to]);
		WRITE_ONCE(e->tier, to);
	}
	WRITE_ONCE(e->busy, 0);
	/* Only now, since tw_ext_rekey() may have dropped the lock for a while. */
	list_del(&f->node);
	if (lost)
		a = tw_ext_unlink(e);
	xa_unlock(&tw_exts);
	/* Pairs with wait_event() in tw_external_drop_mover(). */
	wake_up_all(&tw_flights_wq);

	if (lost)
		pr_warn_ratelimited("a mover put a page where it cannot be: %d, it is forgotten\n",
				    err);
	tw_ext_put_agent(a);
	return err;
}

/**
 * tw_external_move - move an external page by its owner's mover
 * @pfn: frame number
 * @to: enum tw_tier
 * @from: enum tw_tier, or TW_TIER_NONE for any
 * @reason: enum tw_reason, and TW_BY_CALLER
 *
 * May sleep. What the mover did is counted, traced and published, under the
 * number that the page had. A mover that returns a frame that is tracked
 * already, or none at all, loses the page: it is forgotten.
 *
 * Return: 0, TW_MOVE_ALREADY, -ENOENT if it is not tracked, -EBUSY if it is being
 * moved, -EINVAL if it is not in @from, -EOPNOTSUPP if it has no mover, or the mover's
 * errno.
 */
int tw_external_move(u64 pfn, int to, int from, int reason)
{
	u64 t0 = ktime_get_mono_fast_ns(), to_pfn = pfn;
	struct tw_flight f;
	struct tw_page p;
	int err;

	might_sleep();
	err = tw_ext_depart(&f, pfn, to, from);
	if (err)
		return err;
	err = f.mover->move(f.mover->data, pfn, f.from, to, &to_pfn);
	if (WARN_ON_ONCE(err > 0))
		err = -EIO;
	err = tw_ext_arrive(&f, to, to_pfn, err);
	tw_moved(f.agent, pfn, f.from, to, reason, err,
		 ktime_get_mono_fast_ns() - t0);
	/* The rings of candidates have it under another tier and number. */
	if (!err && tw_external_describe(to_pfn, &p))
		tw_heat_banded(to_pfn, p.tier, p.heat);
	tw_agent_put(f.agent);
	return err;
}

/* -- a mover that leaves ------------------------------------------------------ */

static bool tw_mover_idle(const struct tw_mover *mover)
{
	struct tw_flight *f;
	bool idle = true;

	xa_lock(&tw_exts);
	list_for_each_entry(f, &tw_flights, node)
		if (f->mover == mover)
			idle = false;
	xa_unlock(&tw_exts);
	return idle;
}

static void tw_mover_forget(const struct tw_mover *mover)
{
	XA_STATE(xas, &tw_exts, 0);
	unsigned long n = 0;
	struct tw_ext *e;

	xas_lock(&xas);
	xas_for_each(&xas, e, ULONG_MAX) {
		if (e->mover == mover)
			e->mover = NULL;
		if (++n % XA_CHECK_SCHED)
			continue;
		xas_pause(&xas);
		xas_unlock(&xas);
		cond_resched();
		xas_lock(&xas);
	}
	xas_unlock(&xas);
}

/**
 * tw_external_drop_mover - let go of a mover
 * @mover: the mover; no more pages are tracked with it
 *
 * Waits for moves that use it, so it must not be called by the mover itself.
 * Its pages stay tracked, without a mover. Looks at every external page. Sleeps.
 */
void tw_external_drop_mover(const struct tw_mover *mover)
{
	struct tw_leaving leaving = { .mover = mover };

	might_sleep();
	/* From here on no move of its pages begins, so none gets another number. */
	xa_lock(&tw_exts);
	list_add(&leaving.node, &tw_leavings);
	xa_unlock(&tw_exts);
	wait_event(tw_flights_wq, tw_mover_idle(mover));
	tw_mover_forget(mover);
	xa_lock(&tw_exts);
	list_del(&leaving.node);
	xa_unlock(&tw_exts);
}
