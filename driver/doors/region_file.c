// SPDX-License-Identifier: GPL-2.0
/*
 * region_file.c - a region's file: its operations, and the making of a region
 *
 * Owns the operations of a region's file with the table of its ioctls, and
 * TW_IOC_REGION_CREATE. Regions themselves are those of pages/region.c.
 *
 * Locks: none. A region gets into the list of regions last, when it is complete, and
 * is taken out first, when its last file is closed.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>

#include "agents/agent.h"
#include "doors/command.h"
#include "doors/migrate.h"
#include "doors/page_list.h"
#include "doors/region_file.h"
#include "doors/region_map.h"
#include "moving/queue.h"
#include "pages/discard.h"
#include "pages/group.h"
#include "pages/huge.h"
#include "pages/region.h"
#include "pages/seal.h"
#include "policy/reclaim.h"
#include "policy/scanner.h"
#include "tiers/tier.h"

static long tw_region_fallocate(struct file *file, int mode, loff_t offset,
				loff_t len)
{
	struct tw_region *r = file->private_data;
	loff_t size = (loff_t)r->space.nr_pages << PAGE_SHIFT;
	long n;

	if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len) || offset >= size ||
	    len > size - offset)
		return -EINVAL;
	n = tw_region_discard(r, offset >> PAGE_SHIFT, len >> PAGE_SHIFT);
	return n < 0 ? n : 0;
}

/* -- ioctls ----------------------------------------------------------------- */

static struct file *tw_region_view(struct tw_region *r);

static int tw_do_region_info(struct file *file, union tw_arg *arg)
{
	const struct tw_region *r = file->private_data;
	const struct tw_space *sp = &r->space;
	struct tw_region_info *info = &arg->region_info;
	int tier;

	if (info->flags || info->reserved)
		return -EINVAL;
	*info = (struct tw_region_info){
		.size = info->size,
		.id = sp->id,
		.bytes = (u64)sp->nr_pages << PAGE_SHIFT,
		.agent = sp->agent->id,
		.lost = atomic_long_read(&sp->lost),
		.record_bytes = atomic_long_read(&sp->record_bytes),
		.affinity = sp->home,
		.room = sp->room,
	};
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		info->pages[tier] = atomic_long_read(&sp->pages[tier]);
	return 0;
}

static int tw_do_region_discard(struct file *file, union tw_arg *arg)
{
	struct tw_region *r = file->private_data;
	struct tw_region_discard *d = &arg->discard;
	u64 size = (u64)r->space.nr_pages << PAGE_SHIFT;
	long n;

	if (d->flags || !d->length || !PAGE_ALIGNED(d->offset) ||
	    !PAGE_ALIGNED(d->length) || d->offset >= size ||
	    d->length > size - d->offset)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	n = tw_region_discard(r, d->offset >> PAGE_SHIFT,
			      d->length >> PAGE_SHIFT);
	if (n < 0)
		return n;
	d->discarded = n;
	return 0;
}

static int tw_do_region_migrate(struct file *file, union tw_arg *arg)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	return tw_migrate_range_region(file->private_data, &arg->migrate_range);
}

static int tw_do_region_pages(struct file *file, union tw_arg *arg)
{
	return tw_region_pages_ioctl(file->private_data, &arg->region_pages);
}

static int tw_do_region_seal(struct file *file, union tw_arg *arg)
{
	return tw_region_seal_ioctl(file, &arg->seal);
}

static struct file *tw_make_view(struct file *on, union tw_arg *arg, s32 **fd)
{
	*fd = &arg->view.fd;
	if (arg->view.flags || arg->view.reserved)
		return ERR_PTR(-EINVAL);
	return tw_region_view(on->private_data);
}

static const struct tw_ioctl tw_region_ioctls[] = {
	[_IOC_NR(TW_IOC_MIGRATE_RANGE)] =
		TW_CALL(tw_do_region_migrate, tw_migrate_range, TW_MIGRATE_RANGE),
	[_IOC_NR(TW_IOC_REGION_INFO)] =
		TW_CALL(tw_do_region_info, tw_region_info, TW_REGION_INFO),
	[_IOC_NR(TW_IOC_REGION_DISCARD)] =
		TW_CALL(tw_do_region_discard, tw_region_discard, TW_REGION_DISCARD),
	[_IOC_NR(TW_IOC_REGION_PAGES)] =
		TW_CALL(tw_do_region_pages, tw_region_pages, TW_REGION_PAGES),
	[_IOC_NR(TW_IOC_REGION_SEAL)] =
		TW_CALL(tw_do_region_seal, tw_region_seal, TW_REGION_SEAL),
	[_IOC_NR(TW_IOC_REGION_VIEW)] =
		TW_MAKE(tw_make_view, tw_region_view, TW_REGION_VIEW),
};

static long tw_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(tw_region_ioctls) ||
	    cmd != _IO(TW_IOC_TYPE, nr) || !tw_region_ioctls[nr].ksize)
		return -ENOTTY;
	return tw_ioctl_run(&tw_region_ioctls[nr], file, (void __user *)arg);
}

/* -- the file --------------------------------------------------------------- */

static int tw_region_release(struct inode *inode, struct file *file)
{
	struct tw_region *r = file->private_data;

	if (!atomic_dec_and_test(&r->files))
		return 0;
	/* No fd and no mapping is left, so no fault can come any more. */
	WRITE_ONCE(r->space.dead, true);
	tw_space_hide(&r->space);
	tw_queue_drop_space(&r->space);
	tw_space_end(&r->space);
	return 0;
}

static const struct file_operations tw_region_fops = {
	.owner		= THIS_MODULE,
	.release	= tw_region_release,
	.mmap		= tw_region_mmap,
	.fallocate	= tw_region_fallocate,
	.fsync		= noop_fsync,
	.get_unmapped_area = tw_region_area,
	.unlocked_ioctl	= tw_region_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/* -- making a region --------------------------------------------------------- */

static struct file *tw_region_file(struct tw_region *r, int flags)
{
	struct file *file;

	ihold(r->inode);
	/* The last fput() drops this; unlike anon_inode_getfile(), here nothing takes it. */
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

static struct file *tw_region_view(struct tw_region *r)
{
	return tw_region_file(r, O_RDONLY);
}

/**
 * tw_region_create - TW_IOC_REGION_CREATE
 * @arg: the ioctl's argument; ->id is set, ->fd is left to the caller
 *
 * The caller has a pin of tw_regions_pin(). Sleeps.
 *
 * Return: a file that holds the region, or ERR_PTR as in uapi.
 */
struct file *tw_region_create(struct tw_region_create *arg)
{
	struct tw_space *sp;
	struct tw_region *r;
	struct file *file;
	int err;

	if (!arg->bytes || !PAGE_ALIGNED(arg->bytes) ||
	    arg->bytes >> PAGE_SHIFT > TW_REGION_MAX_PAGES ||
	    (arg->affinity != TW_TIER_CPU && arg->affinity != TW_TIER_GPU))
		return ERR_PTR(-EINVAL);
	if (!tw_memory_bound(TW_TIER_NONE) ||
	    (arg->flags & TW_REGION_HUGE && !tw_huge_possible()))
		return ERR_PTR(-EOPNOTSUPP);
	r = tw_region_alloc(arg);
	if (IS_ERR(r))
		return ERR_CAST(r);
	sp = &r->space;
	err = tw_space_reserve(sp);
	if (err)
		goto put;
	err = tw_space_reserve_id(sp);
	if (err)
		goto put;
	/* /proc/PID/maps shows this number, so it tells which region is mapped where. */
	r->inode->i_ino = sp->id;
	/* Pairs with tw_tier_leave(): it sees the id, or this sees the tier leaving. */
	smp_mb();
	err = -EOPNOTSUPP;
	if (!tw_memory_bound(TW_TIER_NONE))
		goto erase;
	file = tw_region_file(r, O_RDWR);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto erase;
	}
	tw_space_show(sp);
	/* After tw_space_show(): limits that are set from then on find the region. */
	err = tw_groups_join(sp);
	if (err) {
		fput(file);
		return ERR_PTR(err);
	}
	tw_reclaim_watch();
	tw_scanner_watch();
	arg->id = sp->id;
	return file;

erase:
	tw_space_hide(sp);
put:
	tw_space_put(sp);
	return ERR_PTR(err);
}
