// SPDX-License-Identifier: GPL-2.0
/*
 * stream_file.c - streams: their fds, mappings and memory
 *
 * Owns the streams and their rings, also those for CPUs that come up later.
 * stream.c decides which events a stream gets.
 *
 * Locks. tw_rings_mutex guards tw_streams_all and which rings of its streams have
 * memory. Memory is allocated under it, and the callback for a CPU that comes up
 * takes it. It and tw_stream_mutex (stream.c) are never held together.
 *
 * The pages of a stream live until its file is released, which is after its
 * last mapping.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/vmalloc.h>

#include "base/compat.h"
#include "base/stats.h"
#include "base/user.h"
#include "base/usercopy.h"
#include "base/viewer.h"
#include "events/stream.h"
#include "events/stream_file.h"
#include "events/stream_ring.h"

#define TW_CTL_PGOFF	((pgoff_t)(TW_STREAM_CTL_OFFSET >> PAGE_SHIFT))

/* An allocation of rings fails rather than call the OOM killer. */
#define TW_RING_GFP	(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | \
			 __GFP_RETRY_MAYFAIL)

static LIST_HEAD(tw_streams_all);
static DEFINE_MUTEX(tw_rings_mutex);
static int tw_cpuhp_state;

/* -- memory --------------------------------------------------------------- */

static unsigned long tw_stream_ring_stride(struct tw_stream *s)
{
	return (1 + s->slot_pages) << PAGE_SHIFT;
}

static u64 tw_stream_map_size(struct tw_stream *s)
{
	/* The control page lies behind the largest mapping there can be. */
	BUILD_BUG_ON(PAGE_SIZE + CONFIG_NR_CPUS *
		     (2 * PAGE_SIZE + TW_STREAM_MAX_EVENTS *
		      sizeof(struct tw_event)) > TW_STREAM_CTL_OFFSET);
	return PAGE_SIZE + (u64)nr_cpu_ids * tw_stream_ring_stride(s);
}

static struct tw_ring_header *tw_stream_ring_header(struct tw_stream *s, int cpu)
{
	return s->base + ((1 + (unsigned long)cpu) << PAGE_SHIFT);
}

/* Allocates and maps @n zeroed pages near node @nid, to be freed by vfree(). */
static void *tw_pages_map(unsigned long n, int nid)
{
	struct page **pages;
	unsigned long i;
	void *p;

	pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	for (i = 0; i < n; i++) {
		cond_resched();
		if (fatal_signal_pending(current))
			goto err_free;
		pages[i] = alloc_pages_node(nid, TW_RING_GFP, 0);
		if (!pages[i])
			goto err_free;
	}
	p = vmap(pages, n, VM_MAP | VM_MAP_PUT_PAGES, PAGE_KERNEL);
	if (!p)
		goto err_free;
	return p;

err_free:
	while (i--)
		__free_page(pages[i]);
	kvfree(pages);
	return NULL;
}

/*
 * The same, charged to the stream's owner, with the address stored in *@to. Returns
 * 0, -EDQUOT or -ENOMEM.
 */
static int tw_stream_alloc_pages(struct tw_stream *s, void **to,
				 unsigned long n, int nid)
{
	unsigned long bytes = n << PAGE_SHIFT;
	struct mem_cgroup *old;
	void *p;
	int err;

	err = tw_user_charge(s->user, TW_USER_RING_BYTES, bytes);
	if (err)
		return err;

	old = set_active_memcg(mem_cgroup_from_css(s->memcg));
	p = tw_pages_map(n, nid);
	set_active_memcg(old);
	if (!p) {
		tw_user_uncharge(s->user, TW_USER_RING_BYTES, bytes);
		return -ENOMEM;
	}

	s->bytes += bytes;
	tw_global_add(stream_bytes, bytes);
	/* Pairs with the acquire in tw_stream_page(). */
	smp_store_release(to, p);
	return 0;
}

/* Gives @cpu a ring, if it has none. Returns 0, -EDQUOT or -ENOMEM. */
static int tw_stream_ring_up(struct tw_stream *s, int cpu)
{
	struct tw_ring *r = per_cpu_ptr(s->rings, cpu);
	int err;

	if (r->slots)
		return 0;
	err = tw_stream_alloc_pages(s, (void **)&r->slots, s->slot_pages,
				    cpu_to_mem(cpu));
	if (err)
		return err;
	/* A publisher that sees the ring online finds its slots. */
	smp_store_release(&r->header->online, 1);
	return 0;
}

static int tw_stream_rings_up(struct tw_stream *s)
{
	int cpu, err;

	for_each_online_cpu(cpu) {
		err = tw_stream_ring_up(s, cpu);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Gives rings to the CPUs that are online and has later ones get theirs by
 * tw_stream_cpu_online(). The first pass does nearly all the work without the lock,
 * since no other task knows the stream yet. The second pass finds only CPUs that
 * have come up since; a CPU is marked online before its callback runs.
 */
static int tw_stream_add(struct tw_stream *s)
{
	int err;

	err = tw_stream_rings_up(s);
	if (err)
		return err;
	mutex_lock(&tw_rings_mutex);
	err = tw_stream_rings_up(s);
	if (!err)
		list_add(&s->all, &tw_streams_all);
	mutex_unlock(&tw_rings_mutex);
	return err;
}

static void tw_stream_del(struct tw_stream *s)
{
	mutex_lock(&tw_rings_mutex);
	list_del(&s->all);
	mutex_unlock(&tw_rings_mutex);
}

/* Called when a CPU has come up. A stream without memory for its ring has none there. */
static int tw_stream_cpu_online(unsigned int cpu)
{
	struct tw_stream *s;

	mutex_lock(&tw_rings_mutex);
	list_for_each_entry(s, &tw_streams_all, all) {
		if (tw_stream_ring_up(s, cpu))
			pr_warn_ratelimited("no memory for a stream's ring of CPU %u\n",
					    cpu);
	}
	mutex_unlock(&tw_rings_mutex);
	return 0;
}

static void tw_stream_free(struct tw_stream *s)
{
	int cpu;

	for_each_possible_cpu(cpu)
		vfree(per_cpu_ptr(s->rings, cpu)->slots);
	vfree(s->base);
	tw_global_add(stream_bytes, -(long)s->bytes);
	tw_user_uncharge(s->user, TW_USER_RING_BYTES, s->bytes);
	tw_user_uncharge(s->user, TW_USER_STREAMS, 1);
	tw_user_put(s->user);
	css_put(s->memcg);
	tw_viewer_put(&s->owner);
	free_percpu(s->rings);
	kfree(s);
}

static void tw_stream_fill_headers(struct tw_stream *s)
{
	struct tw_stream_header *h = s->base;
	int cpu;

	h->version = TW_STREAM_VERSION;
	h->compat_version = TW_STREAM_VERSION;
	h->size = tw_stream_map_size(s);
	h->nr_rings = nr_cpu_ids;
	h->events = s->events;
	h->ring_offset = PAGE_SIZE;
	h->event_offset = PAGE_SIZE;
	h->ring_stride = tw_stream_ring_stride(s);
	h->event_size = sizeof(struct tw_event);

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		tw_stream_ring_header(s, cpu)->cpu = cpu;
	for_each_possible_cpu(cpu) {
		struct tw_ring *r = per_cpu_ptr(s->rings, cpu);

		r->mask = s->events - 1;
		r->wake_at = U64_MAX;
		r->header = tw_stream_ring_header(s, cpu);
	}
	s->ctl = s->base + ((1 + (unsigned long)nr_cpu_ids) << PAGE_SHIFT);
}

static struct tw_stream *tw_stream_alloc(u64 mask, u32 events)
{
	struct tw_stream *s;
	int err = -ENOMEM;

	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->mask = mask;
	s->events = events;
	s->slot_pages = PAGE_ALIGN(events * sizeof(struct tw_event)) >> PAGE_SHIFT;
	init_waitqueue_head(&s->wait);
	init_irq_work(&s->wake, tw_stream_wake);

	s->rings = alloc_percpu_gfp(struct tw_ring, GFP_KERNEL_ACCOUNT);
	if (!s->rings)
		goto err_free;
	s->user = tw_user_get_current();
	if (!s->user)
		goto err_rings;
	err = tw_user_charge(s->user, TW_USER_STREAMS, 1);
	if (err)
		goto err_user;

	s->memcg = task_get_css(current, memory_cgrp_id);
	err = tw_stream_alloc_pages(s, &s->base, nr_cpu_ids + 2, numa_mem_id());
	if (err)
		goto err_uncharge;
	tw_stream_fill_headers(s);
	tw_viewer_get(&s->owner);
	return s;

err_uncharge:
	css_put(s->memcg);
	tw_user_uncharge(s->user, TW_USER_STREAMS, 1);
err_user:
	tw_user_put(s->user);
err_rings:
	free_percpu(s->rings);
err_free:
	kfree(s);
	return ERR_PTR(err);
}

/* -- mapping -------------------------------------------------------------- */

/* Returns the page at an offset of the fd, or NULL if there is none. */
static struct page *tw_stream_page(struct tw_stream *s, pgoff_t pgoff)
{
	unsigned long ring_pages = 1 + s->slot_pages;
	unsigned long cpu, i;
	void *slots;

	if (pgoff == TW_CTL_PGOFF)
		return vmalloc_to_page(s->ctl);
	if (!pgoff)
		return vmalloc_to_page(s->base);

	cpu = (pgoff - 1) / ring_pages;
	i = (pgoff - 1) % ring_pages;
	if (cpu >= nr_cpu_ids)
		return NULL;
	if (!i)
		return vmalloc_to_page(tw_stream_ring_header(s, cpu));
	if (!cpu_possible(cpu))
		return NULL;
	/* Pairs with the release in tw_stream_alloc_pages(). */
	slots = smp_load_acquire(&per_cpu_ptr(s->rings, cpu)->slots);
	if (!slots)
		return NULL;
	return vmalloc_to_page(slots + ((i - 1) << PAGE_SHIFT));
}

static vm_fault_t tw_stream_vm_fault(struct vm_fault *vmf)
{
	struct tw_stream *s = vmf->vma->vm_file->private_data;
	struct page *page = tw_stream_page(s, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct tw_stream_vm_ops = {
	.fault = tw_stream_vm_fault,
};

static int tw_stream_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tw_stream *s = file->private_data;
	unsigned long pages = tw_stream_map_size(s) >> PAGE_SHIFT;

	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	if (vma->vm_pgoff == TW_CTL_PGOFF) {
		if (!(vma->vm_flags & VM_SHARED) || vma_pages(vma) != 1)
			return -EINVAL;
	} else {
		if (vma->vm_pgoff >= pages ||
		    vma_pages(vma) > pages - vma->vm_pgoff)
			return -EINVAL;
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	vm_flags_clear(vma, VM_MAYEXEC);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &tw_stream_vm_ops;
	return 0;
}

/* -- fd ------------------------------------------------------------------- */

static u64 tw_stream_head(struct tw_stream *s, int cpu)
{
	return READ_ONCE(tw_stream_ring_header(s, cpu)->head);
}

/*
 * The head at which the reader wants to be woken. The reader writes the cursor and
 * cannot be trusted; a cursor ahead of the head counts as being at the head.
 */
static u64 tw_stream_want(struct tw_stream *s, int cpu, u32 watermark)
{
	u64 cursor = READ_ONCE(s->ctl->cursor[cpu]);

	return min(cursor, tw_stream_head(s, cpu)) + watermark;
}

static bool tw_stream_ready(struct tw_stream *s, int nr, u32 watermark)
{
	int cpu;

	for (cpu = 0; cpu < nr; cpu++) {
		if (tw_stream_head(s, cpu) >= tw_stream_want(s, cpu, watermark))
			return true;
	}
	return false;
}

/*
 * Has each ring wake the reader at the wanted head, or a watermark later if the ring
 * is there already.
 */
static void tw_stream_arm(struct tw_stream *s, int nr, u32 watermark)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		u64 head = tw_stream_head(s, cpu);
		u64 want;

		if (cpu >= nr)
			break;
		want = tw_stream_want(s, cpu, watermark);
		if (want <= head)
			want = head + watermark;
		tw_ring_arm(per_cpu_ptr(s->rings, cpu), want);
	}
}

static __poll_t tw_stream_poll(struct file *file, poll_table *wait)
{
	struct tw_stream *s = file->private_data;
	u32 watermark = max(READ_ONCE(s->ctl->watermark), 1U);
	int nr = min_t(int, nr_cpu_ids, TW_STREAM_CTL_CURSORS);
	bool ready;

	poll_wait(file, &s->wait, wait);

	ready = tw_stream_ready(s, nr, watermark);
	/*
	 * A ready reader does not sleep and calls poll() again, so its rings need
	 * not be armed. But epoll, when edge triggered, does not ask again before
	 * it has been woken.
	 */
	if (!ready || tw_poll_returns(wait)) {
		tw_stream_arm(s, nr, watermark);
		/* Writes wake_at, then reads head. Pairs with tw_ring_publish(). */
		smp_mb();
		ready = tw_stream_ready(s, nr, watermark);
	}
	return (ready ? EPOLLIN | EPOLLRDNORM : 0) |
	       (READ_ONCE(s->ended) ? EPOLLHUP : 0);
}

static int tw_stream_get_info(struct tw_stream *s, void __user *to)
{
	struct tw_stream_info arg;
	int err;

	err = tw_copy_in(&arg, sizeof(arg), TW_STREAM_INFO_SIZE_VER0, to);
	if (err)
		return err;
	if (arg.flags)
		return -EINVAL;

	arg.mask = s->mask;
	arg.map_size = tw_stream_map_size(s);
	arg.events = s->events;
	arg.nr_rings = nr_cpu_ids;
	return tw_copy_out(to, &arg, sizeof(arg));
}

static long tw_stream_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	switch (cmd) {
	case TW_IOC_STREAM_INFO:
		return tw_stream_get_info(file->private_data,
					  (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

/* Ends and frees a stream that has been made to listen. */
static void tw_stream_destroy(struct tw_stream *s)
{
	tw_stream_unlisten(s);
	tw_stream_del(s);
	irq_work_sync(&s->wake);
	tw_global_add(streams, -1);
	tw_stream_free(s);
}

static int tw_stream_release(struct inode *inode, struct file *file)
{
	tw_stream_destroy(file->private_data);
	return 0;
}

static const struct file_operations tw_stream_fops = {
	.owner		= THIS_MODULE,
	.release	= tw_stream_release,
	.mmap		= tw_stream_mmap,
	.poll		= tw_stream_poll,
	.unlocked_ioctl	= tw_stream_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/**
 * tw_stream_arg_ok - check the argument of TW_IOC_STREAM_CREATE
 * @arg: the ioctl's argument
 *
 * Return: false if the call is to fail with -EINVAL.
 */
bool tw_stream_arg_ok(const struct tw_stream_create *arg)
{
	return !arg->flags && !arg->reserved && arg->mask &&
	       !(arg->mask & ~TW_EVENT_ALL) && is_power_of_2(arg->events) &&
	       arg->events >= TW_STREAM_MIN_EVENTS &&
	       arg->events <= TW_STREAM_MAX_EVENTS;
}

/**
 * tw_stream_create - TW_IOC_STREAM_CREATE
 * @arg: the ioctl's argument, which tw_stream_arg_ok() has accepted; ->map_size is
 *	set, ->fd is left to the caller
 * @a: audience to join, which the caller keeps alive meanwhile; NULL to get the
 *	events of all agents and tiers
 *
 * May sleep.
 *
 * Return: a file that is the stream, or ERR_PTR: -EDQUOT, -ENOMEM, -ENFILE.
 */
struct file *tw_stream_create(struct tw_stream_create *arg,
			      struct tw_audience *a)
{
	struct tw_stream *s;
	struct file *file;
	int err;

	s = tw_stream_alloc(arg->mask, arg->events);
	if (IS_ERR(s))
		return ERR_CAST(s);
	err = tw_stream_add(s);
	if (err) {
		tw_stream_free(s);
		return ERR_PTR(err);
	}
	tw_stream_listen(s, a);
	tw_global_add(streams, 1);

	arg->map_size = tw_stream_map_size(s);
	file = tw_anon_file("[tierwatch-stream]", &tw_stream_fops, s);
	if (IS_ERR(file))
		tw_stream_destroy(s);
	return file;
}

/**
 * tw_streams_init - begin to watch for CPUs that come up
 *
 * Return: 0 or -errno.
 */
int tw_streams_init(void)
{
	int state;

	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN,
					  "tierwatch:online",
					  tw_stream_cpu_online, NULL);
	if (state < 0)
		return state;
	tw_cpuhp_state = state;
	return 0;
}

/**
 * tw_streams_exit - stop that at unload; streams hold the module, so none is left
 */
void tw_streams_exit(void)
{
	WARN_ON(!list_empty(&tw_streams_all));
	static_key_deferred_flush(&tw_streams_key);
	cpuhp_remove_state_nocalls(tw_cpuhp_state);
}
