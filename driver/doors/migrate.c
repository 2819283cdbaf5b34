// SPDX-License-Identifier: GPL-2.0
/*
 * migrate.c - moving pages by number, address and offset
 *
 * Owns nothing; called by the tables of ioctls, in the context of a caller. The
 * functions check their arguments, look the pages up and pass them to tw_move_run() in
 * batches of one region. A call whose outcomes cannot be written to the caller's memory
 * is refused before anything moves.
 *
 * Locks: none, since the user memory that is copied may lie in a region itself.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "base/usercopy.h"
#include "doors/migrate.h"
#include "doors/region_map.h"
#include "moving/external_move.h"
#include "moving/move.h"
#include "moving/move_huge.h"
#include "pages/frame.h"
#include "pages/lookup.h"
#include "pages/record.h"
#include "pages/region.h"
#include "pages/space.h"
#include "tiers/tier.h"

static int tw_migrate_check(u32 flags, u32 to, u32 from, u32 reason)
{
	if (flags || to >= TW_NR_TIERS || !tw_reason_asked(reason) ||
	    (from >= TW_NR_TIERS && from != TW_TIER_NONE))
		return -EINVAL;
	if (!tw_tier_bound(to))
		return -EOPNOTSUPP;
	return 0;
}

/**
 * struct tw_tally - what a call has done so far
 * @status: user pointer for outcomes, or NULL
 * @at: number of pages dealt with, whose outcomes have been written
 * @moved: pages moved
 * @failed: pages with a negative status other than -ENOENT
 * @untouched: pages with -ENOENT: never touched or discarded, or not found
 */
struct tw_tally {
	s32 __user *status;
	u32 at;
	u32 moved;
	u32 failed;
	u32 untouched;
};

static int tw_tally_add(struct tw_tally *t, const int *status, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!status[i])
			t->moved++;
		else if (status[i] == -ENOENT)
			t->untouched++;
		else if (status[i] < 0)
			t->failed++;
	}
	BUILD_BUG_ON(sizeof(int) != sizeof(s32));
	if (t->status && copy_to_user(t->status + t->at, status,
				      nr * sizeof(s32)))
		return -EFAULT;
	t->at += nr;
	return 0;
}

/* -- by range ---------------------------------------------------------------- */

static int tw_migrate_range_check(struct tw_migrate_range *arg)
{
	unsigned long nr;
	int err;

	err = tw_migrate_check(arg->flags, arg->to_tier, arg->from_tier,
			       arg->reason);
	if (err == -EINVAL || arg->reserved)
		return -EINVAL;
	if (!arg->length || !PAGE_ALIGNED(arg->start) ||
	    !PAGE_ALIGNED(arg->length) ||
	    arg->length >> PAGE_SHIFT > TW_CALL_PAGES ||
	    arg->start + arg->length < arg->start)
		return -EINVAL;
	if (err)
		return err;
	nr = arg->length >> PAGE_SHIFT;
	if (arg->status && arg->nr_status < nr) {
		arg->nr_status = nr;
		return -EMSGSIZE;
	}
	return tw_check_answer(arg->status, nr * sizeof(s32));
}

/*
 * If pages [@idx, @idx + @nr) begin with all of a chunk in a folio of 2 MiB, moves that.
 * Returns how many pages are dealt with then, or 0: they are to be moved one by one.
 */
static unsigned int tw_migrate_whole(struct tw_space *sp, unsigned long idx,
				     unsigned long nr, struct tw_move *m,
				     struct tw_tally *t, int *err)
{
	static const int moved[TW_BATCH];	/* of each the status is 0 */
	struct tw_chunk *c;
	unsigned int i;

	if (likely(!sp->huge) || idx & (TW_CHUNK_PAGES - 1) || nr < TW_CHUNK_PAGES)
		return 0;
	c = tw_chunk_find(sp, idx);
	if (!c || tw_huge_move(sp, c, m->from, m->to, m->reason, true))
		return 0;
	for (i = 0; i < TW_CHUNK_PAGES && !*err; i += TW_BATCH)
		*err = tw_tally_add(t, moved, TW_BATCH);
	return TW_CHUNK_PAGES;
}

/* Pages [@idx, @idx + @nr) of @sp, a batch at a time. */
static int tw_migrate_run(struct tw_space *sp, unsigned long idx,
			  unsigned long nr, struct tw_move *m,
			  struct tw_tally *t)
{
	int err = 0;

	while (nr && !err) {
		unsigned int i;

		if (signal_pending(current))
			return -EINTR;
		i = tw_migrate_whole(sp, idx, nr, m, t, &err);
		if (i) {
			idx += i;
			nr -= i;
			continue;
		}
		m->space = sp;
		m->nr = min_t(unsigned long, nr, TW_BATCH);
		for (i = 0; i < m->nr; i++)
			m->idx[i] = idx + i;
		tw_move_run(m);
		err = tw_tally_add(t, m->status, m->nr);
		idx += m->nr;
		nr -= m->nr;
		cond_resched();
	}
	return err;
}

static struct tw_move *tw_migrate_start(struct tw_migrate_range *arg,
					struct tw_tally *t)
{
	struct tw_move *m = tw_move_alloc(GFP_KERNEL_ACCOUNT);

	if (!m)
		return NULL;
	m->to = arg->to_tier;
	m->from = arg->from_tier;
	m->reason = arg->reason | TW_BY_CALLER;
	*t = (struct tw_tally){ .status = u64_to_user_ptr(arg->status) };
	return m;
}

/*
 * Fills in the answer. If a signal has ended the call after some pages, the call succeeds
 * and the other pages have the status -EINTR.
 */
static int tw_migrate_finish(struct tw_migrate_range *arg, struct tw_tally *t,
			     int err)
{
	if (err == -EINTR && t->at) {
		s32 left = -EINTR;

		while (t->status && t->at < arg->length >> PAGE_SHIFT)
			if (put_user(left, t->status + t->at++))
				return -EFAULT;
		err = 0;
	}
	arg->moved = t->moved;
	arg->failed = t->failed;
	arg->untouched = t->untouched;
	return err;
}

/**
 * tw_migrate_range_region - TW_IOC_MIGRATE_RANGE on a region's file
 * @r: region
 * @arg: the ioctl's argument; ->start is an offset in the region
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_migrate_range_region(struct tw_region *r, struct tw_migrate_range *arg)
{
	u64 size = (u64)r->space.nr_pages << PAGE_SHIFT;
	struct tw_tally t;
	struct tw_move *m;
	int err;

	err = tw_migrate_range_check(arg);
	if (err && err != -EOPNOTSUPP && err != -EMSGSIZE)
		return err;
	if (arg->start >= size || arg->length > size - arg->start)
		return -EINVAL;
	if (err)
		return err;
	m = tw_migrate_start(arg, &t);
	if (!m)
		return -ENOMEM;
	err = tw_migrate_run(&r->space, arg->start >> PAGE_SHIFT,
			     arg->length >> PAGE_SHIFT, m, &t);
	tw_move_free(m);
	return tw_migrate_finish(arg, &t, err);
}

/* Whether regions that the caller may write are mapped at all of the range: 0 or -errno. */
static int tw_migrate_range_covered(unsigned long addr, unsigned long end)
{
	while (addr < end) {
		struct tw_space *sp;
		unsigned long idx;
		long nr = tw_region_at(addr, end, VM_WRITE, &sp, &idx);

		if (nr < 0)
			return nr;
		tw_space_put(sp);
		addr += nr << PAGE_SHIFT;
	}
	return 0;
}

/**
 * tw_migrate_range_mm - TW_IOC_MIGRATE_RANGE on the device
 * @arg: the ioctl's argument; ->start is an address of the caller's
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_migrate_range_mm(struct tw_migrate_range *arg)
{
	unsigned long addr, end;
	struct tw_tally t;
	struct tw_move *m;
	int err;

	err = tw_migrate_range_check(arg);
	if (err)
		return err;
	if (arg->start + arg->length > TASK_SIZE_MAX)
		return -EFAULT;
	addr = untagged_addr(arg->start);
	end = addr + arg->length;
	err = tw_migrate_range_covered(addr, end);
	if (err)
		return err;
	m = tw_migrate_start(arg, &t);
	if (!m)
		return -ENOMEM;
	while (addr < end && !err) {
		struct tw_space *sp;
		unsigned long idx;
		long nr = tw_region_at(addr, end, VM_WRITE, &sp, &idx);

		if (nr < 0) {
			err = nr;	/* unmapped since tw_migrate_range_covered() */
			break;
		}
		err = tw_migrate_run(sp, idx, nr, m, &t);
		tw_space_put(sp);
		addr += nr << PAGE_SHIFT;
	}
	tw_move_free(m);
	return tw_migrate_finish(arg, &t, err);
}

/* -- by number --------------------------------------------------------------- */

/* Is @page one more of @sp's, which the caller may name? *@idx is which. */
static bool tw_page_also(struct tw_space *sp, u64 page, unsigned long *idx,
			 bool admin)
{
	struct tw_space *other;

	if (page & TW_PAGE_STABLE) {
		*idx = TW_PAGE_INDEX(page);
		return TW_PAGE_REGION(page) == tw_space_number(sp) &&
		       *idx < sp->nr_pages;
	}
	other = tw_page_lookup(page, idx, admin);
	tw_space_put(other);	/* sp holds it where it matters */
	return other == sp;
}

/*
 * Moves the page of the first number, and those of the numbers after it that are of the
 * same region. Returns how many numbers that were; @status has their outcomes.
 */
static unsigned int tw_migrate_numbers(const u64 *numbers, unsigned int nr,
				       u64 owner, struct tw_move *m, int *status,
				       bool admin)
{
	struct tw_space *sp;
	unsigned long idx;
	unsigned int n;

	sp = tw_page_lookup_of(owner, numbers[0], &idx, admin);
	if (!sp) {
		status[0] = !admin || owner ? -ENOENT :
			    tw_external_move(numbers[0], m->to, m->from,
					     m->reason);
		return 1;
	}
	m->space = sp;
	m->idx[0] = idx;
	for (n = 1; n < nr && tw_page_also(sp, numbers[n], &idx, admin); n++)
		m->idx[n] = idx;
	m->nr = n;
	tw_move_run(m);
	memcpy(status, m->status, n * sizeof(*status));
	tw_space_put(sp);
	return n;
}

static int tw_migrate_window(u64 __user *pages, unsigned int nr, u64 owner,
			     struct tw_move *m, struct tw_tally *t, bool admin)
{
	u64 numbers[TW_BATCH];
	int status[TW_BATCH];
	unsigned int n;

	if (copy_from_user(numbers, pages, nr * sizeof(*numbers)))
		return -EFAULT;
	for (n = 0; n < nr; )
		n += tw_migrate_numbers(numbers + n, nr - n, owner, m,
					status + n, admin);
	return tw_tally_add(t, status, nr);
}

/**
 * tw_migrate_pages_ioctl - TW_IOC_MIGRATE_PAGES
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_migrate_pages_ioctl(struct tw_migrate_pages *arg)
{
	u64 __user *pages = u64_to_user_ptr(arg->pages);
	struct tw_tally t = { .status = u64_to_user_ptr(arg->status) };
	bool admin = tw_is_admin();
	struct tw_move *m;
	u32 n;
	int err;

	err = tw_migrate_check(arg->flags, arg->to_tier, arg->from_tier,
			       arg->reason);
	if (err == -EINVAL || !arg->nr || arg->nr > TW_CALL_PAGES)
		return -EINVAL;
	if (err)
		return err;
	err = tw_check_numbers(arg->pages, arg->nr, arg->status);
	if (err)
		return err;
	m = tw_move_alloc(GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	m->to = arg->to_tier;
	m->from = arg->from_tier;
	m->reason = arg->reason | TW_BY_CALLER;
	while (t.at < arg->nr && !err) {
		n = min_t(u32, arg->nr - t.at, TW_BATCH);
		err = signal_pending(current) ? -EINTR :
		      tw_migrate_window(pages + t.at, n, arg->owner, m, &t,
					admin);
		cond_resched();
	}
	tw_move_free(m);
	if (err == -EINTR && t.at) {
		s32 left = -EINTR;

		while (t.status && t.at < arg->nr)
			if (put_user(left, t.status + t.at++))
				return -EFAULT;
		err = 0;
	}
	arg->moved = t.moved;
	arg->failed = t.failed + t.untouched;
	return err;
}
