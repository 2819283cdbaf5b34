// SPDX-License-Identifier: GPL-2.0
/*
 * fault.c - a touch of a managed page
 *
 * Owns the handler of faults, which the kernel calls with mmap_lock held for
 * reading, and whether faults are tracked (parameter track_faults).
 *
 * The fast path tries the record, makes or finds the page and inserts it under
 * the record lock, so that no mover can have it unmapped in between. What has
 * to wait (a store, a busy record, room) drops mmap_lock first where it may. The
 * attempt that waited also says how that ended: a retry is asked for only when
 * the page has come, never for the chance that the next attempt does better.
 *
 * Counting: a fault is counted once, by the attempt that did its work. An
 * attempt that dropped mmap_lock counts when it brought the page in; the retry
 * of that fault then only maps it.
 *
 * Memory is short, in this order: within capacity and the region's memcg
 * without reclaim's hard end; cold pages demoted and again; a little beyond
 * capacity; with reclaim's full effort; charged to the toucher's memcg; SIGBUS.
 * Never VM_FAULT_OOM, which would be retried for ever.
 *
 * Locks: the record's bit, within mmap_lock; see record.h.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/file.h>
#include <linux/jump_label.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "agents/agent.h"
#include "base/compat.h"
#include "base/stats.h"
#include "doors/fault.h"
#include "events/stream.h"
#include "events/trace.h"
#include "moving/departed.h"
#include "moving/readin.h"
#include "pages/frame.h"
#include "pages/heat.h"
#include "pages/record.h"
#include "pages/region.h"
#include "pages/region_accessed.h"
#include "pages/table.h"
#include "policy/background.h"
#include "policy/knobs.h"
#include "policy/limits.h"
#include "policy/sweep.h"
#include "tiers/nodes.h"
#include "tiers/pressure.h"
#include "tiers/tier.h"

/* Neighbours mapped along with a page that is in memory: an aligned window. */
#define TW_FAULT_AROUND	16

/* Pages demoted at a time by a fault that finds no room, and how often. */
#define TW_ROOM_PAGES	32
#define TW_ROOM_TRIES	32

/* Tries of 20 ms in which no page leaves memory before a reserved one gives up. */
#define TW_PROMISE_WAITS	250

/* How often a page's entry may change under a fault before that gives up. */
#define TW_INSERT_TRIES	16

#define TW_GFP_TRY	(GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_NORETRY | \
			 __GFP_NOWARN)
#define TW_GFP_HARD	(GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_RETRY_MAYFAIL | \
			 __GFP_NOWARN)

static DEFINE_STATIC_KEY_TRUE(tw_tracking_key);

static int tw_tracking_set(const char *text, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(text, &on);

	if (err)
		return err;
	if (on)
		static_branch_enable(&tw_tracking_key);
	else
		static_branch_disable(&tw_tracking_key);
	return 0;
}

static int tw_tracking_get(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "%c\n",
			  static_key_enabled(&tw_tracking_key) ? 'Y' : 'N');
}

static const struct kernel_param_ops tw_tracking_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = tw_tracking_set,
	.get = tw_tracking_get,
};
module_param_cb(track_faults, &tw_tracking_ops, NULL, 0644);
MODULE_PARM_DESC(track_faults, "Count faults, publish them and feed the heat (default Y); N tells what that costs");

static u64 tw_fault_clock(void)
{
	if (!static_branch_likely(&tw_tracking_key))
		return 0;
	return ktime_get_mono_fast_ns();
}

/**
 * struct tw_fault - one attempt at a fault
 * @sp: whose page it is
 * @c: chunk of the page's record
 * @idx: page
 * @addr: where it was touched ...
 * @mm: ... in this address space, not always the current one
 * @write: the access is a write
 * @major: a store was waited for
 * @first: first touch
 * @tier: where the page was found
 * @now: where it is
 * @start: when the attempt began
 * @seen: tw_moves_out_seen() when room that is reserved was last looked for
 * @waits: how often since then in vain
 */
struct tw_fault {
	struct tw_space *sp;
	struct tw_chunk *c;
	unsigned long idx;
	unsigned long addr;
	const struct mm_struct *mm;
	bool write;
	bool major;
	bool first;
	int tier;
	int now;
	u64 start;
	unsigned long seen;
	unsigned int waits;
};

static void __tw_fault_count(struct tw_fault *f)
{
	u64 ns = ktime_get_mono_fast_ns() - f->start;
	u64 page = tw_space_page(f->sp, f->idx);
	u32 flags = (f->write ? TW_FAULT_WRITE : 0) |
		    (f->major ? TW_FAULT_MAJOR : 0) |
		    (f->first ? TW_FAULT_FIRST : 0);
	struct tw_stats_counters *c;

	preempt_disable();
	c = &__this_cpu_read(tw_stats_cpu_ptr)->tier[f->tier];
	if (f->major && f->write)
		WRITE_ONCE(c->major_write, c->major_write + 1);
	else if (f->major)
		WRITE_ONCE(c->major_read, c->major_read + 1);
	else if (f->write)
		WRITE_ONCE(c->minor_write, c->minor_write + 1);
	else
		WRITE_ONCE(c->minor_read, c->minor_read + 1);
	if (f->first)
		WRITE_ONCE(c->first, c->first + 1);
	WRITE_ONCE(c->fault_ns, c->fault_ns + ns);
	tw_agent_fault(f->sp->agent, f->tier, f->major, ns);
	preempt_enable();

	trace_tier_watch_fault(page, f->sp->agent->id, f->addr, f->tier, f->now,
			       flags, ns);
	if (tw_event_wanted(TW_EVENT_FAULT)) {
		struct tw_event ev = {
			.time_ns = f->start + ns,
			.page = page,
			.addr = f->addr,
			.latency_ns = min_t(u64, ns, U32_MAX),
			.pid = current->pid,
			.type = TW_EVENT_FAULT,
			.tier = f->tier,
			.to_tier = f->now,
			.flags = flags,
		};

		tw_agent_emit_at(f->sp->agent, &ev, f->mm);
	}
}

static void tw_fault_count(struct tw_fault *f)
{
	/* Begun with tracking off, there is no time it began at. */
	if (static_branch_likely(&tw_tracking_key) && likely(f->start))
		__tw_fault_count(f);
}

/* What a touch tells of the page; its record is locked. */
static void tw_fault_observe(struct tw_fault *f, struct tw_rec *rec,
			     struct page *page)
{
	if (!static_branch_likely(&tw_tracking_key))
		return;
	tw_rec_vote(rec, numa_node_id());
	tw_numa_touch(tw_page_nid(page));
	tw_rec_touch(rec, tw_space_page(f->sp, f->idx), f->now, TW_HEAT_FAULT);
}

static vm_fault_t tw_fault_sigbus(struct tw_fault *f, int err)
{
	if (err == -EINTR)
		return VM_FAULT_SIGBUS;		/* it is being killed */
	tw_count_cpu(sigbus, 1);
	if (err == -ENOMEM || err == -EDQUOT) {
		struct tw_event ev = {
			.page = tw_space_page(f->sp, f->idx),
			.addr = f->addr,
			.pid = current->pid,
			.type = TW_EVENT_LIMIT,
			.tier = f->sp->home,
			.to_tier = f->sp->home,
			.status = err,
		};

		if (tw_event_wanted(TW_EVENT_LIMIT))
			tw_agent_emit_at(f->sp->agent, &ev, f->mm);
		pr_err_ratelimited("no room for page %lu of region %llu touched by %s[%d]: %d\n",
				   f->idx, f->sp->id, current->comm,
				   current->pid, err);
	}
	return VM_FAULT_SIGBUS;
}

/* -- mapping --------------------------------------------------------------- */

/*
 * Extends a run of pages to map from @idx in direction @dir: records locked,
 * pages in @pages. The peek only saves work, the insert looks again; RCU keeps
 * the table for it, should it be taken away just now (see table.h).
 */
static unsigned int tw_around_collect(struct vm_fault *vmf, struct tw_rec *rec,
				      unsigned int max, int dir,
				      struct page **pages)
{
	unsigned int n = 0;
	pmd_t pmd;

	rcu_read_lock();
	pmd = READ_ONCE(*vmf->pmd);
	if (!tw_pmd_is_table(pmd))
		goto out;
	for (n = 0; n < max; n++) {
		long step = (long)(n + 1) * dir;
		unsigned long addr = vmf->address + step * (long)PAGE_SIZE;
		struct tw_rec *near = rec + step;
		unsigned long w = tw_rec_w(near);

		if (tw_w_state(w) != TW_MEM ||
		    !pte_none(READ_ONCE(*pte_offset_kernel(&pmd, addr))) ||
		    !tw_rec_trylock_nested(near))
			break;
		w = tw_rec_w(near);
		if (tw_w_state(w) != TW_MEM || tw_page_bad(tw_w_page(w))) {
			tw_rec_unlock_nested(near);
			break;
		}
		tw_rec_set(near, w | TW_W_PREFAULT);
		pages[dir > 0 ? n : max - 1 - n] = tw_w_page(w);
	}
out:
	rcu_read_unlock();
	return n;
}

static void tw_around_dir(struct vm_fault *vmf, struct tw_rec *rec,
			  unsigned int max, int dir)
{
	struct page *pages[TW_FAULT_AROUND], **first = pages;
	unsigned long addr = vmf->address + PAGE_SIZE, left;
	unsigned int n;

	n = tw_around_collect(vmf, rec, max, dir, pages);
	if (!n)
		return;
	if (dir < 0) {
		first = pages + max - n;
		addr = vmf->address - n * PAGE_SIZE;
	}
	left = n;
	/* A neighbour that somebody else has mapped ends the run: no harm. */
	vm_insert_pages(vmf->vma, addr, first, &left);
	while (n) {
		tw_rec_unlock_nested(rec + (long)n * dir);
		n--;
	}
}

/* Does the scanner take pages to be touched when they are mapped there? */
static bool tw_fault_tells(const struct vm_area_struct *vma)
{
	return READ_ONCE(tw_knobs.mode) & TW_POLICY_UNMAP ||
	       !tw_accessed_tells(vma);
}

/* The faulting page is in memory and mapped: map its neighbours as well. */
static void tw_fault_around(struct vm_fault *vmf, struct tw_rec *rec)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long in_vma = (vmf->address - vma->vm_start) >> PAGE_SHIFT;
	unsigned long behind = (vma->vm_end - vmf->address) >> PAGE_SHIFT;
	unsigned long in_table = pte_index(vmf->address);
	unsigned long pos = vmf->pgoff & (TW_FAULT_AROUND - 1);
	unsigned long before = min3(pos, in_vma, in_table);
	unsigned long after = min3(TW_FAULT_AROUND - 1 - pos, behind - 1,
				   PTRS_PER_PTE - 1 - in_table);

	if (READ_ONCE(tw_scanning) && tw_fault_tells(vma))
		return;		/* being mapped means to have been touched */
	if (after)
		tw_around_dir(vmf, rec, after, 1);
	if (before)
		tw_around_dir(vmf, rec, before, -1);
}

/*
 * Something is in the page's entry: 0 when it is the page, as it is when two
 * have touched it at once; -EAGAIN when the entry is free now. A marker that
 * userfaultfd has left there (writes are tracked) is not a mapping: it goes, and
 * the page counts as written, which is what a touch of it would say. Nothing
 * else comes to a fault; better an error than the same touch for ever.
 */
static int tw_fault_occupied(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	int err = -EAGAIN;
	spinlock_t *ptl;
	pte_t *pte, now;

	pte = tw_table_lock(vma->vm_mm, vmf->pmd, vmf->address, &ptl);
	if (!pte)
		return -EAGAIN;
	now = READ_ONCE(*pte);
	if (pte_present(now))
		err = 0;
	else if (tw_pte_is_marker(now))
		pte_clear(vma->vm_mm, vmf->address, pte);
	else if (!pte_none(now))
		err = -EFAULT;
	tw_table_unlock(ptl);
	return err;
}

/*
 * Maps the page whose record is locked. Its table may be taken away each time
 * just before the entry is set, which the kernel calls -ENOMEM as well.
 */
static int tw_fault_insert(struct vm_fault *vmf, struct page *page)
{
	unsigned int try;
	int err;

	for (try = 0; try < TW_INSERT_TRIES; try++) {
		err = vm_insert_page(vmf->vma, vmf->address, page);
		if (err == -EBUSY)
			err = tw_fault_occupied(vmf);
		if (err != -EAGAIN && err != -ENOMEM)
			break;
	}
	return err;
}

/* Locked record with a page: map it. 0 or a VM_FAULT code. */
static vm_fault_t tw_fault_map(struct vm_fault *vmf, struct tw_fault *f,
			       struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);
	struct page *page = tw_w_page(w);
	int err;

	if (unlikely(tw_page_bad(page))) {
		tw_count_cpu(sigbus, 1);
		return VM_FAULT_HWPOISON;
	}
	err = tw_fault_insert(vmf, page);
	if (err)
		return tw_fault_sigbus(f, err);
	w &= ~TW_W_PREFAULT;
	if (tw_w_state(w) == TW_WRITING)
		w = (w & ~TW_W_STATE_MASK) |
		    (unsigned long)TW_CANCELLED << TW_W_STATE_SHIFT;
	if (w != tw_rec_w(rec))
		tw_rec_set(rec, w);
	f->now = tw_w_tier(w);
	tw_fault_observe(f, rec, page);
	if (!f->first && tw_w_state(w) == TW_MEM)
		tw_fault_around(vmf, rec);
	return 0;
}

/* -- bringing in ----------------------------------------------------------- */

/* A locked NONE record gets its first page. */
static void tw_fault_install(struct tw_fault *f, struct tw_rec *rec,
			     struct page *page, int tier)
{
	VM_WARN_ON_ONCE(READ_ONCE(f->sp->dead));
	tw_page_attach(f->sp, f->idx, page);
	tw_rec_set(rec, tw_w_mem(tier, page));
	tw_chunk_mem_add(f->c, 1);
	tw_pages_add(f->sp, tier, 1);
	f->first = true;
	f->tier = tier;
}

/* A page by the means of try number @try; NULL when that was not enough. */
static struct page *tw_fault_page(struct tw_fault *f, unsigned int try,
				  gfp_t zero, int *tier)
{
	unsigned int over = TW_OVER_LIMIT |
			    (f->sp->reserves ? TW_OVER_RESERVED :
			     zero ? TW_OVER_FIRST : TW_OVER_BACK);
	struct mem_cgroup *own;
	struct page *page;

	if (try < TW_ROOM_TRIES)
		return tw_page_get(f->sp, f->sp->memcg, TW_GFP_TRY | zero,
				   TW_OVER_LIMIT, tier);
	page = tw_page_get(f->sp, f->sp->memcg, TW_GFP_HARD | zero, over, tier);
	if (page)
		return page;
	own = get_mem_cgroup_from_mm(current->mm);
	page = tw_page_get(f->sp, own, TW_GFP_HARD | zero, over, tier);
	mem_cgroup_put(own);
	return page;
}

/* Can the page be had, but for the charge to the region's memcg? */
static bool tw_only_memcg_full(struct tw_fault *f)
{
	int tier;
	struct page *page = tw_page_get(f->sp, NULL,
					TW_GFP_TRY & ~__GFP_ACCOUNT,
					TW_OVER_LIMIT, &tier);

	if (page)
		tw_page_unget(page, tier);
	return page;
}

/* A memory tier that is being unbound takes nothing, and may stay for all that. */
static bool tw_memory_leaving(void)
{
	return READ_ONCE(tw_tiers[TW_TIER_GPU].state) == TW_TIER_LEAVING ||
	       READ_ONCE(tw_tiers[TW_TIER_CPU].state) == TW_TIER_LEAVING;
}

/*
 * Is it worth while to try again, since the page's room is reserved? What takes
 * it now are copies and moves under way, which end, or faults of others that were
 * quicker. So as long as pages leave memory, and for a while when none do.
 */
static bool tw_wait_promised(struct tw_fault *f)
{
	unsigned long seen = f->seen;

	if (!f->sp->reserves)
		return false;
	tw_demote(NULL, TW_TIER_NONE, TW_ROOM_PAGES);
	f->seen = tw_moves_out_seen();
	f->waits = f->seen == seen ? f->waits + 1 : 0;
	return f->waits < TW_PROMISE_WAITS;
}

/* With nothing locked: demote, so that the next try finds room. */
static int tw_make_room(struct tw_fault *f, unsigned int *try)
{
	unsigned long seen = tw_moves_out_seen();
	int tier = f->sp->home;
	bool full;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (*try >= TW_ROOM_TRIES) {
		if (!tw_memory_leaving() && !tw_wait_promised(f))
			return -ENOMEM;
		/* It may stay after all. */
		schedule_timeout_killable(HZ / 50 + 1);
		return 0;
	}
	full = !tw_only_memcg_full(f);
	if (full && !*try) {
		tw_demote_stalled();
		tw_tier_stall(&tw_tiers[tier]);
	}
	/*
	 * When memory is short: first pages of agents and groups that are
	 * beyond their limits, then the coldest of all. When only the region's
	 * memcg is short: its own pages.
	 */
	if ((full && tw_demote_limits(TW_ROOM_PAGES)) ||
	    (full && tw_demote(NULL, TW_TIER_NONE, TW_ROOM_PAGES)) ||
	    tw_demote(f->sp, TW_TIER_NONE, TW_ROOM_PAGES) ||
	    tw_moves_out_wait(seen))	/* somebody else's demotion */
		*try += 1;
	else
		*try = TW_ROOM_TRIES;
	return 0;
}

/*
 * One step on the locked record: 0 in memory now, -EAGAIN room is needed, -ENOSPC
 * there is none but what is reserved for others, -EDQUOT none for this user, -EINTR
 * killed, and the record is no longer ours to unlock.
 */
static int __tw_bring_in_locked(struct tw_fault *f, struct tw_rec *rec,
				unsigned int try)
{
	unsigned long w = tw_rec_w(rec);
	enum tw_state s = tw_w_state(w);
	struct page *page;
	int tier, err;

	if (tw_w_resident(w)) {
		f->tier = tw_w_tier(w);
		f->now = f->tier;
		return 0;
	}
	if (s == TW_POISON)
		return -EIO;
	if (s == TW_NONE) {
		err = tw_space_take(f->sp);
		if (err)
			return err;
	}
	page = tw_fault_page(f, try, s == TW_NONE ? __GFP_ZERO : 0, &tier);
	if (!page) {
		if (s == TW_NONE)
			tw_space_give(f->sp);
		return -EAGAIN;
	}
	f->now = tier;
	if (s == TW_NONE) {
		tw_fault_install(f, rec, page, tier);
		return 0;
	}
	f->major = true;
	f->tier = tw_w_tier(w);
	err = tw_read_in(f->sp, f->idx, rec, page, tier);
	return err && err != -EINTR ? -EIO : err;
}

static int tw_bring_in_locked(struct tw_fault *f, struct tw_rec *rec,
			      unsigned int try)
{
	int frames = tw_frames_enter();
	int err = __tw_bring_in_locked(f, rec, try);

	tw_frames_leave(frames);
	return err;
}

/*
 * Brings the page to memory, sleeping as it must. 0 with the record locked
 * when @keep_locked, or a negative errno with it unlocked.
 */
static int tw_bring_in(struct tw_fault *f, bool keep_locked)
{
	unsigned int try = 0;
	struct tw_rec *rec;
	int err;

	for (;;) {
		f->c = tw_chunk_make(f->sp, f->idx, try >= TW_ROOM_TRIES ?
				     TW_GFP_CHUNK_HARD : TW_GFP_CHUNK);
		err = PTR_ERR_OR_ZERO(f->c);
		if (err == -ENOMEM)
			goto room;
		if (err)
			return err;
		rec = tw_chunk_rec(f->c, f->idx);
		err = tw_rec_lock_killable(rec);
		if (err)
			return err;
		err = tw_bring_in_locked(f, rec, try);
		if (err == -EINTR || (!err && keep_locked))
			return err;
		tw_rec_unlock(rec);
		if (err == -ENOSPC)
			try = TW_ROOM_TRIES;	/* demoting makes none */
		else if (err != -EAGAIN)
			return err;
room:
		err = tw_make_room(f, &try);
		if (err)
			return err;
	}
}

/* -- the fault --------------------------------------------------------------- */

/*
 * The page could not be brought in, and mmap_lock is not held. A retry would
 * only fail again, and some callers (populate) never say that theirs is one and
 * would go on for ever, so this attempt ends the fault. An error means that
 * mmap_lock is held and that the caller's @vma is still there: if it is not,
 * what was touched is no longer what failed, and the retry finds out anew.
 */
static vm_fault_t tw_fault_failed(struct mm_struct *mm,
				  struct vm_area_struct *vma, struct file *file,
				  struct tw_fault *f, int err)
{
	if (err == -EINTR || mmap_read_lock_killable(mm))
		return VM_FAULT_RETRY;	/* it is being killed */
	if (find_vma(mm, f->addr) == vma && vma->vm_start <= f->addr &&
	    vma->vm_file == file)
		return tw_fault_sigbus(f, err);
	mmap_read_unlock(mm);
	return VM_FAULT_RETRY;
}

/* Without mmap_lock; when the page has come, the retry maps it. */
static vm_fault_t tw_fault_unlocked(struct vm_fault *vmf, struct tw_fault *f)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	/*
	 * The file, not only the region: while it lives nothing is torn down,
	 * and it holds the module.
	 */
	struct file *file = get_file(vma->vm_file);
	vm_fault_t ret = VM_FAULT_RETRY;
	int err;

	mmap_read_unlock(mm);
	err = tw_bring_in(f, false);
	if (err)
		ret = tw_fault_failed(mm, vma, file, f, err);
	else
		tw_fault_count(f);
	fput(file);
	return ret;
}

static vm_fault_t tw_fault_slow(struct vm_fault *vmf, struct tw_fault *f)
{
	struct tw_rec *rec;
	vm_fault_t ret;
	int err;

	if (fault_flag_allow_retry_first(vmf->flags)) {
		if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
			return VM_FAULT_RETRY;
		return tw_fault_unlocked(vmf, f);
	}
	err = tw_bring_in(f, true);
	if (err)
		return tw_fault_sigbus(f, err);
	rec = tw_chunk_rec(f->c, f->idx);
	ret = tw_fault_map(vmf, f, rec);
	tw_rec_unlock(rec);
	if (ret)
		return ret;
	if (f->major || f->first || !(vmf->flags & FAULT_FLAG_TRIED))
		tw_fault_count(f);
	return VM_FAULT_NOPAGE | (f->major ? VM_FAULT_MAJOR : 0);
}

/* Room and a page for a first touch, if both are at hand. */
static struct page *tw_fault_first(struct tw_fault *f, int *tier)
{
	struct page *page;

	if (tw_space_take(f->sp))
		return NULL;
	page = tw_page_get(f->sp, f->sp->memcg, TW_GFP_TRY | __GFP_ZERO,
			   TW_OVER_LIMIT, tier);
	if (!page)
		tw_space_give(f->sp);
	return page;
}

/* Locked record: 0 mapped, VM_FAULT_FALLBACK for the slow path, or an error. */
static vm_fault_t tw_fault_fast(struct vm_fault *vmf, struct tw_fault *f,
				struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);
	enum tw_state s = tw_w_state(w);
	struct page *page;
	int tier;

	if (likely(tw_w_resident(w))) {
		f->tier = tw_w_tier(w);
		return tw_fault_map(vmf, f, rec);
	}
	if (s == TW_NONE) {
		int frames = tw_frames_enter();

		page = tw_fault_first(f, &tier);
		if (page)
			tw_fault_install(f, rec, page, tier);
		tw_frames_leave(frames);
		if (!page)
			return VM_FAULT_FALLBACK;
		return tw_fault_map(vmf, f, rec);
	}
	if (s == TW_POISON)
		return tw_fault_sigbus(f, -EIO);
	return VM_FAULT_FALLBACK;
}

/*
 * A core dump asks for each page of a mapping. One that was never touched is as
 * good as a hole in the file, which an error makes of it, and takes no memory.
 */
static bool tw_fault_is_hole(struct tw_space *sp, unsigned long idx)
{
	struct tw_rec *rec;

	if (likely(!(current->flags & PF_DUMPCORE)))
		return false;
	rec = tw_rec_find(sp, idx);
	return !rec || tw_w_state(tw_rec_w(rec)) == TW_NONE;
}

vm_fault_t tw_region_fault(struct vm_fault *vmf)
{
	struct tw_region *r = vmf->vma->vm_file->private_data;
	struct tw_space *sp = &r->space;
	struct tw_fault f = {
		.sp = sp,
		.idx = vmf->pgoff,
		.addr = vmf->address,
		.mm = vmf->vma->vm_mm,
		.write = vmf->flags & FAULT_FLAG_WRITE,
		.start = tw_fault_clock(),
	};
	struct tw_rec *rec;
	vm_fault_t ret;

	if (unlikely(f.idx >= sp->nr_pages || tw_fault_is_hole(sp, f.idx)))
		return VM_FAULT_SIGBUS;
	f.c = tw_chunk_make(sp, f.idx, TW_GFP_CHUNK);
	if (IS_ERR(f.c) && PTR_ERR(f.c) != -ENOMEM)
		return tw_fault_sigbus(&f, PTR_ERR(f.c));
	if (IS_ERR(f.c))
		return tw_fault_slow(vmf, &f);
	rec = tw_chunk_rec(f.c, f.idx);
	if (!tw_rec_trylock(rec))
		return tw_fault_slow(vmf, &f);
	ret = tw_fault_fast(vmf, &f, rec);
	tw_rec_unlock(rec);
	if (ret == VM_FAULT_FALLBACK)
		return tw_fault_slow(vmf, &f);
	if (ret)
		return ret;
	/* A retry that finds the page there has been counted when it came. */
	if (f.first || !(vmf->flags & FAULT_FLAG_TRIED))
		tw_fault_count(&f);
	return VM_FAULT_NOPAGE;
}
