// SPDX-License-Identifier: GPL-2.0
/*
 * agent_migrate.c - TW_IOC_AGENT_MIGRATE, which moves the pages of an agent's regions
 *
 * Owns nothing; called by the table of ioctls and by kapi.c, in the context of a
 * caller. A call walks the records of the agent's regions, in the order of the
 * regions' ids, and passes pages that are in another tier to tw_move_run(), in
 * batches of at most tw_migration_batch() pages.
 *
 * Locks: none of its own. Records are read without their locks, since tw_move_run()
 * checks them again under the locks.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "agents/agent.h"
#include "doors/agent_migrate.h"
#include "moving/move.h"
#include "moving/move_huge.h"
#include "pages/huge.h"
#include "moving/queue.h"
#include "pages/frame.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/tier.h"

/**
 * struct tw_agent_walk - one call
 * @agent: agent whose pages are to move
 * @left: how many pages are still to move
 * @moved: pages moved
 * @failed: pages that could not be moved
 * @full: the target tier is full, or a limit has been reached
 * @intr: a signal is pending
 * @m: batch being filled
 */
struct tw_agent_walk {
	struct tw_agent *agent;
	u64 left;
	u64 moved;
	u64 failed;
	bool full;
	bool intr;
	struct tw_move *m;
};

static bool tw_agent_walk_over(struct tw_agent_walk *s)
{
	return !s->left || s->full || s->intr;
}

/* The most pages of the next batch. */
static unsigned int tw_agent_walk_room(struct tw_agent_walk *s)
{
	return min_t(u64, tw_migration_batch(), s->left);
}

static void tw_agent_walk_flush(struct tw_agent_walk *s)
{
	struct tw_move *m = s->m;
	unsigned int i;

	if (!m->nr)
		return;
	s->intr = signal_pending(current);
	if (s->intr)
		return;
	tw_move_run(m);
	s->moved += m->moved;
	s->left -= min_t(u64, m->moved, s->left);
	for (i = 0; i < m->nr; i++) {
		int status = m->status[i];

		/* A page that has been discarded meanwhile is no failure. */
		if (status < 0 && status != -ENOENT)
			s->failed++;
		if (status == -ENOSPC || status == -EDQUOT)
			s->full = true;
	}
	m->nr = 0;
	cond_resched();
}

/* Whether this page is to be moved, as far as its record tells without its lock. */
static bool tw_agent_walk_wants(struct tw_agent_walk *s, struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);
	int tier;

	if (tw_w_state(w) == TW_NONE || tw_w_state(w) == TW_POISON)
		return false;
	tier = tw_w_tier(w);
	return tier != s->m->to &&
	       (s->m->from == TW_TIER_NONE || tier == s->m->from);
}

/* Moves a folio of 2 MiB, if as many pages are to move. False if its pages have to. */
static bool tw_agent_walk_whole(struct tw_agent_walk *s, struct tw_space *sp,
				struct tw_chunk *c)
{
	struct tw_move *m = s->m;

	if (s->left < TW_CHUNK_PAGES)
		return false;
	tw_agent_walk_flush(s);
	if (tw_agent_walk_over(s) ||
	    tw_huge_move(sp, c, m->from, m->to, m->reason, true))
		return false;
	s->moved += TW_CHUNK_PAGES;
	s->left -= min_t(u64, TW_CHUNK_PAGES, s->left);
	return true;
}

static void tw_agent_walk_space(struct tw_agent_walk *s, struct tw_space *sp)
{
	struct tw_move *m = s->m;
	struct tw_chunk *c;
	unsigned long n;
	unsigned int i;

	m->space = sp;
	m->nr = 0;
	tw_for_each_chunk(sp, n, c) {
		if (unlikely(tw_chunk_whole(c)) && tw_agent_walk_whole(s, sp, c))
			continue;
		for (i = 0; i < TW_CHUNK_PAGES; i++) {
			if (!tw_agent_walk_wants(s, &c->rec[i]))
				continue;
			m->idx[m->nr++] = c->base + i;
			if (m->nr >= tw_agent_walk_room(s))
				tw_agent_walk_flush(s);
			if (tw_agent_walk_over(s))
				return;
		}
		cond_resched();
	}
	tw_agent_walk_flush(s);
}

static void tw_walk_agent(struct tw_agent_walk *s)
{
	struct tw_space *sp;
	u64 id = 0;

	while (!tw_agent_walk_over(s) && (sp = tw_managed_after(id))) {
		id = tw_space_number(sp);
		s->intr = signal_pending(current);
		if (sp->agent == s->agent && !s->intr)
			tw_agent_walk_space(s, sp);
		tw_space_put(sp);
		cond_resched();
	}
}

static int tw_agent_migrate_check(const struct tw_agent_migrate *arg)
{
	if ((arg->flags & ~TW_AGENT_BY_ID) || arg->reserved ||
	    arg->to_tier >= TW_NR_TIERS || !tw_reason_asked(arg->reason) ||
	    (arg->from_tier >= TW_NR_TIERS && arg->from_tier != TW_TIER_NONE))
		return -EINVAL;
	if (!tw_tier_bound(arg->to_tier))
		return -EOPNOTSUPP;
	return 0;
}

/**
 * tw_agent_migrate_ioctl - TW_IOC_AGENT_MIGRATE
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_agent_migrate_ioctl(struct tw_agent_migrate *arg)
{
	struct tw_agent_walk s = { .left = arg->nr ?: U64_MAX };
	int err;

	err = tw_agent_migrate_check(arg);
	if (err)
		return err;
	s.m = tw_move_alloc(GFP_KERNEL_ACCOUNT);
	if (!s.m)
		return -ENOMEM;
	s.agent = tw_agent_named(arg->flags & TW_AGENT_BY_ID, arg->agent_fd,
				 arg->id);
	if (IS_ERR(s.agent)) {
		err = PTR_ERR(s.agent);
		goto free;
	}
	s.m->to = arg->to_tier;
	s.m->from = arg->from_tier;
	s.m->reason = arg->reason | TW_BY_CALLER;
	tw_walk_agent(&s);
	tw_agent_put(s.agent);
	if (s.intr && !s.moved && !s.failed)
		err = -EINTR;
	arg->moved = s.moved;
	arg->failed = s.failed;
free:
	tw_move_free(s.m);
	return err;
}
