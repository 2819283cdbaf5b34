// SPDX-License-Identifier: GPL-2.0
/*
 * queue.c - requests: queued moves, by priority
 *
 * Owns requests from the time when they are queued (doors/request.c) to their end.
 * They wait in lines (queue_lines.h), a lane for memory and one for each store. A
 * lane's work item takes a batch, the next requests of a line with the same region,
 * tiers and reason, and has move.c carry it out. It then queues itself again, so that
 * freezing (for hibernation) waits for one batch of each lane at most. A lane has
 * one worker: with more, priorities would mean little, and the I/O of a batch runs in
 * parallel anyway. With fewer, a move within memory would wait for the slowest disk.
 *
 * At most TW_REQUEST_MAX requests wait or are under way, at most
 * TW_REQUEST_USER_MAX of one user. Room for them is taken before any is queued, and
 * given back when a request has ended, before its caller is told.
 *
 * A request holds its space, so a worker may drop the space's last reference, which
 * may sleep. When a space ends, requests that wait for its pages are cancelled at
 * once; a batch under way is not waited for. The doors call this file.
 *
 * Locks. tw_queue_lock guards the lines, tw_queue_nr, tw_queue_closed and the
 * members of struct tw_call. A lane's move belongs to its work item, of which only one
 * instance runs at a time.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/err.h>
#include <linux/freezer.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "agents/agent.h"
#include "base/stats.h"
#include "base/user.h"
#include "events/stream.h"
#include "moving/external_move.h"
#include "moving/io_cgroup.h"
#include "moving/move.h"
#include "moving/queue.h"
#include "moving/queue_calc.h"
#include "moving/queue_lines.h"
#include "pages/external.h"
#include "pages/frame.h"
#include "pages/lookup.h"
#include "pages/space.h"

/**
 * struct tw_lane - a worker
 * @work: carries out one batch, and queues itself again
 * @m: its move, for tw_move_run()
 */
struct tw_lane {
	struct work_struct work;
	struct tw_move *m;
};

static unsigned int tw_queue_nr;	/* requests that room has been taken for */
static bool tw_queue_closed;
static struct kmem_cache *tw_req_cache;
static struct workqueue_struct *tw_queue_wq;
static struct tw_lane tw_lanes[TW_QUEUE_LANES];

/* -- the parameter --------------------------------------------------------- */

static unsigned int migration_batch = TW_BATCH;

static int tw_batch_set(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, TW_BATCH);
}

static const struct kernel_param_ops tw_batch_ops = {
	.set = tw_batch_set,
	.get = param_get_uint,
};

module_param_cb(migration_batch, &tw_batch_ops, &migration_batch, 0644);
MODULE_PARM_DESC(migration_batch, "Most pages moved together (1..64, default 64)");

/**
 * tw_migration_batch - the parameter migration_batch
 *
 * Return: the most pages of a batch, 1..TW_BATCH.
 */
unsigned int tw_migration_batch(void)
{
	return READ_ONCE(migration_batch);
}

/* -- room ------------------------------------------------------------------ */

int tw_queue_take(struct tw_user *user, u32 nr)
{
	int err = -EAGAIN;

	if (tw_user_charge(user, TW_USER_REQUESTS, nr))
		return -EAGAIN;
	spin_lock(&tw_queue_lock);
	if (!tw_queue_closed && nr <= TW_REQUEST_MAX - tw_queue_nr) {
		tw_queue_nr += nr;
		err = 0;
	}
	spin_unlock(&tw_queue_lock);
	if (err)
		tw_user_uncharge(user, TW_USER_REQUESTS, nr);
	return err;
}

void tw_queue_give(struct tw_user *user, u32 nr)
{
	spin_lock(&tw_queue_lock);
	tw_queue_nr -= nr;
	spin_unlock(&tw_queue_lock);
	tw_user_uncharge(user, TW_USER_REQUESTS, nr);
}

/* -- the end of a request -------------------------------------------------- */

void tw_call_put(struct tw_call *call)
{
	if (call && refcount_dec_and_test(&call->ref))
		kfree(call);
}

void tw_req_free(struct tw_req *q)
{
	tw_space_put(q->space);
	tw_user_put(q->user);
	tw_io_cgroup_put(q->io);
	tw_call_put(q->call);
	kmem_cache_free(tw_req_cache, q);
}

struct tw_req *tw_req_alloc(void)
{
	return kmem_cache_zalloc(tw_req_cache, GFP_KERNEL_ACCOUNT);
}

void tw_reqs_free(struct list_head *reqs)
{
	struct tw_req *q, *n;

	list_for_each_entry_safe(q, n, reqs, next)
		tw_req_free(q);
}

static void tw_req_emit(struct tw_req *q, u64 ns)
{
	struct tw_event ev = {
		.addr = q->id,
		.latency_ns = min_t(u64, ns, U32_MAX),
		.pid = q->pid,
		.type = TW_EVENT_REQUEST,
		.tier = q->was,
		.to_tier = q->to,
		.reason = q->reason,
		.status = q->status,
	};

	if (!tw_event_wanted(TW_EVENT_REQUEST))
		return;
	if (q->space)
		ev.page = tw_space_page(q->space, q->at);
	tw_agent_emit(q->space ? q->space->agent : NULL, &ev);
}

static u64 tw_req_pfn(struct tw_req *q)
{
	struct tw_page p;

	if (q->space)
		tw_page_describe(q->space, q->at, &p, q->call->admin);
	else if (!tw_external_describe(q->at, &p))
		return 0;
	return p.pfn;
}

/* Stores the outcome for the caller, if it still waits, and wakes it after the last. */
static void tw_req_answer(struct tw_req *q, u64 ns)
{
	struct tw_call *call = q->call;
	u64 pfn = tw_req_pfn(q);

	spin_lock(&tw_queue_lock);
	if (call->out) {
		call->out[q->slot].status = q->status;
		call->out[q->slot].pfn = pfn;
		call->out[q->slot].latency_ns = ns;
	}
	/* Under the lock, since a waiter that sees 0 may free @call->wait. */
	WRITE_ONCE(call->left, call->left - 1);
	if (!call->left)
		wake_up_all(&call->wait);
	spin_unlock(&tw_queue_lock);
}

/*
 * Ends a request with the outcome ->status. Counters change before the caller is told,
 * so that it finds its request counted.
 */
static void tw_req_end(struct tw_req *q)
{
	u64 ns = ktime_get_ns() - q->asked_ns;

	if (q->status >= 0)
		tw_global_add(requests_done, 1);
	else
		tw_global_add(requests_failed, 1);
	if (q->status == -ECANCELED)
		tw_global_add(requests_cancelled, 1);
	tw_global_add(requests_queued, -1);
	tw_queue_give(q->user, 1);
	tw_req_emit(q, ns);
	if (q->call)
		tw_req_answer(q, ns);
	tw_req_free(q);
}

static void tw_reqs_cancel(struct list_head *reqs)
{
	struct tw_req *q, *n;

	list_for_each_entry_safe(q, n, reqs, next) {
		q->status = -ECANCELED;
		tw_req_end(q);
		cond_resched();
	}
}

/* -- into the lines -------------------------------------------------------- */

static void tw_lanes_start(unsigned long lanes)
{
	unsigned int lane;

	for_each_set_bit(lane, &lanes, TW_QUEUE_LANES)
		queue_work(tw_queue_wq, &tw_lanes[lane].work);
}

/*
 * A space's ->dead is set before its waiting requests are dropped under the
 * lock, so either it is seen here or the drop finds what is added.
 */
int tw_queue_add(struct list_head *reqs, struct tw_user *user)
{
	struct tw_line *new = tw_line_alloc(user);
	unsigned long lanes = 0;
	struct tw_req *q;
	unsigned int nr = 0;
	int err = 0;

	if (!new)
		return -ENOMEM;
	spin_lock(&tw_queue_lock);
	list_for_each_entry(q, reqs, next) {
		if (q->space && READ_ONCE(q->space->dead))
			err = -ENOENT;
		__set_bit(q->lane, &lanes);
		nr++;
	}
	if (!err) {
		tw_global_add(requests_queued, nr);
		if (tw_lines_add(reqs, user, new))
			new = NULL;
	}
	spin_unlock(&tw_queue_lock);
	kfree(new);
	if (!err)
		tw_lanes_start(lanes);
	return err;
}

/* -- carrying out ---------------------------------------------------------- */

static int tw_req_cmp(const void *a, const void *b)
{
	const struct tw_req *x = *(const struct tw_req **)a;
	const struct tw_req *y = *(const struct tw_req **)b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Carries out @nr requests of one space, with the same tiers and reason. */
static void tw_batch_move(struct tw_move *m, struct tw_req **batch,
			  unsigned int nr)
{
	unsigned int i;

	/* Neighbouring pages that are in order are unmapped together. */
	sort(batch, nr, sizeof(*batch), tw_req_cmp, NULL);
	m->space = batch[0]->space;
	m->from = batch[0]->from;
	m->to = batch[0]->to;
	m->reason = batch[0]->reason | TW_BY_CALLER;
	m->nr = nr;
	for (i = 0; i < nr; i++)
		m->idx[i] = batch[i]->at;
	tw_io_cgroup_work_for(batch[0]->io);
	tw_move_run(m);
	tw_io_cgroup_work_for(NULL);
	for (i = 0; i < nr; i++) {
		batch[i]->status = m->status[i];
		batch[i]->was = m->from_tier[i];
	}
}

static void tw_external_req(struct tw_req *q)
{
	struct tw_page p;

	if (tw_external_describe(q->at, &p))
		q->was = p.tier;
	q->status = tw_external_move(q->at, q->to, q->from,
				     q->reason | TW_BY_CALLER);
}

static void tw_lane_work(struct work_struct *work)
{
	struct tw_lane *lane = container_of(work, struct tw_lane, work);
	struct tw_req *batch[TW_BATCH];
	unsigned int i, nr;
	bool more;

	nr = tw_lines_take(lane - tw_lanes, batch, tw_migration_batch(), &more);
	if (!nr)
		return;
	if (batch[0]->space)
		tw_batch_move(lane->m, batch, nr);
	else
		tw_external_req(batch[0]);
	for (i = 0; i < nr; i++)
		tw_req_end(batch[i]);
	if (more)
		queue_work(tw_queue_wq, work);
}

/* -- ends ------------------------------------------------------------------ */

/**
 * tw_queue_drop_space - cancel what waits for a space's pages
 * @sp: space whose ->dead is set, referenced by the caller
 *
 * A batch under way has references of its own and is not waited for. Sleeps.
 */
void tw_queue_drop_space(struct tw_space *sp)
{
	LIST_HEAD(gone);

	tw_lines_take_all(sp, &gone);
	tw_reqs_cancel(&gone);
}

static void tw_lanes_free(void)
{
	unsigned int i;

	for (i = 0; i < TW_QUEUE_LANES; i++) {
		if (tw_lanes[i].m)
			tw_move_free(tw_lanes[i].m);
		tw_lanes[i].m = NULL;
	}
}

static int tw_lanes_alloc(void)
{
	unsigned int i;

	for (i = 0; i < TW_QUEUE_LANES; i++) {
		INIT_WORK(&tw_lanes[i].work, tw_lane_work);
		tw_lanes[i].m = tw_move_alloc(GFP_KERNEL);
		if (!tw_lanes[i].m)
			return -ENOMEM;
		tw_lanes[i].m->flags = TW_MOVE_CHARGED;
	}
	return 0;
}

/**
 * tw_queue_init - prepare the lanes at load
 *
 * Return: 0 or -ENOMEM.
 */
int tw_queue_init(void)
{
	tw_req_cache = KMEM_CACHE(tw_req, 0);
	if (!tw_req_cache)
		return -ENOMEM;
	if (tw_lanes_alloc())
		goto lanes;
	tw_queue_wq = alloc_workqueue("tw_queue", WQ_UNBOUND | WQ_FREEZABLE |
				      WQ_MEM_RECLAIM, TW_QUEUE_LANES);
	if (!tw_queue_wq)
		goto lanes;
	return 0;

lanes:
	tw_lanes_free();
	kmem_cache_destroy(tw_req_cache);
	return -ENOMEM;
}

/**
 * tw_queue_exit - end the queue at unload
 *
 * No fd is open, so no caller waits, and no request for a page of a space does.
 * Those for external pages are cancelled, and a batch under way is waited for.
 */
void tw_queue_exit(void)
{
	LIST_HEAD(gone);

	spin_lock(&tw_queue_lock);
	tw_queue_closed = true;
	spin_unlock(&tw_queue_lock);
	tw_lines_take_all(NULL, &gone);
	tw_reqs_cancel(&gone);
	destroy_workqueue(tw_queue_wq);
	WARN_ON(tw_queue_nr);
	tw_lanes_free();
	kmem_cache_destroy(tw_req_cache);
}
