/* SPDX-License-Identifier: GPL-2.0 */
/*
 * queue_lines.h - requests that wait: whose, for which lane, and who is next
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
 * @node: in its line's tree, while it waits
 * @next: in a list of those taken out of the tree, or not yet in it
 * @key: tw_queue_key()
 * @id: uapi's
 * @asked_ns: time of its call
 * @space: its page's, referenced; NULL: an external page
 * @at: index in @space, or frame number
 * @from: enum tw_tier or TW_TIER_NONE
 * @to: enum tw_tier
 * @reason: enum tw_reason
 * @was: where its page was found; TW_TIER_NONE: not known
 * @lane: which worker's, tw_queue_lane()
 * @pid: of the process that asked, in the initial namespace
 * @user: charged for it, referenced
 * @io: charged for its I/O, referenced; or NULL
 * @call: the call that waits for it, referenced; or NULL
 * @slot: its place in @call->out
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
 * Guards the lines and more of queue.c. A spinlock, taken in process context only and
 * innermost but for the wait queue of a caller. Those below that do not say that
 * they are called under it take it.
 */
extern spinlock_t tw_queue_lock;

/*
 * A line for a user who may have none yet: for tw_lines_add(), or kfree(). NULL
 * without memory. May sleep.
 */
struct tw_line *tw_line_alloc(struct tw_user *user);
/*
 * Queues @reqs, all of @user's: in the line that he has, or in @new, which is taken
 * then (true) and otherwise the caller's to free. Each holds @user. Under tw_queue_lock.
 */
bool tw_lines_add(struct list_head *reqs, struct tw_user *user,
		  struct tw_line *new);
/*
 * Up to @most requests that go together, the next ones of the lane, into @batch;
 * *@more: some are left in the lane.
 */
unsigned int tw_lines_take(unsigned int lane, struct tw_req **batch,
			   unsigned int most, bool *more);
/* All that wait for pages of @sp, or all: NULL. */
void tw_lines_take_all(struct tw_space *sp, struct list_head *to);

#endif
