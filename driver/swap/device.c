// SPDX-License-Identifier: GPL-2.0
/*
 * device.c - the swap device is made, looked at and removed
 *
 * Owns the one swap device that there may be, and its block device. That holds the
 * module while it is open, as it is while it is in use as swap; nothing is under way
 * on a block device that nobody has open.
 *
 * Locks: tw_tier_mutex around making, removing and evacuating, so that no store comes
 * or goes meanwhile; within it tw_swap_mutex, which guards the pointer and is held for
 * a look at it. The kernel opens and closes a disk under a mutex of the disk's that
 * del_gendisk() takes too, so that ->open takes tw_swap.lock alone.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/blkdev.h>
#include <linux/capability.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "base/compat.h"
#include "base/stats.h"
#include "base/user.h"
#include "swap/bio.h"
#include "swap/device.h"
#include "swap/map.h"
#include "swap/move.h"
#include "tiers/hibernate.h"
#include "tiers/reserve.h"
#include "tiers/slots.h"
#include "tiers/tier.h"

static struct tw_swap *tw_swap_device;
/* The same for tw_swap_place(), which takes no lock. */
static struct tw_swap __rcu *tw_swap_shown;
static DEFINE_MUTEX(tw_swap_mutex);

/* What one discard may be for: its pages are freed one by one. */
#define TW_SWAP_DISCARD_MAX	(1ULL << 30)

/* -- the block device ------------------------------------------------------------ */

/*
 * While an image of memory is made, only what writes that image would open it: on a
 * device whose table is itself in the image it could not be read back.
 */
static int tw_swap_open(struct tw_opened *opened, tw_open_mode_t mode)
{
	struct tw_swap *d = tw_opened_disk(opened)->private_data;
	int ret = 0;

	if (tw_stores_still()) {
		pr_err("no hibernation to the swap device\n");
		return -EPERM;
	}
	spin_lock(&d->lock);
	if (d->ending)
		ret = -ENXIO;
	else
		d->opens++;
	spin_unlock(&d->lock);
	return ret;
}

static void tw_swap_release(struct gendisk *disk)
{
	struct tw_swap *d = disk->private_data;

	spin_lock(&d->lock);
	if (!--d->opens)
		WRITE_ONCE(d->type, -1);
	spin_unlock(&d->lock);
}

TW_DISK_RELEASE(tw_swap_disk_release, tw_swap_release)

/*
 * Swap's slot is free. It comes under locks of swap's and of page tables. Swap knows a
 * block device by its pages from 0 on, and there are no partitions.
 */
static void tw_swap_slot_free(struct block_device *bdev, unsigned long at)
{
	struct tw_swap *d = bdev->bd_disk->private_data;

	if (at < d->nr)
		tw_swap_forget(d, at);
}

static const struct block_device_operations tw_swap_disk_ops = {
	.owner			= THIS_MODULE,
	.submit_bio		= tw_swap_submit_bio,
	.swap_slot_free_notify	= tw_swap_slot_free,
	.open			= tw_swap_open,
	.release		= tw_swap_disk_release,
};

static int tw_swap_add_disk(struct tw_swap *d)
{
	struct gendisk *disk = tw_page_disk(TW_SWAP_DISCARD_MAX);
	int ret;

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	strscpy(disk->disk_name, "twswap", DISK_NAME_LEN);
	disk->fops = &tw_swap_disk_ops;
	disk->private_data = d;
	disk->flags |= GENHD_FL_NO_PART;
	set_capacity(disk, (sector_t)d->nr << (PAGE_SHIFT - SECTOR_SHIFT));
	d->disk = disk;
	ret = add_disk(disk);
	if (ret)
		put_disk(disk);
	/* It has no other fault to find with the disk than that memory is short. */
	return ret == -EINVAL ? -ENOMEM : ret;
}

/* -- making and ending ------------------------------------------------------------ */

static int tw_swap_setup(struct tw_swap *d)
{
	int ret;

	ret = tw_swap_map_init(d);
	if (ret)
		return ret;
	ret = tw_swap_bios_init(d);
	if (ret)
		goto map;
	ret = tw_swap_mover_init(d);
	if (ret)
		goto bios;
	ret = tw_swap_add_disk(d);
	if (ret)
		goto mover;
	return 0;

mover:
	tw_swap_mover_exit(d);
bios:
	tw_swap_bios_exit(d);
map:
	tw_swap_map_exit(d);
	return ret;
}

/* Sets @nr slots aside, and as much room of all tiers. */
static int tw_swap_reserve(struct tw_user *user, u32 nr)
{
	int ret = tw_slots_claim(nr);

	if (ret)
		return ret;
	ret = tw_reserve(user, nr);
	if (ret)
		tw_slots_unclaim(nr);
	return ret;
}

static void tw_swap_free(struct tw_swap *d)
{
	tw_unreserve(d->user, d->nr);
	tw_slots_unclaim(d->nr);
	tw_user_put(d->user);
	kvfree(d);
}

static struct tw_swap *tw_swap_make(u32 nr)
{
	struct tw_swap *d = kvzalloc(sizeof(*d), GFP_KERNEL);
	int ret;

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->nr = nr;
	d->type = -1;
	d->target = TW_TIER_NONE;
	d->user = tw_user_get_current();
	ret = d->user ? tw_swap_reserve(d->user, nr) : -ENOMEM;
	if (ret)
		goto user;
	ret = tw_swap_setup(d);
	if (ret)
		goto reserved;
	return d;

reserved:
	tw_swap_free(d);
	return ERR_PTR(ret);
user:
	if (d->user)
		tw_user_put(d->user);
	kvfree(d);
	return ERR_PTR(ret);
}

static void tw_swap_end(struct tw_swap *d)
{
	del_gendisk(d->disk);
	put_disk(d->disk);
	tw_swap_mover_exit(d);
	tw_swap_bios_exit(d);
	tw_swap_map_exit(d);
	tw_swap_free(d);
}

/* -- ioctls ----------------------------------------------------------------------- */

static int tw_swap_create_locked(struct tw_swap_create *arg)
{
	struct tw_swap *d;

	lockdep_assert_held(&tw_tier_mutex);

	if (tw_swap_device)
		return -EEXIST;
	d = tw_swap_make(arg->pages);
	if (IS_ERR(d))
		return PTR_ERR(d);
	arg->dev = new_encode_dev(disk_devt(d->disk));
	mutex_lock(&tw_swap_mutex);
	tw_swap_device = d;
	mutex_unlock(&tw_swap_mutex);
	rcu_assign_pointer(tw_swap_shown, d);
	pr_info("swap device of %u pages\n", d->nr);
	return 0;
}

/**
 * tw_swap_create_ioctl - TW_IOC_SWAP_CREATE
 * @arg: see uapi
 *
 * Return: 0 or a negative errno as in uapi.
 */
int tw_swap_create_ioctl(struct tw_swap_create *arg)
{
	int ret;

	if (arg->flags || arg->reserved || arg->dev ||
	    arg->pages < TW_SWAP_PAGES_MIN || arg->pages > TW_SWAP_PAGES_MAX)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (mutex_lock_killable(&tw_tier_mutex))
		return -EINTR;
	ret = tw_swap_create_locked(arg);
	mutex_unlock(&tw_tier_mutex);
	return ret;
}

/* From here on it cannot be opened. False: it is open. */
static bool tw_swap_begin_end(struct tw_swap *d)
{
	bool may;

	spin_lock(&d->lock);
	may = !d->opens;
	d->ending = may;
	spin_unlock(&d->lock);
	return may;
}

static int tw_swap_destroy_locked(void)
{
	struct tw_swap *d = tw_swap_device;

	lockdep_assert_held(&tw_tier_mutex);

	if (!d)
		return -ENOENT;
	if (!tw_swap_begin_end(d))
		return -EBUSY;
	mutex_lock(&tw_swap_mutex);
	tw_swap_device = NULL;
	mutex_unlock(&tw_swap_mutex);
	rcu_assign_pointer(tw_swap_shown, NULL);
	synchronize_rcu();	/* tw_swap_place() */
	tw_swap_end(d);
	return 0;
}

/**
 * tw_swap_destroy_ioctl - TW_IOC_SWAP_DESTROY
 * @arg: see uapi
 *
 * Return: 0 or a negative errno as in uapi.
 */
int tw_swap_destroy_ioctl(struct tw_swap_destroy *arg)
{
	int ret;

	if (arg->flags)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (mutex_lock_killable(&tw_tier_mutex))
		return -EINTR;
	ret = tw_swap_destroy_locked();
	mutex_unlock(&tw_tier_mutex);
	return ret;
}

static void tw_swap_fill_info(struct tw_swap *d, struct tw_swap_info *arg)
{
	int tier;

	arg->dev = new_encode_dev(disk_devt(d->disk));
	spin_lock(&d->lock);
	arg->open = !!d->opens;
	spin_unlock(&d->lock);
	arg->pages = d->nr;
	arg->failed = atomic64_read(&d->failed);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		arg->used[tier] = READ_ONCE(tw_tiers[tier].sh->swap_used);
		arg->spare[tier] = atomic64_read(&d->spare[tier]);
	}
}

/**
 * tw_swap_info_ioctl - TW_IOC_SWAP_INFO
 * @arg: see uapi
 *
 * Return: 0 or a negative errno as in uapi.
 */
int tw_swap_info_ioctl(struct tw_swap_info *arg)
{
	int ret = -ENOENT;

	if (arg->flags)
		return -EINVAL;
	mutex_lock(&tw_swap_mutex);
	if (tw_swap_device) {
		tw_swap_fill_info(tw_swap_device, arg);
		ret = 0;
	}
	mutex_unlock(&tw_swap_mutex);
	return ret;
}

int tw_swap_place(unsigned int type, unsigned long at)
{
	struct tw_swap *d = rcu_dereference(tw_swap_shown);
	u64 e;

	if (!d || READ_ONCE(d->type) != (int)type || at >= d->nr)
		return TW_TIER_NONE;
	e = atomic64_read(&d->entry[at]);
	return tw_swe_stored(e) ? tw_swe_tier(e) : TW_TIER_NONE;
}

int tw_swap_leave_tier(struct tw_tier_desc *t, bool force, u64 *moved)
{
	lockdep_assert_held(&tw_tier_mutex);

	if (!tw_swap_device)
		return 0;
	return tw_swap_evacuate(tw_swap_device, t, force, moved);
}

int tw_swap_leave_slots(struct tw_tier_desc *t, u32 first, u64 *moved)
{
	lockdep_assert_held(&tw_tier_mutex);

	if (!tw_swap_device)
		return 0;
	return tw_swap_evacuate_slots(tw_swap_device, t, first, moved);
}

/* -- load and unload ---------------------------------------------------------------- */

/**
 * tw_swap_init - at load
 *
 * Return: 0 or -ENOMEM.
 */
int tw_swap_init(void)
{
	return tw_swap_bio_cache_init();
}

/**
 * tw_swap_exit - at unload: removes what is left, which nothing has open
 */
void tw_swap_exit(void)
{
	mutex_lock(&tw_tier_mutex);
	if (tw_swap_device)
		WARN_ON_ONCE(tw_swap_destroy_locked());
	mutex_unlock(&tw_tier_mutex);
	tw_swap_bio_cache_exit();
}
