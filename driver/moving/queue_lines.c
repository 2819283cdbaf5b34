// SPDX-License-Identifier: GPL-2.0
/*
 * queue_lines.c - the lines in which requests wait, one for each user
 *
 * Owns the lines. A user's line has a tree of requests for each lane, in the order
 * that queue_calc.h defines. A lane serves users in turn, a batch of each. So a
 * priority orders only the requests of one user, and a user's first request does not
 * wait for a thousand requests of another user, whatever their priority.
 *
 * Locks: tw_queue_lock guards all of it. Only queue.c calls it.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "moving/queue_calc.h"
#include "moving/queue_lines.h"
#include "pages/space.h"

/* How many requests are looked at for the rest of a batch. */
#define TW_QUEUE_LOOK	1024

/**
 * struct tw_line - a user's requests that wait
 * @link: in tw_lines
 * @user: the user; its requests hold the reference
 * @nr: number of requests; the line is freed when there are none
 * @lane: for each lane a tree of requests, and the link in tw_turns, where the line
 *	is while the tree is not empty
 */
struct tw_line {
	struct list_head link;
	struct tw_user *user;
	unsigned int nr;
	struct {
		struct list_head turn;
		struct rb_root_cached tree;
	} lane[TW_QUEUE_LANES];
};

DEFINE_SPINLOCK(tw_queue_lock);
static LIST_HEAD(tw_lines);
static struct list_head tw_turns[TW_QUEUE_LANES] = {
	[0] = LIST_HEAD_INIT(tw_turns[0]),
	[1] = LIST_HEAD_INIT(tw_turns[1]),
	[2] = LIST_HEAD_INIT(tw_turns[2]),
	[3] = LIST_HEAD_INIT(tw_turns[3]),
	[4] = LIST_HEAD_INIT(tw_turns[4]),
	[5] = LIST_HEAD_INIT(tw_turns[5]),
};

static_assert(TW_QUEUE_LANES == 6);

struct tw_line *tw_line_alloc(struct tw_user *user)
{
	struct tw_line *line = kzalloc(sizeof(*line), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!line)
		return NULL;
	line->user = user;
	for (i = 0; i < TW_QUEUE_LANES; i++) {
		INIT_LIST_HEAD(&line->lane[i].turn);
		line->lane[i].tree = RB_ROOT_CACHED;
	}
	return line;
}

static struct tw_line *tw_line_of(const struct tw_user *user)
{
	struct tw_line *line;

	lockdep_assert_held(&tw_queue_lock);
	list_for_each_entry(line, &tw_lines, link)
		if (line->user == user)
			return line;
	return NULL;
}

static bool tw_req_less(struct rb_node *a, const struct rb_node *b)
{
	const struct tw_req *x = rb_entry(a, struct tw_req, node);
	const struct tw_req *y = rb_entry(b, struct tw_req, node);

	return tw_queue_before(x->key, x->id, y->key, y->id);
}

static void tw_line_add(struct tw_line *line, struct tw_req *q)
{
	lockdep_assert_held(&tw_queue_lock);
	/* A new user in a lane gets its turn after all others. */
	if (list_empty(&line->lane[q->lane].turn))
		list_add_tail(&line->lane[q->lane].turn, &tw_turns[q->lane]);
	rb_add_cached(&q->node, &line->lane[q->lane].tree, tw_req_less);
	line->nr++;
}

/* Takes a request out of its tree. The caller calls tw_line_tidy() afterwards. */
static void tw_line_del(struct tw_line *line, struct tw_req *q)
{
	lockdep_assert_held(&tw_queue_lock);
	rb_erase_cached(&q->node, &line->lane[q->lane].tree);
	if (RB_EMPTY_ROOT(&line->lane[q->lane].tree.rb_root))
		list_del_init(&line->lane[q->lane].turn);
	line->nr--;
}

/* Frees a line that has no requests any more. */
static void tw_line_tidy(struct tw_line *line)
{
	lockdep_assert_held(&tw_queue_lock);
	if (line->nr)
		return;
	list_del(&line->link);
	kfree(line);
}

bool tw_lines_add(struct list_head *reqs, struct tw_user *user,
		  struct tw_line *new)
{
	struct tw_line *line;
	struct tw_req *q;

	lockdep_assert_held(&tw_queue_lock);
	line = tw_line_of(user);
	if (!line) {
		line = new;
		list_add(&line->link, &tw_lines);
	}
	list_for_each_entry(q, reqs, next)
		tw_line_add(line, q);
	return line == new;
}

static bool tw_req_same_way(const struct tw_req *a, const struct tw_req *b)
{
	return a->space && a->space == b->space && a->from == b->from &&
	       a->to == b->to && a->reason == b->reason && a->io == b->io;
}

/* tw_move_run() takes a page once a batch, so another request for it must wait. */
static bool tw_batch_has(struct tw_req **batch, unsigned int nr, u64 at)
{
	while (nr--)
		if (batch[nr]->at == at)
			return true;
	return false;
}

/* Takes the first request of a tree, and others that can be in the same batch. */
static unsigned int tw_line_take(struct tw_line *line, unsigned int lane,
				 struct tw_req **batch, unsigned int most)
{
	struct rb_node *node, *next;
	unsigned int nr = 0, looked = 0;

	lockdep_assert_held(&tw_queue_lock);
	for (node = rb_first_cached(&line->lane[lane].tree);
	     node && nr < most && looked < TW_QUEUE_LOOK; node = next) {
		struct tw_req *q = rb_entry(node, struct tw_req, node);

		next = rb_next(node);
		looked++;
		if (nr && (!tw_req_same_way(batch[0], q) ||
			   tw_batch_has(batch, nr, q->at)))
			continue;
		tw_line_del(line, q);
		batch[nr++] = q;
		if (!q->space)
			break;
	}
	return nr;
}

unsigned int tw_lines_take(unsigned int lane, struct tw_req **batch,
			   unsigned int most, bool *more)
{
	struct list_head *turns = &tw_turns[lane];
	unsigned int nr = 0;

	spin_lock(&tw_queue_lock);
	if (!list_empty(turns)) {
		struct tw_line *line = list_first_entry(turns, struct tw_line,
							lane[lane].turn);

		list_move_tail(&line->lane[lane].turn, turns);
		nr = tw_line_take(line, lane, batch, most);
		tw_line_tidy(line);
	}
	*more = !list_empty(turns);
	spin_unlock(&tw_queue_lock);
	return nr;
}

static void tw_line_take_all(struct tw_line *line, unsigned int lane,
			     struct tw_space *sp, struct list_head *to)
{
	struct rb_node *node, *next;

	lockdep_assert_held(&tw_queue_lock);
	for (node = rb_first_cached(&line->lane[lane].tree); node; node = next) {
		struct tw_req *q = rb_entry(node, struct tw_req, node);

		next = rb_next(node);
		if (sp && q->space != sp)
			continue;
		tw_line_del(line, q);
		list_add_tail(&q->next, to);
	}
}

void tw_lines_take_all(struct tw_space *sp, struct list_head *to)
{
	struct tw_line *line, *n;
	unsigned int lane;

	spin_lock(&tw_queue_lock);
	list_for_each_entry_safe(line, n, &tw_lines, link) {
		for (lane = 0; lane < TW_QUEUE_LANES; lane++)
			tw_line_take_all(line, lane, sp, to);
		tw_line_tidy(line);
	}
	spin_unlock(&tw_queue_lock);
}
