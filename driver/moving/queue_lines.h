/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue_lines.h - the lines in which requests wait, one for each user
 *
 * Only queue.c calls it; request.c fills in struct tw_req.
 */
#ifndef _TW_QUEUE_LINES_H
#define _TW_QUEUE_LINES_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/tierwatch.h>

struct tw_call;
struct tw_line;
struct tw_space;
struct tw_user;

/**
 * struct tw_req - a request
 * @node: in its line's tree while it waits
 * @next: in a list while it is not yet, or no longer, in a tree
 * @key: tw_queue_key()
 * @id: the id that callers know it by
 * @asked_ns: time of its call
 * @space: space of its page, referenced; NULL for an external page
 * @at: index in @space, or frame number
 * @from: enum tw_tier or TW_TIER_NONE
 * @to: enum tw_tier
 * @reason: enum tw_reason
 * @was: tier in which the page was found, TW_TIER_NONE if not known
 * @lane: tw_queue_lane()
 * @pid: process that made the request, in the initial namespace
 * @user: user that is charged for it, referenced
 * @io: cgroup that is charged for its I/O, referenced; or NULL
 * @call: call that waits for it, referenced; or NULL
 * @slot: index of its outcome in @call->out
 * @status: its outcome
 */
struct tw_req {
	struct rb_node node;
	struct list_head next;
	s64 key;
	u64 id;
	u64 asked_ns;
	struct tw_space *space;
	u64 at;
	u8 from;
	u8 to;
	u8 reason;
	u8 was;
	u8 lane;
	pid_t pid;
	struct tw_user *user;
	struct cgroup_subsys_state *io;
	struct tw_call *call;
	u32 slot;
	int status;
};

/*
 * Guards the lines and some of queue.c. A spinlock, taken in process context only;
 * only the lock of a caller's wait queue is taken within it. The functions below take
 * it themselves, unless they say otherwise.
 */
extern spinlock_t tw_queue_lock;

/*
 * Allocates a line for a user that may have none, for tw_lines_add() or kfree().
 * Returns NULL if memory is lacking. May sleep.
 */
struct tw_line *tw_line_alloc(struct tw_user *user);
/*
 * Queues @reqs of @user, each of which holds a reference to the user. Returns true if
 * @new has become the user's line; if not, the user had one, and the caller frees @new.
 * Called under tw_queue_lock.
 */
bool tw_lines_add(struct list_head *reqs, struct tw_user *user,
		  struct tw_line *new);
/*
 * Takes the next batch of a lane, up to @most requests, into @batch and returns their
 * number. *@more tells whether requests are left in the lane.
 */
unsigned int tw_lines_take(unsigned int lane, struct tw_req **batch,
			   unsigned int most, bool *more);
/* Moves all requests that wait for pages of @sp to @to, or with NULL all there are. */
void tw_lines_take_all(struct tw_space *sp, struct list_head *to);

#endif
