// SPDX-License-Identifier: GPL-2.0
/*
 * request.c - making requests, and waiting for their outcomes
 *
 * Owns struct tw_call, which a caller waits with until its requests have ended, and
 * the ids of requests. Requests come from TW_IOC_REQUEST and from other kernel
 * modules. Here they are checked, made and queued (moving/queue.c), all of a call or
 * none. A caller may wait for the outcomes.
 *
 * Locks: tw_queue_lock guards the members of struct tw_call. No lock is held while
 * user memory is copied.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/freezer.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

#include "base/entries.h"
#include "base/user.h"
#include "base/usercopy.h"
#include "doors/request.h"
#include "moving/io_cgroup.h"
#include "moving/move.h"
#include "moving/queue.h"
#include "moving/queue_calc.h"
#include "moving/queue_lines.h"
#include "pages/external.h"
#include "pages/lookup.h"
#include "pages/space.h"
#include "tiers/tier.h"

static atomic64_t tw_queue_ids;

static bool tw_request_valid(const struct tw_request *req)
{
	return !req->reserved && req->priority <= TW_PRIORITY_MAX &&
	       req->to_tier < TW_NR_TIERS && tw_reason_asked(req->reason) &&
	       (req->from_tier < TW_NR_TIERS || req->from_tier == TW_TIER_NONE);
}

/* Checks the members of all requests, before the page of any is looked up. */
static int tw_requests_check(const struct tw_request *reqs, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (!tw_request_valid(&reqs[i]))
			return -EINVAL;
	for (i = 0; i < nr; i++)
		if (!tw_tier_bound(reqs[i].to_tier))
			return -EOPNOTSUPP;
	return 0;
}

/*
 * Finds the request's page, and in *@in the tier it is in now. Returns 0, -ENOENT, or
 * -EOPNOTSUPP if it is not the driver's to move.
 */
static int tw_req_find(struct tw_req *q, u64 owner, u64 page,
		       bool admin, u8 *in)
{
	unsigned long idx;
	struct tw_page p;

	*in = TW_TIER_NONE;
	q->space = tw_page_lookup_of(owner, page, &idx, admin);
	if (q->space && q->space->foreign)
		return -EOPNOTSUPP;
	if (q->space) {
		tw_page_describe(q->space, idx, &p, false);
		*in = p.tier;
		q->at = idx;
		return 0;
	}
	if ((page & TW_PAGE_STABLE) || owner || !admin ||
	    !tw_external_describe(page, &p))
		return -ENOENT;
	*in = p.tier;
	q->at = page;
	return 0;
}

static struct tw_req *tw_req_make(const struct tw_request *req, bool admin,
				  u64 now)
{
	struct tw_req *q = tw_req_alloc();
	int err;
	u8 in;

	if (!q)
		return ERR_PTR(-ENOMEM);
	err = tw_req_find(q, req->owner, req->page, admin, &in);
	if (err) {
		tw_req_free(q);
		return ERR_PTR(err);
	}
	q->asked_ns = now;
	q->key = tw_queue_key(now, req->priority);
	q->id = atomic64_inc_return(&tw_queue_ids);
	q->from = req->from_tier;
	q->to = req->to_tier;
	q->reason = req->reason;
	q->was = TW_TIER_NONE;
	q->lane = tw_queue_lane(READ_ONCE(tw_store_tiers), q->from, q->to, in);
	q->pid = task_pid_nr(current);
	return q;
}

/* Makes requests in the list @made, not queued yet, and sets the ids in @reqs. */
static int tw_reqs_make(struct tw_request *reqs, u32 nr, bool admin,
			struct tw_user *user, struct tw_call *call,
			struct list_head *made)
{
	u64 now = ktime_get_ns();
	u32 i;

	for (i = 0; i < nr; i++) {
		struct tw_req *q = tw_req_make(&reqs[i], admin, now);

		if (IS_ERR(q))
			return PTR_ERR(q);
		q->user = tw_user_get(user);
		q->io = tw_io_cgroup_get();
		q->slot = i;
		q->call = call;
		if (call)
			refcount_inc(&call->ref);
		list_add_tail(&q->next, made);
		reqs[i].id = q->id;
		cond_resched();
	}
	return 0;
}

/**
 * struct tw_request_array - a caller's array of requests in user memory
 * @at: its address
 * @size: bytes of an entry there
 */
struct tw_request_array {
	u64 at;
	u32 size;
};

static int tw_request_array_write(const struct tw_request_array *user,
				  const struct tw_request *reqs, u32 nr)
{
	u32 i;
	int err = 0;

	for (i = 0; user && i < nr && !err; i++)
		err = tw_entry_write(user->at, i, user->size, &reqs[i],
				     sizeof(*reqs));
	return err;
}

static int tw_request_array_read(const struct tw_request_array *user,
				 struct tw_request *reqs, u32 nr)
{
	u32 i;
	int err = 0;

	for (i = 0; i < nr && !err; i++)
		err = tw_entry_read(&reqs[i], sizeof(*reqs), user->at, i,
				    user->size);
	return err;
}

/*
 * Queues all of @reqs, or none. Their ids are first written to @asked, if it is not
 * NULL, so that an error there means that nothing has been queued.
 */
static int tw_queue_submit(struct tw_request *reqs, u32 nr, bool admin,
			   struct tw_call *call,
			   const struct tw_request_array *asked)
{
	struct tw_user *user = tw_user_get_current();
	LIST_HEAD(made);
	int err;

	if (!user)
		return -ENOMEM;
	err = tw_reqs_make(reqs, nr, admin, user, call, &made);
	if (err)
		goto free;
	err = tw_queue_take(user, nr);
	if (err)
		goto free;
	err = tw_request_array_write(asked, reqs, nr);
	if (err)
		goto give;
	err = tw_queue_add(&made, user);
	if (err)
		goto give;
	tw_user_put(user);
	return 0;

give:
	tw_queue_give(user, nr);
free:
	tw_reqs_free(&made);
	tw_user_put(user);
	return err;
}

/* -- waiting --------------------------------------------------------------- */

static struct tw_call *tw_call_alloc(struct tw_request *out, u32 nr, bool admin)
{
	struct tw_call *call = kmalloc(sizeof(*call), GFP_KERNEL_ACCOUNT);

	if (!call)
		return NULL;
	refcount_set(&call->ref, 1);
	call->left = nr;
	call->admin = admin;
	call->out = out;
	init_waitqueue_head(&call->wait);
	return call;
}

/* Has no outcome written to ->out any more. Returns whether all requests have ended. */
static bool tw_call_leave(struct tw_call *call)
{
	bool over;

	spin_lock(&tw_queue_lock);
	call->out = NULL;
	over = !call->left;
	spin_unlock(&tw_queue_lock);
	return over;
}

/* Waits freezably, since for a hibernation the queue may be frozen before the caller. */
static int tw_call_wait(struct tw_call *call)
{
	wait_event_freezable(call->wait, !READ_ONCE(call->left));
	/* This takes the lock under which outcomes are written, so they are seen. */
	return tw_call_leave(call) ? 0 : -EINTR;
}

static int tw_queue_ask(struct tw_request *reqs, u32 nr, bool wait, bool admin,
			const struct tw_request_array *asked)
{
	struct tw_call *call = NULL;
	int err;

	if (wait) {
		call = tw_call_alloc(reqs, nr, admin);
		if (!call)
			return -ENOMEM;
	}
	err = tw_queue_submit(reqs, nr, admin, call, asked);
	if (!err && wait)
		err = tw_call_wait(call);
	tw_call_put(call);
	return err;
}

/* -- calls ----------------------------------------------------------------- */

/**
 * tw_request_one - request the move of one page
 * @req: as for the ioctl; ->id is set and, with @wait, the outcome, too
 * @wait: return when it has ended
 * @admin: the caller may name all users' pages and frame numbers
 *
 * Sleeps; the caller holds no lock that a move takes.
 *
 * Return: 0; -EINVAL, -EOPNOTSUPP, -ENOENT, -EAGAIN or -ENOMEM if nothing was queued;
 * -EINTR if a signal ended the wait, and the request stays queued.
 */
int tw_request_one(struct tw_request *req, bool wait, bool admin)
{
	return tw_request_many(req, 1, wait, admin);
}

/**
 * tw_request_many - request moves, all of them or none
 * @reqs: as for tw_request_one()
 * @nr: how many, 1..TW_REQUEST_MAX
 * @wait: return when all have ended
 * @admin: the caller may name all users' pages and frame numbers
 *
 * Sleeps; the caller holds no lock that a move takes.
 *
 * Return: as tw_request_one().
 */
int tw_request_many(struct tw_request *reqs, u32 nr, bool wait, bool admin)
{
	int err = tw_requests_check(reqs, nr);

	return err ?: tw_queue_ask(reqs, nr, wait, admin, NULL);
}

static void tw_request_tally(struct tw_request_pages *arg,
			     const struct tw_request *reqs)
{
	u32 i;

	arg->done = 0;
	for (i = 0; i < arg->nr; i++)
		arg->done += reqs[i].status >= 0;
	arg->failed = arg->nr - arg->done;
}

/**
 * tw_request_ioctl - TW_IOC_REQUEST
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_request_ioctl(struct tw_request_pages *arg)
{
	const struct tw_request_array asked = {
		.at = arg->requests,
		.size = arg->entry_size,
	};
	bool wait = arg->flags & TW_REQUEST_WAIT;
	struct tw_request *reqs;
	int err;

	if ((arg->flags & ~TW_REQUEST_FLAGS) || !arg->nr ||
	    arg->nr > TW_REQUEST_MAX)
		return -EINVAL;
	err = tw_entry_check(arg->entry_size, TW_REQUEST_SIZE_VER0);
	if (err)
		return err;
	reqs = kvmalloc_array(arg->nr, sizeof(*reqs), GFP_KERNEL_ACCOUNT);
	if (!reqs)
		return -ENOMEM;
	err = tw_request_array_read(&asked, reqs, arg->nr);
	if (err)
		goto out;
	err = tw_requests_check(reqs, arg->nr);
	if (err)
		goto out;
	err = tw_check_answer(arg->requests,
			      (size_t)arg->nr * arg->entry_size);
	if (err)
		goto out;
	err = tw_queue_ask(reqs, arg->nr, wait, tw_is_admin(), &asked);
	if (err || !wait)
		goto out;
	tw_request_tally(arg, reqs);
	err = tw_request_array_write(&asked, reqs, arg->nr);
out:
	kvfree(reqs);
	return err;
}
