// SPDX-License-Identifier: GPL-2.0
/*
 * fault.c - a touch of a managed page
 *
 * Owns the handler of faults, which the kernel calls with mmap_lock held for
 * reading, and whether faults are tracked (parameter track_faults).
 * Mapping is in fault_map.c, what has to be brought to memory in bring_in.c.
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
 * Never VM_FAULT_OOM, which would be retried for ever: what bring_in.c cannot find
 * room for is SIGBUS.
 *
 * Locks: the record's bit, within mmap_lock; see record.h.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/file.h>
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/timekeeping.h>

#include "agents/agent.h"
#include "base/clock.h"
#include "base/stats.h"
#include "doors/bring_in.h"
#include "doors/fault.h"
#include "doors/fault_map.h"
#include "events/stream.h"
#include "events/trace.h"
#include "moving/readin.h"
#include "pages/frame.h"
#include "pages/heat.h"
#include "pages/huge.h"
#include "pages/record.h"
#include "pages/region.h"
#include "tiers/nodes.h"

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
	return tw_clock();
}

/* Not inline, since most faults are counted without a listener and need no event. */
static noinline void tw_fault_publish(const struct tw_fault *f, u64 page, u32 flags,
				      u64 ns)
{
	struct tw_event ev = {
		.time_ns = ktime_get_mono_fast_ns(),
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

/* Counts the fault for its tier and for the space's agent. */
static void tw_fault_add(const struct tw_fault *f, u64 ns)
{
	struct tw_stats_counters *c;
	u64 *kind;

	/* The counters by kind are an array: minor, major, each for reads and writes. */
	BUILD_BUG_ON(offsetof(struct tw_stats_counters, major_write) !=
		     offsetof(struct tw_stats_counters, minor_read) + 3 * sizeof(u64));

	preempt_disable();
	c = &__this_cpu_read(tw_stats_cpu_ptr)->tier[f->tier];
	kind = &c->minor_read + 2 * f->major + f->write;
	WRITE_ONCE(*kind, *kind + 1);
	if (f->first)
		WRITE_ONCE(c->first, c->first + 1);
	WRITE_ONCE(c->fault_ns, c->fault_ns + ns);
	if (f->major)
		tw_latency_count(TW_LATENCY_WAIT(f->tier), ns);
	tw_agent_fault(this_cpu_ptr(f->sp->agent->cpu), f->tier, f->major, ns);
	preempt_enable();
}

static void __tw_fault_count(struct tw_fault *f)
{
	u64 ns = tw_clock_since(f->start);
	u64 page = tw_space_page(f->sp, f->idx);
	u32 flags = (f->write ? TW_FAULT_WRITE : 0) |
		    (f->major ? TW_FAULT_MAJOR : 0) |
		    (f->first ? TW_FAULT_FIRST : 0);

	tw_fault_add(f, ns);
	trace_tier_watch_fault(page, f->sp->agent->id, f->addr, f->tier, f->now,
			       flags, ns);
	if (tw_event_wanted(TW_EVENT_FAULT))
		tw_fault_publish(f, page, flags, ns);
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
	/* The page may be unmapped again before a scan has seen its table. */
	tw_chunk_changed(f->c);
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
 * Hands the page to the kernel, locked, which maps it when the handler has returned, and
 * with it all of a folio that is whole. Such a page cannot be inserted under the record's
 * lock. What takes it out of its mappings afterwards has to wait for the page lock.
 */
static void tw_fault_hand(struct vm_fault *vmf, struct tw_fault *f, unsigned long w)
{
	struct page *page = tw_w_page(w);

	if (tw_w_huge(w))
		tw_huge_check_bad(f->c);
	SetPageDirty(page);	/* see huge.h; before the kernel may look */
	get_page(page);
	lock_page(page);
	vmf->page = page;
	f->locked = true;
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
	if (f->sp->huge) {
		tw_fault_hand(vmf, f, w);
	} else {
		err = tw_fault_insert(vmf, page);
		if (err)
			return tw_fault_sigbus(f, err);
	}
	w &= ~TW_W_PREFAULT;
	if (tw_w_state(w) == TW_WRITING)
		w = (w & ~TW_W_STATE_MASK) |
		    (unsigned long)TW_CANCELLED << TW_W_STATE_SHIFT;
	if (w != tw_rec_w(rec))
		tw_rec_set(rec, w);
	f->now = tw_w_tier(w);
	tw_fault_observe(f, rec, page);
	if (!f->first && !f->locked && tw_w_state(w) == TW_MEM)
		tw_fault_around(vmf, rec);
	return 0;
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

static vm_fault_t tw_fault_done(const struct tw_fault *f)
{
	return f->locked ? VM_FAULT_LOCKED : VM_FAULT_NOPAGE;
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
	return tw_fault_done(f) | (f->major ? VM_FAULT_MAJOR : 0);
}

/* Locked record: 0 mapped, VM_FAULT_FALLBACK for the slow path, or an error. */
static vm_fault_t tw_fault_fast(struct vm_fault *vmf, struct tw_fault *f,
				struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);
	enum tw_state s = tw_w_state(w);

	if (likely(tw_w_resident(w))) {
		if (unlikely(tw_huge_left_behind(f->c, w)))
			return VM_FAULT_FALLBACK;
		if (!f->first)
			f->tier = tw_w_tier(w);
		return tw_fault_map(vmf, f, rec);
	}
	if (s == TW_NONE)
		return tw_fault_first(f, rec) ? tw_fault_map(vmf, f, rec) :
		       VM_FAULT_FALLBACK;
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

/* Could the mapping have all of the page's chunk in one entry? */
static bool tw_fault_fills(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long at = vmf->address & PMD_MASK;

	return at >= vma->vm_start && at + PMD_SIZE <= vma->vm_end &&
	       !((vmf->pgoff ^ (vmf->address >> PAGE_SHIFT)) & (TW_CHUNK_PAGES - 1));
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
	if (unlikely(sp->huge) && tw_fault_fills(vmf))
		f.first = tw_huge_make(sp, f.c, &f.tier);
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
	tw_read_ahead(sp, f.c, f.idx);
	return tw_fault_done(&f);
}
