// SPDX-License-Identifier: GPL-2.0
/*
 * region.c - regions: their life, and finding them
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
#include "base/owner.h"
#include "base/stats.h"
#include "base/user.h"
#include "pages/group.h"
#include "pages/record.h"
#include "pages/region.h"
#include "pages/region_id.h"
#include "tiers/reserve.h"

#define TW_FS_MAGIC	0x54575243	/* "TWRC" */

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
void tw_region_unreserve(struct tw_region *r)
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

void tw_region_later(struct tw_region *r, work_func_t fn)
{
	INIT_WORK(&r->teardown, fn);
	queue_work(tw_teardown_wq, &r->teardown);
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

	tw_region_later(r, tw_region_free_work);
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

/* One of the caller's files: is it the region's, open for writing? No other has its inode. */
static int tw_region_held(const void *region, struct file *file,
			  unsigned int fd)
{
	const struct tw_region *r = region;

	return file_inode(file) == r->inode && (file->f_mode & FMODE_WRITE);
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

struct tw_region *tw_region_alloc(struct tw_region_create *arg)
{
	struct tw_region *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	int err = -ENOMEM;

	if (!r)
		return ERR_PTR(-ENOMEM);
	kref_init(&r->ref);
	tw_chunks_init(r);
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
int tw_region_reserve(struct tw_region *r)
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
int tw_region_reserve_id(struct tw_region *r)
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

/* It is found from now on, and no more. */
void tw_region_show(struct tw_region *r)
{
	xa_store(&tw_regions, tw_region_number(r), r, GFP_KERNEL);
}

void tw_region_hide(struct tw_region *r)
{
	xa_erase(&tw_regions, tw_region_number(r));
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
