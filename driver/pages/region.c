// SPDX-License-Identifier: GPL-2.0
/*
 * region.c - regions: making and freeing them, and what they are as spaces
 *
 * Owns the pseudo filesystem that has the regions' inodes, and with these their
 * mappings, and the regions' struct tw_space_ops. The doors make and pin regions; all
 * rooms call the ops, by way of space.h.
 *
 * The filesystem is mounted as long as it is in use: by a device file that has made a
 * region, by a region, or by the kernel, which holds the mount for open paths. Its
 * superblock references the module, from before the first use until after
 * the last has ended. So an open path that is no file of the driver's
 * (O_PATH, a look at /proc/PID/fd) keeps the module as a region's file does, and
 * the last mntput() still finds the module's code.
 *
 * Locks: none of its own; the kernel counts the pins of the mount under its own lock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cred.h>
#include <linux/falloc.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "agents/agent.h"
#include "base/compat.h"
#include "base/owner.h"
#include "base/stats.h"
#include "base/user.h"
#include "pages/region.h"
#include "pages/region_accessed.h"
#include "pages/space.h"

#define TW_FS_MAGIC	0x54575243	/* "TWRC" */

static struct file_system_type tw_fs_type;
static struct vfsmount *tw_mnt;		/* set by simple_pin_fs(), as is its count */
static int tw_mnt_users;
static struct workqueue_struct *tw_umount_wq;

/* -- life ------------------------------------------------------------------ */

/* The last unpin ends the superblock, of which no inode may be left then. */
static void tw_region_umount(struct tw_region *r)
{
	if (r->mnt)
		tw_regions_unpin();
	kfree_rcu(r, space.rcu);
}

static void tw_region_umount_work(struct work_struct *work)
{
	tw_region_umount(container_of(work, struct tw_region, space.work));
}

static void tw_region_free(struct tw_space *sp)
{
	struct tw_region *r = tw_region_of(sp);

	tw_user_uncharge(sp->user, TW_USER_REGIONS, 1);
	atomic_long_dec(&sp->agent->regions);
	tw_space_exit(sp);
	iput(r->inode);
	tw_owner_put(&r->owner);
	tw_global_add(regions, -1);
	/*
	 * The end of a superblock waits for other file systems' work. Threads that
	 * free memory must not wait for that.
	 */
	if (current->flags & (PF_KTHREAD | PF_MEMALLOC)) {
		INIT_WORK(&sp->work, tw_region_umount_work);
		queue_work(tw_umount_wq, &sp->work);
	} else {
		tw_region_umount(r);
	}
}

/* Is @file, one of the caller's, open for writing and of the region, as its inode says? */
static int tw_region_held(const void *region, struct file *file,
			  unsigned int fd)
{
	const struct tw_region *r = region;

	return file_inode(file) == r->inode && (file->f_mode & FMODE_WRITE);
}

/* Is the caller the process that made it (owner.h), or does it hold its file? */
static bool tw_region_mine(struct tw_space *sp)
{
	struct tw_region *r = tw_region_of(sp);

	return tw_owner_obeys(&r->owner) ||
	       iterate_fd(current->files, 0, tw_region_held, r);
}

static void tw_region_unmap(struct tw_space *sp, unsigned long idx,
			    unsigned long nr)
{
	unmap_mapping_pages(sp->mapping, idx, nr, false);
}

static const struct tw_space_ops tw_region_ops = {
	.free	= tw_region_free,
	.mine	= tw_region_mine,
	.unmap	= tw_region_unmap,
	.young	= tw_region_young,
	.scan	= tw_region_scan,
	.touched = tw_region_touched,
};

/* -- making one -------------------------------------------------------------- */

/* A region's size and attributes never change. */
static int tw_region_setattr(struct tw_idmap *idmap, struct dentry *dentry,
			     struct iattr *attr)
{
	return attr->ia_valid & ATTR_SIZE ? -EINVAL : -EPERM;
}

static const struct inode_operations tw_region_iops = {
	.setattr = tw_region_setattr,
};

/* Makes the inode. The caller's device file pins the mount; then the region does, too. */
static struct inode *tw_region_inode(struct tw_region *r)
{
	struct inode *inode = alloc_anon_inode(tw_mnt->mnt_sb);
	int err;

	if (IS_ERR(inode))
		return inode;
	/*
	 * It has to be a pin. With only a reference to the mount, the next region might
	 * find no mount and get one of its own, with another device number.
	 */
	err = tw_regions_pin();
	if (err) {
		iput(inode);
		return ERR_PTR(err);
	}
	/*
	 * The end of the superblock ends the watches (inotify) of the inodes on this
	 * list only, and then waits for all watches, so the inode has to be on it.
	 */
	if (list_empty(&inode->i_sb_list))
		inode_sb_list_add(inode);
	r->mnt = tw_mnt;
	inode->i_flags |= S_NOCMTIME;	/* a fault is no write(2) */
	inode->i_mode = S_IFREG | 0600;		/* fallocate() needs a regular file */
	/*
	 * It has no links, like a memfd: then core dumps take a shared mapping of it for
	 * anonymous memory, which they contain by default, and not for a file's.
	 */
	clear_nlink(inode);
	inode->i_uid = current_euid();
	inode->i_gid = current_egid();
	inode->i_op = &tw_region_iops;
	inode->i_private = &r->space;		/* see tw_space.mapping */
	i_size_write(inode, (loff_t)r->space.nr_pages << PAGE_SHIFT);
	return inode;
}

struct tw_region *tw_region_alloc(struct tw_region_create *arg)
{
	struct tw_region *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	struct tw_space *sp;
	struct tw_agent *agent;
	int err;

	if (!r)
		return ERR_PTR(-ENOMEM);
	sp = &r->space;
	agent = tw_agent_from_fd(arg->agent_fd);
	if (IS_ERR(agent)) {
		err = PTR_ERR(agent);
		goto free;
	}
	err = tw_space_init(sp, &tw_region_ops, arg->bytes >> PAGE_SHIFT, agent);
	if (err)
		goto agent;
	sp->home = arg->affinity;
	sp->reserves = arg->flags & TW_REGION_RESERVE;
	sp->huge = arg->flags & TW_REGION_HUGE;
	r->flags = arg->flags;
	err = tw_user_charge(sp->user, TW_USER_REGIONS, 1);
	if (err)
		goto space;
	r->inode = tw_region_inode(r);
	if (IS_ERR(r->inode)) {
		err = PTR_ERR(r->inode);
		goto uncharge;
	}
	sp->mapping = r->inode->i_mapping;
	tw_owner_get(&r->owner);
	atomic_long_inc(&agent->regions);
	tw_global_add(regions, 1);
	return r;

uncharge:
	tw_user_uncharge(sp->user, TW_USER_REGIONS, 1);
space:
	tw_space_exit(sp);
	goto free;
agent:
	tw_agent_put(agent);
free:
	kfree(r);
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
	struct tw_space *sp;
	u64 number = 0;
	u32 dev = 0;

	while (!dev && (sp = tw_space_after(number))) {
		number = tw_space_number(sp);
		if (sp->ops == &tw_region_ops)
			dev = new_encode_dev(tw_region_of(sp)->inode->i_sb->s_dev);
		tw_space_put(sp);
	}
	return dev;
}

int tw_regions_init(void)
{
	tw_umount_wq = alloc_workqueue("tw_umount", WQ_UNBOUND, 0);
	return tw_umount_wq ? 0 : -ENOMEM;
}

/*
 * The mount is gone, and with it each region's inode and file, since they reference
 * the module. A work item that has unmounted it may still be about to return; this
 * waits for it. Spaces, whose ends queue such work, have ended before.
 */
void tw_regions_exit(void)
{
	destroy_workqueue(tw_umount_wq);
	WARN_ON(tw_mnt);
}
