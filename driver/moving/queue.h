/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue.h - moves asked for, by priority
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
 * @ref: the caller and each request
 * @left: requests that have not ended
 * @admin: may be told frame numbers
 * @out: where outcomes go; NULL: the caller waits no more
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
/* The space ends, it is ->dead: what waits for its pages is cancelled. Sleeps. */
void tw_queue_drop_space(struct tw_space *sp);
/* -- for request.c ------------------------------------------------------------- */

/* A request that is zeros; of one that was not queued, all that it references goes. */
struct tw_req *tw_req_alloc(void);
void tw_req_free(struct tw_req *q);
void tw_reqs_free(struct list_head *reqs);
/* Room for @nr requests of @user: 0 or -EAGAIN; and back. */
int tw_queue_take(struct tw_user *user, u32 nr);
void tw_queue_give(struct tw_user *user, u32 nr);
/* Queues all of @reqs or none: 0, -ENOMEM, -ENOENT: a space has gone. */
int tw_queue_add(struct list_head *reqs, struct tw_user *user);
void tw_call_put(struct tw_call *call);

/* Parameter migration_batch: most pages of a batch, 1..TW_BATCH. */
unsigned int tw_migration_batch(void);

#endif
