/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue.h - requests: queued moves, by priority
 *
 * The doors call it, in process context and without tw_queue_lock (queue_lines.h).
 */
#ifndef _TW_QUEUE_H
#define _TW_QUEUE_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/tierwatch.h>

struct tw_space;
struct tw_req;
struct tw_user;

/**
 * struct tw_call - a caller that waits for its requests
 * @ref: references of the caller and of each request
 * @left: requests that have not ended
 * @admin: the caller may know frame numbers
 * @out: where outcomes are stored; NULL once the caller has stopped waiting
 * @wait: woken when @left is 0
 */
struct tw_call {
	refcount_t ref;
	u32 left;
	bool admin;
	struct tw_request *out;
	wait_queue_head_t wait;
};

int tw_queue_init(void);
void tw_queue_exit(void);
/* Cancels the requests that wait for pages of a space whose ->dead is set. Sleeps. */
void tw_queue_drop_space(struct tw_space *sp);
/* -- for request.c ------------------------------------------------------------- */

/* Allocates a request, all zeros, or returns NULL. */
struct tw_req *tw_req_alloc(void);
/* Frees requests that are not queued, and drops the references that they hold. Sleep. */
void tw_req_free(struct tw_req *q);
void tw_reqs_free(struct list_head *reqs);
/*
 * Takes room for @nr requests of @user, before they are queued. Returns 0, or -EAGAIN if
 * the queue is full or closed, or the user has too many.
 */
int tw_queue_take(struct tw_user *user, u32 nr);
/* Gives room back for requests that were not queued. */
void tw_queue_give(struct tw_user *user, u32 nr);
/* Queues all of @reqs or none: 0, -ENOMEM, or -ENOENT if a space has ended. */
int tw_queue_add(struct list_head *reqs, struct tw_user *user);
/* Drops a reference to @call, which may be NULL. */
void tw_call_put(struct tw_call *call);

unsigned int tw_migration_batch(void);

#endif
