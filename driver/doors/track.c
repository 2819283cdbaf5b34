// SPDX-License-Identifier: GPL-2.0
/*
 * track.c - tracking and reporting pages of regions and external pages, by number
 *
 * Owns nothing; called by the table of ioctls and by kapi.c. A number that names a
 * region's page means that page; any other frame number means an external page.
 *
 * Locks: none of its own, and none is held while user memory is copied.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "agents/agent.h"
#include "base/stats.h"
#include "base/user.h"
#include "base/usercopy.h"
#include "doors/track.h"
#include "pages/external.h"
#include "pages/heat.h"
#include "pages/lookup.h"
#include "pages/record.h"
#include "pages/space.h"
#include "tiers/nodes.h"
#include "tiers/tier.h"

/* How many numbers are copied in at a time. */
#define TW_TRACK_WINDOW		64

/* -- a page ------------------------------------------------------------------ */

/* A region's page is always tracked, so this only checks that agent and tier are right. */
static int tw_track_managed(struct tw_space *sp, unsigned long idx,
			    const struct tw_external_new *want)
{
	struct tw_page p;

	if (sp->agent != want->agent)
		return -EACCES;
	tw_page_describe(sp, idx, &p, false);
	return p.tier == want->tier ? 0 : -EINVAL;
}

static int tw_track_one(u64 page, struct tw_external_new *want, bool admin)
{
	struct tw_space *sp;
	unsigned long idx;
	int err;

	sp = tw_page_lookup(page, &idx, admin);
	if (sp) {
		err = tw_track_managed(sp, idx, want);
		tw_space_put(sp);
		return err;
	}
	if (page & TW_PAGE_STABLE)
		return -ENOENT;
	if (!admin)
		return -EPERM;
	want->pfn = page;
	return tw_external_add(want);
}

static int tw_untrack_one(u64 page, bool admin)
{
	struct tw_space *sp;
	unsigned long idx;
	int err = -ENOENT;

	/* This comes first, since a tracked frame may belong to a region by now. */
	if (admin)
		err = tw_external_remove(page);
	if (err != -ENOENT)
		return err;
	sp = tw_page_lookup(page, &idx, admin);
	tw_space_put(sp);
	return sp ? -EOPNOTSUPP : -ENOENT;
}

static bool tw_track_node_ok(int node)
{
	return node == NUMA_NO_NODE ||
	       (node >= 0 && node < nr_node_ids && node_possible(node));
}

/**
 * tw_external_track - track a page with the rights of CAP_SYS_ADMIN
 * @page: page number
 * @tier: enum tw_tier that it is in
 * @node: NUMA node of an external page, or -1 to find out the frame's own
 * @agent: agent that it is accounted to; the caller has a reference
 * @mover: moves it; NULL, or valid until tw_external_drop_mover()
 *
 * It is charged to the calling user. May sleep.
 *
 * Return: 0 or -errno as the status of struct tw_track in uapi, or -ENOMEM.
 */
int tw_external_track(u64 page, int tier, int node, struct tw_agent *agent,
		      const struct tw_mover *mover)
{
	struct tw_external_new want = {
		.tier = tier,
		.node = node,
		.agent = agent,
		.mover = mover,
	};
	int err;

	might_sleep();
	if (!tw_tier_valid(tier) || !tw_track_node_ok(node))
		return -EINVAL;
	want.user = tw_user_get_current();
	if (!want.user)
		return -ENOMEM;
	err = tw_track_one(page, &want, true);
	tw_user_put(want.user);
	return err;
}

/**
 * tw_external_untrack - untrack a page with the rights of CAP_SYS_ADMIN
 * @page: page number
 *
 * May sleep.
 *
 * Return: 0 or -errno as the status of struct tw_untrack in uapi.
 */
int tw_external_untrack(u64 page)
{
	might_sleep();
	return tw_untrack_one(page, true);
}

/* -- reports ------------------------------------------------------------------- */

/* Adds a vote for this CPU's node, unless the record is locked; a vote may be lost. */
static void tw_report_vote(struct tw_rec *rec)
{
	if (!tw_rec_trylock_nested(rec))
		return;
	if (tw_w_state(tw_rec_w(rec)) != TW_NONE)
		tw_rec_vote(rec, numa_node_id());
	tw_rec_unlock_nested(rec);
}

/*
 * The heat that a report adds. Reports by a user can make a page hot, but no hotter.
 * Heat beyond that keeps a page in memory through many sweeps, and comes only from
 * touches that the driver has seen itself. So reports do no more against other users'
 * pages than marks do.
 */
static unsigned int tw_report_weight(const struct tw_rec *rec, bool admin)
{
	return admin || READ_ONCE(rec->heat) <= READ_ONCE(tw_hot_threshold) ?
	       TW_HEAT_REPORT : 0;
}

static int tw_report_managed(struct tw_space *sp, unsigned long idx, bool admin)
{
	struct tw_chunk *c = tw_chunk_find(sp, idx);
	struct tw_rec *rec = c ? tw_chunk_rec(c, idx) : NULL;
	unsigned long w = rec ? tw_rec_w(rec) : 0;
	int tier = tw_w_tier(w);

	if (tw_w_state(w) == TW_NONE || tw_w_state(w) == TW_POISON)
		return -ENOENT;
	tw_rec_touch(rec, tw_space_page(sp, idx), tier,
		     tw_report_weight(rec, admin));
	tw_chunk_changed(c);
	tw_count_irq(tier, reported, 1);
	tw_agent_reported(sp->agent);
	if (tw_w_resident(w))
		tw_numa_touch(tw_page_nid(tw_w_page(w)));
	tw_report_vote(rec);
	return 0;
}

/**
 * tw_page_report - count a touch of a page by this CPU, as reported by a caller
 * @owner: id of the region that the page must be of, or 0 for any
 * @page: page number
 * @admin: the caller may name all users' pages and frame numbers
 *
 * Any context but NMI with @admin; else process context.
 *
 * Return: 0, or -ENOENT if there is no such page, it has never been touched or is lost,
 * or the caller may not name it.
 */
int tw_page_report(u64 owner, u64 page, bool admin)
{
	struct tw_space *sp;
	unsigned long idx;
	int err;

	sp = tw_page_lookup_of(owner, page, &idx, admin);
	if (!sp)
		return admin && !owner ? tw_external_report(page) : -ENOENT;
	err = tw_report_managed(sp, idx, admin);
	tw_space_put_async(sp);
	return err;
}

/* -- ioctls ------------------------------------------------------------------ */

/**
 * struct tw_each - the pages of a call
 * @pages: their numbers
 * @status: for their outcomes, or NULL
 * @nr: how many pages
 * @admin: the caller may name all users' pages and frame numbers
 * @want: how to track them; NULL to untrack them
 * @done: pages with an outcome of 0 so far
 * @failed: pages with a negative outcome so far
 */
struct tw_each {
	u64 __user *pages;
	s32 __user *status;
	u32 nr;
	bool admin;
	struct tw_external_new *want;
	u32 done;
	u32 failed;
};

/* Checks that the caller's memory can be accessed, before anything is done. */
static int tw_each_check(const struct tw_each *each)
{
	if (!each->nr || each->nr > TW_CALL_PAGES)
		return -EINVAL;
	return tw_check_numbers((uintptr_t)each->pages, each->nr,
				(uintptr_t)each->status);
}

static int tw_each_window(struct tw_each *each, u32 at, u32 n)
{
	u64 pages[TW_TRACK_WINDOW];
	s32 status[TW_TRACK_WINDOW];
	u32 i;

	if (copy_from_user(pages, each->pages + at, n * sizeof(*pages)))
		return -EFAULT;
	for (i = 0; i < n; i++) {
		status[i] = each->want ?
			    tw_track_one(pages[i], each->want, each->admin) :
			    tw_untrack_one(pages[i], each->admin);
		if (status[i])
			each->failed++;
		else
			each->done++;
	}
	if (each->status &&
	    copy_to_user(each->status + at, status, n * sizeof(*status)))
		return -EFAULT;
	return 0;
}

static int tw_each_run(struct tw_each *each)
{
	u32 at, n;
	int err = 0;

	for (at = 0; at < each->nr && !err; at += n) {
		n = min_t(u32, each->nr - at, TW_TRACK_WINDOW);
		err = tw_each_window(each, at, n);
		cond_resched();
	}
	return err;
}

/**
 * tw_track_ioctl - TW_IOC_TRACK
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_track_ioctl(struct tw_track *arg)
{
	struct tw_external_new want = {
		.tier = arg->tier,
		.node = arg->node,
	};
	struct tw_each each = {
		.pages = u64_to_user_ptr(arg->pages),
		.status = u64_to_user_ptr(arg->status),
		.nr = arg->nr,
		.admin = tw_is_admin(),
		.want = &want,
	};
	int err;

	if ((arg->flags & ~TW_TRACK_FLAGS) || arg->tier >= TW_NR_TIERS ||
	    !tw_track_node_ok(arg->node))
		return -EINVAL;
	err = tw_each_check(&each);
	if (err)
		return err;
	want.user = tw_user_get_current();
	if (!want.user)
		return -ENOMEM;
	want.agent = tw_agent_named(arg->flags & TW_TRACK_BY_ID, arg->agent_fd,
				    arg->agent_id);
	if (IS_ERR(want.agent)) {
		err = PTR_ERR(want.agent);
		goto put_user;
	}
	err = tw_each_run(&each);
	arg->done = each.done;
	arg->failed = each.failed;
	tw_agent_put(want.agent);
put_user:
	tw_user_put(want.user);
	return err;
}

/**
 * tw_untrack_ioctl - TW_IOC_UNTRACK
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_untrack_ioctl(struct tw_untrack *arg)
{
	struct tw_each each = {
		.pages = u64_to_user_ptr(arg->pages),
		.status = u64_to_user_ptr(arg->status),
		.nr = arg->nr,
		.admin = tw_is_admin(),
	};
	int err;

	if (arg->flags || arg->reserved)
		return -EINVAL;
	err = tw_each_check(&each);
	if (err)
		return err;
	err = tw_each_run(&each);
	arg->done = each.done;
	arg->failed = each.failed;
	return err;
}

/**
 * tw_report_ioctl - TW_IOC_REPORT
 * @arg: the ioctl's argument
 *
 * Return: 0, -EINVAL, or -ENOENT.
 */
int tw_report_ioctl(struct tw_report *arg)
{
	if (arg->flags & ~TW_REPORT_FLAGS)
		return -EINVAL;
	return tw_page_report(arg->owner, arg->page, tw_is_admin());
}
