// SPDX-License-Identifier: GPL-2.0
/*
 * migrate.c - moving and looking up pages by number, address and offset
 *
 * The ioctls' bodies: they check, name pages and hand them to the engine in
 * batches of one region. What the caller cannot take an answer for is refused
 * before anything moves. No locks are held while user memory is copied, since
 * it may lie in a region itself.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "agents/agent.h"
#include "base/entries.h"
#include "base/tw.h"
#include "pages/external.h"
#include "pages/lookup.h"
#include "pages/region.h"
#include "policy/heat.h"
#include "policy/numa.h"
#include "tiers/tier.h"

/* Most pages of one call: bounds how long one holds the caller. */
#define TW_MAX_PAGES	65536U

u32 tw_max_pages(void)
{
	return TW_MAX_PAGES;
}

static int tw_migrate_check(u32 flags, u32 to, u32 from, u32 reason)
{
	if (flags || to >= TW_NR_TIERS || !tw_reason_asked(reason) ||
	    (from >= TW_NR_TIERS && from != TW_TIER_NONE))
		return -EINVAL;
	if (!tw_tier_bound(to))
		return -EOPNOTSUPP;
	return 0;
}

int tw_check_answer(u64 ptr, size_t bytes)
{
	if (!ptr)
		return 0;
	/* Not fault_in_writeable(): it writes a zero to each page. */
	if (!access_ok(u64_to_user_ptr(ptr), bytes) ||
	    fault_in_safe_writeable(u64_to_user_ptr(ptr), bytes))
		return -EFAULT;
	return 0;
}

int tw_check_numbers(u64 pages, u32 nr, u64 status)
{
	const char __user *from = u64_to_user_ptr(pages);

	if (!access_ok(from, nr * sizeof(u64)) ||
	    fault_in_readable(from, nr * sizeof(u64)))
		return -EFAULT;
	return tw_check_answer(status, nr * sizeof(s32));
}

/**
 * struct tw_tally - what a call has done so far
 * @status: user pointer for outcomes, or NULL
 * @at: how many are written
 * @moved: pages moved
 * @failed: touched pages with a negative status
 * @untouched: pages never touched
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
	    arg->length >> PAGE_SHIFT > TW_MAX_PAGES ||
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

/* Pages [@idx, @idx + @nr) of @r, a batch at a time. */
static int tw_migrate_run(struct tw_region *r, unsigned long idx,
			  unsigned long nr, struct tw_move *m,
			  struct tw_tally *t)
{
	int err = 0;

	while (nr && !err) {
		unsigned int i;

		if (signal_pending(current))
			return -EINTR;
		m->region = r;
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

/* A signal ends a call early: what has been done is told, unless it is nothing. */
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

int tw_migrate_range_region(struct tw_region *r, struct tw_migrate_range *arg)
{
	u64 size = (u64)r->nr_pages << PAGE_SHIFT;
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
	err = tw_migrate_run(r, arg->start >> PAGE_SHIFT,
			     arg->length >> PAGE_SHIFT, m, &t);
	tw_move_free(m);
	return tw_migrate_finish(arg, &t, err);
}

/*
 * The region mapped at @addr with any of @flags, if there are any: a reference
 * in *@r, the page's index in *@idx. Returns how many pages up to @end it goes
 * on for, or -EFAULT.
 */
static long tw_region_at(unsigned long addr, unsigned long end,
			 vm_flags_t flags, struct tw_region **r,
			 unsigned long *idx)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	long nr = -EFAULT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, addr);
	if (vma && vma->vm_start <= addr && vma->vm_ops == &tw_region_vm_ops &&
	    (!flags || (vma->vm_flags & flags))) {
		*r = tw_region_get(vma->vm_file->private_data);
		*idx = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
		nr = (min(end, vma->vm_end) - addr) >> PAGE_SHIFT;
	}
	mmap_read_unlock(mm);
	return nr;
}

int tw_addr_page_ioctl(struct tw_addr_page *arg)
{
	unsigned long addr = untagged_addr(arg->addr) & PAGE_MASK, idx;
	struct tw_region *r;
	long nr;

	if (arg->flags)
		return -EINVAL;
	if (addr > TASK_SIZE_MAX - PAGE_SIZE)
		return -EFAULT;
	nr = tw_region_at(addr, addr + PAGE_SIZE, 0, &r, &idx);
	if (nr < 0)
		return nr;
	arg->page = tw_region_page(r, idx);
	tw_region_put(r);
	return 0;
}

static int tw_migrate_range_covered(unsigned long addr, unsigned long end)
{
	while (addr < end) {
		struct tw_region *r;
		unsigned long idx;
		long nr = tw_region_at(addr, end, VM_WRITE, &r, &idx);

		if (nr < 0)
			return nr;
		tw_region_put(r);
		addr += nr << PAGE_SHIFT;
	}
	return 0;
}

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
		struct tw_region *r;
		unsigned long idx;
		long nr = tw_region_at(addr, end, VM_WRITE, &r, &idx);

		if (nr < 0) {
			err = nr;	/* unmapped behind our back */
			break;
		}
		err = tw_migrate_run(r, idx, nr, m, &t);
		tw_region_put(r);
		addr += nr << PAGE_SHIFT;
	}
	tw_move_free(m);
	return tw_migrate_finish(arg, &t, err);
}

/* -- by number --------------------------------------------------------------- */

bool tw_is_admin(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

struct tw_region *tw_page_lookup(u64 page, unsigned long *idx, bool admin)
{
	struct tw_region *r;

	if (!(page & TW_PAGE_STABLE))
		return admin ? tw_region_by_pfn(page, idx) : NULL;
	r = tw_region_by_number(TW_PAGE_REGION(page));
	*idx = TW_PAGE_INDEX(page);
	if (r && (*idx >= r->nr_pages || !(admin || tw_region_mine(r)))) {
		tw_region_put_async(r);
		r = NULL;
	}
	return r;
}

struct tw_region *tw_page_lookup_of(u64 owner, u64 page, unsigned long *idx,
				    bool admin)
{
	struct tw_region *r = tw_page_lookup(page, idx, admin);

	if (r && owner && r->id != owner) {
		tw_region_put_async(r);
		r = NULL;
	}
	return r;
}

/* Is @page one more of @r's, which the caller may name? *@idx is which. */
static bool tw_page_also(struct tw_region *r, u64 page, unsigned long *idx,
			 bool admin)
{
	struct tw_region *other;

	if (page & TW_PAGE_STABLE) {
		*idx = TW_PAGE_INDEX(page);
		return TW_PAGE_REGION(page) == tw_region_number(r) &&
		       *idx < r->nr_pages;
	}
	other = tw_page_lookup(page, idx, admin);
	tw_region_put(other);	/* r holds it where it matters */
	return other == r;
}

/*
 * A window of numbers: the run of one region's pages from @numbers on goes to
 * the engine. Returns how many numbers it has dealt with; *@status has theirs.
 */
static unsigned int tw_migrate_numbers(const u64 *numbers, unsigned int nr,
				       u64 owner, struct tw_move *m, int *status,
				       bool admin)
{
	struct tw_region *r;
	unsigned long idx;
	unsigned int n;

	r = tw_page_lookup_of(owner, numbers[0], &idx, admin);
	if (!r) {
		status[0] = !admin || owner ? -ENOENT :
			    tw_external_move(numbers[0], m->to, m->from,
					     m->reason);
		return 1;
	}
	m->region = r;
	m->idx[0] = idx;
	for (n = 1; n < nr && tw_page_also(r, numbers[n], &idx, admin); n++)
		m->idx[n] = idx;
	m->nr = n;
	tw_move_run(m);
	memcpy(status, m->status, n * sizeof(*status));
	tw_region_put(r);
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
	if (err == -EINVAL || !arg->nr || arg->nr > TW_MAX_PAGES)
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

/* -- looking up -------------------------------------------------------------- */

void tw_page_describe(struct tw_region *r, unsigned long idx,
		      struct tw_page *p, bool admin)
{
	struct tw_rec *rec = tw_rec_find(r, idx);
	unsigned long w = rec ? tw_rec_w(rec) : 0;

	*p = (struct tw_page){
		.page = tw_region_page(r, idx),
		.owner = r->id,
		.agent = r->agent->id,
		.tier = TW_TIER_NONE,
		.node = -1,
		.best_node = -1,
	};
	if (!rec || tw_w_state(w) == TW_NONE)
		return;
	p->heat = READ_ONCE(rec->heat);
	p->age = READ_ONCE(rec->age);
	p->temperature = tw_heat_class(p->heat, p->age);
	p->best_node = tw_w_best_node(w);
	if (tw_w_state(w) == TW_POISON) {
		p->flags = TW_PAGE_LOST;
		return;
	}
	p->tier = tw_w_tier(w);
	if (tw_w_in_flight(w))
		p->flags |= TW_PAGE_BUSY;
	if (!tw_w_resident(w))
		return;
	if (tw_w_state(w) == TW_MEM && (w & TW_W_SLOT))
		p->flags |= TW_PAGE_KEPT;
	p->node = tw_page_nid(tw_w_page(w));
	if (admin)
		p->pfn = w >> TW_W_PFN_SHIFT;
}

int tw_page_info_ioctl(struct tw_page_info *arg)
{
	u64 __user *pages = u64_to_user_ptr(arg->pages);
	bool admin = tw_is_admin();
	int err;
	u32 i;

	if (arg->flags || !arg->nr || arg->nr > TW_MAX_PAGES)
		return -EINVAL;
	err = tw_entry_check(arg->entry_size, TW_PAGE_SIZE_VER0);
	if (err)
		return err;
	for (i = 0; i < arg->nr; i++) {
		struct tw_region *r;
		struct tw_page p;
		unsigned long idx;
		u64 page;

		if (get_user(page, pages + i))
			return -EFAULT;
		r = tw_page_lookup_of(arg->owner, page, &idx, admin);
		if (r) {
			tw_page_describe(r, idx, &p, admin);
			tw_region_put(r);
		} else if (!admin || arg->owner ||
			   !tw_external_describe(page, &p)) {
			p = (struct tw_page){ .page = page, .node = -1,
				.tier = TW_TIER_NONE, .status = -ENOENT,
				.best_node = -1 };
		}
		err = tw_entry_write(arg->infos, i, arg->entry_size, &p,
				     sizeof(p));
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

int tw_region_pages_ioctl(struct tw_region *r, struct tw_region_pages *arg)
{
	bool admin = tw_is_admin();
	u64 size = (u64)r->nr_pages << PAGE_SHIFT;
	unsigned long idx, nr, i;
	int err;

	if (arg->flags || !arg->length || !PAGE_ALIGNED(arg->offset) ||
	    !PAGE_ALIGNED(arg->length) ||
	    arg->length >> PAGE_SHIFT > TW_MAX_PAGES || arg->offset >= size ||
	    arg->length > size - arg->offset)
		return -EINVAL;
	err = tw_entry_check(arg->entry_size, TW_PAGE_SIZE_VER0);
	if (err)
		return err;
	idx = arg->offset >> PAGE_SHIFT;
	nr = arg->length >> PAGE_SHIFT;
	if (arg->nr < nr) {
		arg->nr = nr;
		return -EMSGSIZE;
	}
	for (i = 0; i < nr; i++) {
		struct tw_page p;

		tw_page_describe(r, idx + i, &p, admin);
		err = tw_entry_write(arg->infos, i, arg->entry_size, &p,
				     sizeof(p));
		if (err)
			return err;
		cond_resched();
	}
	arg->nr = nr;
	return 0;
}
