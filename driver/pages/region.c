// SPDX-License-Identifier: GPL-2.0
/*
 * region.c - regions: their fd, mapping, lookup, end
 *
 * Owns the pseudo filesystem whose inodes the regions' mappings hang on, and
 * the table of regions by number, an xarray read under RCU.
 *
 * The filesystem is mounted while somebody has a use for it: a device file that
 * has made a region, a region, and whatever the kernel hangs on the mount. Its
 * superblock references the module, from before the first of them until after
 * the last has let go. So an open path that no file of ours stands behind
 * (O_PATH, a look at /proc/PID/fd) keeps the module as a region's file does, and
 * the last mntput() finds our code.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cred.h>
#include <linux/falloc.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "agents/agent.h"
#include "base/compat.h"
#include "base/stats.h"
#include "base/tw.h"
#include "base/user.h"
#include "doors/chardev.h"
#include "moving/queue.h"
#include "pages/group.h"
#include "pages/region.h"
#include "pages/region_id.h"
#include "pages/seal.h"
#include "policy/reclaim.h"
#include "tiers/tier.h"

#define TW_FS_MAGIC	0x54575243	/* "TWRC" */

/* Regions with more chunks than this are torn down in a work item. */
#define TW_TEARDOWN_INLINE	8

static struct file_system_type tw_fs_type;
static struct vfsmount *tw_mnt;		/* by simple_pin_fs(), as is its count */
static int tw_mnt_users;
static struct workqueue_struct *tw_teardown_wq;
static struct workqueue_struct *tw_umount_wq;
static DEFINE_XARRAY(tw_regions);	/* by tw_region_number() */

static DEFINE_MUTEX(tw_region_id_lock);
static unsigned long long tw_region_last_id;

/* Forwards only: an id is given once. Nobody needs it but tests of the numbers' end. */
static int tw_region_last_id_set(const char *val, const struct kernel_param *kp)
{
	unsigned long long id;
	int err = kstrtoull(val, 0, &id);

	if (err)
		return err;
	mutex_lock(&tw_region_id_lock);
	if (id >= tw_region_last_id && id < 1ULL << 62)
		tw_region_last_id = id;
	else
		err = -EINVAL;
	mutex_unlock(&tw_region_id_lock);
	return err;
}

static const struct kernel_param_ops tw_region_last_id_ops = {
	.set = tw_region_last_id_set,
	.get = param_get_ullong,
};

module_param_cb(region_last_id, &tw_region_last_id_ops, &tw_region_last_id, 0600);
__MODULE_PARM_TYPE(region_last_id, "ullong");
MODULE_PARM_DESC(region_last_id, "last id that a region was given; can be raised");

/* -- life ------------------------------------------------------------------ */

/* No page of it is left, or there never was one. */
static void tw_region_unreserve(struct tw_region *r)
{
	if (r->room)
		tw_unreserve(r->user, r->room);
	r->room = 0;
}

/* The last one ends the superblock: no inode of it may be left. */
static void tw_region_umount(struct tw_region *r)
{
	if (r->mnt)
		tw_regions_unpin();
	kfree_rcu(r, rcu);
}

static void tw_region_umount_work(struct work_struct *work)
{
	tw_region_umount(container_of(work, struct tw_region, teardown));
}

static void tw_region_free(struct kref *ref)
{
	struct tw_region *r = container_of(ref, struct tw_region, ref);

	tw_region_unreserve(r);
	tw_chunks_free(r);
	tw_groups_leave(r);
	iput(r->inode);
	mem_cgroup_put(r->memcg);
	atomic_long_dec(&r->agent->regions);
	tw_agent_put(r->agent);
	tw_user_uncharge(r->user, TW_USER_REGIONS, 1);
	tw_user_put(r->user);
	tw_owner_put(&r->owner);
	tw_global_add(regions, -1);
	/*
	 * The end of a superblock waits for other file systems' work: not for
	 * threads that memory may be waiting for.
	 */
	if (current->flags & (PF_KTHREAD | PF_MEMALLOC)) {
		INIT_WORK(&r->teardown, tw_region_umount_work);
		queue_work(tw_umount_wq, &r->teardown);
	} else {
		tw_region_umount(r);
	}
}

void tw_region_put(struct tw_region *r)
{
	if (r)
		kref_put(&r->ref, tw_region_free);
}

static void tw_region_free_work(struct work_struct *work)
{
	struct tw_region *r = container_of(work, struct tw_region, teardown);

	tw_region_free(&r->ref);
}

/* ->teardown has done its work, or never had any: it held a reference. */
static void tw_region_free_later(struct kref *ref)
{
	struct tw_region *r = container_of(ref, struct tw_region, ref);

	INIT_WORK(&r->teardown, tw_region_free_work);
	queue_work(tw_teardown_wq, &r->teardown);
}

void tw_region_put_async(struct tw_region *r)
{
	if (r)
		kref_put(&r->ref, tw_region_free_later);
}

struct tw_region *tw_region_by_number(u64 number)
{
	struct tw_region *r;

	rcu_read_lock();
	r = xa_load(&tw_regions, number);
	if (r && !kref_get_unless_zero(&r->ref))
		r = NULL;
	rcu_read_unlock();
	return r;
}

/* One of the caller's files: is it the region's, open for writing? */
static int tw_region_held(const void *region, struct file *file,
			  unsigned int fd)
{
	return file->f_op == &tw_region_fops && file->private_data == region &&
	       (file->f_mode & FMODE_WRITE);
}

bool tw_region_mine(struct tw_region *r)
{
	return tw_owner_obeys(&r->owner) ||
	       iterate_fd(current->files, 0, tw_region_held, r);
}

bool tw_regions_exist(void)
{
	/* One pointer, read once; what is found is old by the time it is told. */
	return !data_race(xa_empty(&tw_regions));
}

struct tw_region *tw_region_after(u64 number)
{
	unsigned long i = number;
	struct tw_region *r;

	rcu_read_lock();
	do {
		r = xa_find_after(&tw_regions, &i, ULONG_MAX, XA_PRESENT);
	} while (r && !kref_get_unless_zero(&r->ref));
	rcu_read_unlock();
	return r;
}

/* TW_TRY: does not sleep for it. Else as TASK_*. */
#define TW_TRY	0

/* The record, locked and settled: 0, -EBUSY (TW_TRY) or -EINTR. */
static int tw_discard_lock(struct tw_rec *rec, unsigned int state)
{
	int err;

	do {
		if (state == TW_TRY)
			err = tw_rec_trylock(rec) ? 0 : -EBUSY;
		else
			err = tw_rec_lock_state(rec, state);
		if (err || tw_rec_is_settled(rec))
			return err;
		tw_rec_unlock(rec);
		err = state == TW_TRY ? -EBUSY : tw_rec_wait_settled(rec, state);
	} while (!err);
	return err == -EBUSY ? err : -EINTR;
}

/*
 * Frees one page, whatever its state. Sleeps. Returns 1 when there was one, or
 * as tw_discard_lock() does.
 */
static int tw_page_discard(struct tw_region *r, struct tw_chunk *c,
			   unsigned long idx, unsigned int state)
{
	struct tw_rec *rec = tw_chunk_rec(c, idx);
	struct page *page = NULL;
	unsigned long w;
	int tier, err;

	if (tw_w_state(tw_rec_w(rec)) == TW_NONE && !(tw_rec_w(rec) & TW_W_LOCK))
		return 0;
	err = tw_discard_lock(rec, state);
	if (err)
		return err;
	w = tw_rec_w(rec);
	tier = tw_w_tier(w);
	if (tw_w_state(w) == TW_MEM) {
		page = tw_w_page(w);
		if (tw_page_mapcount(page))
			unmap_mapping_pages(r->inode->i_mapping, idx, 1, false);
	}
	tw_slot_drop(rec);
	tw_rec_set(rec, tw_w_make(TW_NONE, 0));
	tw_rec_forget_votes(rec);
	WRITE_ONCE(rec->heat, 0);
	WRITE_ONCE(rec->age, 0);
	WRITE_ONCE(rec->aux, 0);
	tw_rec_unlock(rec);

	switch (tw_w_state(w)) {
	case TW_MEM:
		tw_page_drop(page);
		tw_chunk_mem_add(c, -1);
		tw_pages_add(r, tier, -1);
		tw_tier_uncharge(&tw_tiers[tier], 1);
		tw_region_give(r);
		return 1;
	case TW_STORE:
		tw_pages_add(r, tier, -1);
		tw_tier_used_add(&tw_tiers[tier], -1);
		tw_region_give(r);
		return 1;
	case TW_POISON:
		atomic_long_dec(&r->lost);
		return 1;
	default:
		return 0;
	}
}

/*
 * Frees pages [@idx, @idx + @nr), waiting in @state for each that is busy; with
 * TW_TRY *@busy counts those that are left. How many, or -EINTR.
 */
static long tw_pages_discard(struct tw_region *r, unsigned long idx,
			     unsigned long nr, unsigned int state,
			     unsigned long *busy)
{
	unsigned long end = idx + nr, i = idx >> TW_CHUNK_SHIFT;
	unsigned long last = (end - 1) >> TW_CHUNK_SHIFT;
	struct tw_chunk *c;
	long n = 0;

	/* One walk over the mappings instead of one a page. */
	unmap_mapping_pages(r->inode->i_mapping, idx, nr, false);
	xa_for_each_range(&r->chunks, i, c, i, last) {
		unsigned long p = max(idx, c->base);
		unsigned long e = min(end, c->base + TW_CHUNK_PAGES);

		for (; p < e; p++) {
			int ret = tw_page_discard(r, c, p, state);

			if (ret == -EINTR)
				return ret;
			if (ret < 0)
				*busy += 1;
			else
				n += ret;
		}
		if (!r->dead && fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return n;
}

/* The same for a caller that can be killed meanwhile. */
long tw_region_discard(struct tw_region *r, unsigned long idx, unsigned long nr)
{
	long n;

	if (!tw_discard_begin(r))
		return -EPERM;
	n = tw_pages_discard(r, idx, nr, TASK_KILLABLE, NULL);
	tw_discard_end(r);
	return n;
}

/* Without sleeping for a device; whether nothing is left. */
static bool tw_region_teardown(struct tw_region *r)
{
	unsigned long busy = 0;

	tw_pages_discard(r, 0, r->nr_pages, TW_TRY, &busy);
	if (busy)
		return false;
	tw_region_unreserve(r);
	tw_region_put(r);
	return true;
}

/*
 * What is free goes at once; what a device has, when it gives it back. Until
 * then the module stays, too, unless it is already on its way and waits for us.
 */
static void tw_region_teardown_work(struct work_struct *work)
{
	struct tw_region *r = container_of(work, struct tw_region, teardown);
	bool held;

	if (tw_region_teardown(r))
		return;
	held = try_module_get(THIS_MODULE);
	tw_pages_discard(r, 0, r->nr_pages, TASK_IDLE, NULL);
	tw_region_unreserve(r);
	tw_region_put(r);
	if (held)
		module_put(THIS_MODULE);
}

static int tw_region_release(struct inode *inode, struct file *file)
{
	struct tw_region *r = file->private_data;

	if (!atomic_dec_and_test(&r->files))
		return 0;
	/* No fd and no mapping is left: no fault can come any more. */
	WRITE_ONCE(r->dead, true);
	xa_erase(&tw_regions, tw_region_number(r));
	tw_queue_drop_region(r);
	if (atomic_long_read(&r->record_bytes) >
	    TW_TEARDOWN_INLINE * TW_CHUNK_PAGES * sizeof(struct tw_rec) ||
	    !tw_region_teardown(r)) {
		INIT_WORK(&r->teardown, tw_region_teardown_work);
		queue_work(tw_teardown_wq, &r->teardown);
	}
	return 0;
}

/* -- the fd ---------------------------------------------------------------- */

static int tw_region_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tw_region *r = file->private_data;
	unsigned long nr = vma_pages(vma);

	/* Of a view it is never VM_SHARED, which means that it may write. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= r->nr_pages || nr > r->nr_pages - vma->vm_pgoff)
		return -EINVAL;
	if (tw_region_write_sealed(r)) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	/*
	 * The two READ flags together mean no read-ahead advice; they keep
	 * zaps from calling mark_page_accessed() on pages of no LRU.
	 */
	vm_flags_set(vma, VM_MIXEDMAP | VM_DONTEXPAND | VM_SEQ_READ |
		     VM_RAND_READ);
	if (r->flags & TW_REGION_DONTDUMP)
		vm_flags_set(vma, VM_DONTDUMP);
	vma->vm_ops = &tw_region_vm_ops;
	return 0;
}

static long tw_region_fallocate(struct file *file, int mode, loff_t offset,
				loff_t len)
{
	struct tw_region *r = file->private_data;
	loff_t size = (loff_t)r->nr_pages << PAGE_SHIFT;
	long n;

	if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len) || offset >= size ||
	    len > size - offset)
		return -EINVAL;
	n = tw_region_discard(r, offset >> PAGE_SHIFT, len >> PAGE_SHIFT);
	return n < 0 ? n : 0;
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/* Aligned to 2 MiB, so that a walk meets whole page tables. */
static unsigned long tw_region_area(struct file *file, unsigned long addr,
				    unsigned long len, unsigned long pgoff,
				    unsigned long flags)
{
	return thp_get_unmapped_area(file, addr, len, pgoff, flags);
}
#else
#define tw_region_area	NULL
#endif

const struct file_operations tw_region_fops = {
	.owner		= THIS_MODULE,
	.release	= tw_region_release,
	.mmap		= tw_region_mmap,
	.fallocate	= tw_region_fallocate,
	.fsync		= noop_fsync,
	.get_unmapped_area = tw_region_area,
	.unlocked_ioctl	= tw_region_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/*
 * mbind(2): a page belongs to the region, not to one of its mappings, and goes
 * through tiers; better refused than ignored. The task's policy counts.
 */
static int tw_region_set_policy(struct vm_area_struct *vma,
				struct mempolicy *policy)
{
	return policy ? -EOPNOTSUPP : 0;
}

const struct vm_operations_struct tw_region_vm_ops = {
	.fault		= tw_region_fault,
	.set_policy	= tw_region_set_policy,
};

/* -- making one -------------------------------------------------------------- */

/* The size is the region's for good, and nobody but the fd leads to it. */
static int tw_region_setattr(struct tw_idmap *idmap, struct dentry *dentry,
			     struct iattr *attr)
{
	return attr->ia_valid & ATTR_SIZE ? -EINVAL : -EPERM;
}

static const struct inode_operations tw_region_iops = {
	.setattr = tw_region_setattr,
};

/* The caller's device file holds the mount; from here on the region does, too. */
static struct inode *tw_region_inode(struct tw_region *r)
{
	struct inode *inode = alloc_anon_inode(tw_mnt->mnt_sb);
	int err;

	if (IS_ERR(inode))
		return inode;
	/*
	 * A pin, no mere reference to the mount: without one the next region might
	 * find no mount, and would be on a device of its own.
	 */
	err = tw_regions_pin();
	if (err) {
		iput(inode);
		return ERR_PTR(err);
	}
	/*
	 * Where the end of the superblock finds it: that waits for watches
	 * (inotify) of inodes, and ends only those of the inodes listed here.
	 */
	if (list_empty(&inode->i_sb_list))
		inode_sb_list_add(inode);
	r->mnt = tw_mnt;
	inode->i_mode = S_IFREG | 0600;		/* fallocate wants a file */
	/*
	 * No name leads to it, as to a memfd: core dumps then take a shared mapping
	 * for anonymous memory, which they hold by default, and not for a file's.
	 */
	clear_nlink(inode);
	inode->i_uid = current_euid();
	inode->i_gid = current_egid();
	inode->i_op = &tw_region_iops;
	inode->i_private = r;
	i_size_write(inode, (loff_t)r->nr_pages << PAGE_SHIFT);
	return inode;
}

static struct tw_region *tw_region_alloc(struct tw_region_create *arg)
{
	struct tw_region *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!r)
		return ERR_PTR(-ENOMEM);
	kref_init(&r->ref);
	xa_init_flags(&r->chunks, XA_FLAGS_ACCOUNT);
	mutex_init(&r->make_lock);
	r->nr_pages = arg->bytes >> PAGE_SHIFT;
	r->affinity = arg->affinity;
	r->flags = arg->flags;
	r->agent = tw_agent_from_fd(arg->agent_fd);
	if (IS_ERR(r->agent)) {
		err = PTR_ERR(r->agent);
		goto free;
	}
	r->user = tw_user_get_current();
	if (!r->user)
		goto agent;
	err = tw_groups_note(r);
	if (err)
		goto user;
	err = tw_user_charge(r->user, TW_USER_REGIONS, 1);
	if (err)
		goto cgroup;
	r->inode = tw_region_inode(r);
	if (IS_ERR(r->inode)) {
		err = PTR_ERR(r->inode);
		goto uncharge;
	}
	tw_owner_get(&r->owner);
	r->memcg = get_mem_cgroup_from_mm(current->mm);
	atomic_long_inc(&r->agent->regions);
	tw_global_add(regions, 1);
	return r;

uncharge:
	tw_user_uncharge(r->user, TW_USER_REGIONS, 1);
cgroup:
	kfree(r->cgroup);
user:
	tw_user_put(r->user);
agent:
	tw_agent_put(r->agent);
free:
	kfree(r);
	return ERR_PTR(err);
}

/* All that its touches will need but for memory itself: room, and records. */
static int tw_region_reserve(struct tw_region *r)
{
	int err;

	if (!tw_region_reserves(r))
		return 0;
	err = tw_records_prepay(r);
	if (err)
		return err;
	err = tw_reserve(r->user, r->nr_pages);
	if (!err)
		r->room = r->nr_pages;
	return err;
}

/*
 * Ids go up only, past those whose number a living region has. A number is
 * reserved first and shows the region only once its file exists. -EBUSY is as good
 * as impossible: each of the numbers is a living region's.
 */
static int tw_region_reserve_id(struct tw_region *r)
{
	u64 id, tries = TW_PAGE_OWNERS;
	int err = -EBUSY;

	mutex_lock(&tw_region_id_lock);
	while (err == -EBUSY && tries--) {
		id = tw_region_id_next(tw_region_last_id);
		tw_region_last_id = id;
		err = xa_insert(&tw_regions, TW_PAGE_OWNER(id), NULL, GFP_KERNEL);
	}
	mutex_unlock(&tw_region_id_lock);
	if (!err)
		r->id = id;
	return err;
}

static struct file *tw_region_file(struct tw_region *r, int flags)
{
	struct file *file;

	ihold(r->inode);
	/* The last fput() drops it; unlike anon_inode_getfile() this one takes none. */
	__module_get(THIS_MODULE);
	file = alloc_file_pseudo(r->inode, r->mnt, "[tierwatch]",
				 flags | O_CLOEXEC, &tw_region_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		iput(r->inode);
		return file;
	}
	atomic_inc(&r->files);
	file->private_data = r;
	return file;
}

struct file *tw_region_view(struct tw_region *r)
{
	return tw_region_file(r, O_RDONLY);
}

/*
 * On success arg->id is set and the file is the caller's, which has a pin
 * (tw_regions_pin()).
 */
struct file *tw_region_create(struct tw_region_create *arg)
{
	struct tw_region *r;
	struct file *file;
	int err;

	if (!arg->bytes || !PAGE_ALIGNED(arg->bytes) ||
	    arg->bytes >> PAGE_SHIFT > TW_REGION_MAX_PAGES ||
	    (arg->affinity != TW_TIER_CPU && arg->affinity != TW_TIER_GPU))
		return ERR_PTR(-EINVAL);
	if (!tw_tier_bound(TW_TIER_CPU) && !tw_tier_bound(TW_TIER_GPU))
		return ERR_PTR(-EOPNOTSUPP);
	r = tw_region_alloc(arg);
	if (IS_ERR(r))
		return ERR_CAST(r);
	err = tw_region_reserve(r);
	if (err)
		goto put;
	err = tw_region_reserve_id(r);
	if (err)
		goto put;
	/* So that /proc/PID/maps says which region is mapped where. */
	r->inode->i_ino = r->id;
	/* Pairs with tw_tier_leave(): it sees the id, or we see it leaving. */
	smp_mb();
	err = -EOPNOTSUPP;
	if (!tw_tier_bound(TW_TIER_CPU) && !tw_tier_bound(TW_TIER_GPU))
		goto erase;
	file = tw_region_file(r, O_RDWR);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto erase;
	}
	xa_store(&tw_regions, tw_region_number(r), r, GFP_KERNEL);
	/* Where limits find it that are set from now on. */
	err = tw_groups_join(r);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	tw_reclaim_watch();
	arg->id = r->id;
	return file;

erase:
	xa_erase(&tw_regions, tw_region_number(r));
put:
	tw_region_put(r);
	return ERR_PTR(err);
}

/* -- the pseudo filesystem ----------------------------------------------------- */

static int tw_fs_init_context(struct fs_context *fc)
{
	return init_pseudo(fc, TW_FS_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type tw_fs_type = {
	.owner		= THIS_MODULE,
	.name		= "tierwatch",
	.init_fs_context = tw_fs_init_context,
	.kill_sb	= kill_anon_super,
};

int tw_regions_pin(void)
{
	return simple_pin_fs(&tw_fs_type, &tw_mnt, &tw_mnt_users);
}

void tw_regions_unpin(void)
{
	simple_release_fs(&tw_mnt, &tw_mnt_users);
}

u32 tw_regions_dev(void)
{
	struct tw_region *r = tw_region_after(0);
	u32 dev;

	if (!r)
		return 0;
	dev = new_encode_dev(r->inode->i_sb->s_dev);
	tw_region_put(r);
	return dev;
}

int tw_regions_init(void)
{
	tw_teardown_wq = alloc_workqueue("tw_teardown", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!tw_teardown_wq)
		return -ENOMEM;
	tw_umount_wq = alloc_workqueue("tw_umount", WQ_UNBOUND, 0);
	if (!tw_umount_wq) {
		destroy_workqueue(tw_teardown_wq);
		return -ENOMEM;
	}
	return 0;
}

/*
 * The mount is gone, and with it each region's inode and file: they reference
 * the module. What drops a region's last reference in a work item may still be
 * about to return: that is waited for.
 */
void tw_regions_exit(void)
{
	destroy_workqueue(tw_teardown_wq);
	destroy_workqueue(tw_umount_wq);	/* which the former feeds */
	WARN_ON(tw_mnt);
	WARN_ON(!xa_empty(&tw_regions));
	xa_destroy(&tw_regions);
}
