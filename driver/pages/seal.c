// SPDX-License-Identifier: GPL-2.0
/*
 * seal.c - what a region's holders can no longer do to each other
 *
 * Owns tw_region.seals, and tw_region.discards, by which discards and the seal against
 * them exclude each other, as i_mmap_writable does for writable mappings of a file and
 * their denial. A seal is never taken off again, so a caller that has seen one may
 * rely on it without asking again. The doors of region files and mappings call it.
 *
 * Locks: seals are added under the inode's lock, and read without.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/fs.h>

#include "pages/discard.h"
#include "pages/region.h"
#include "pages/seal.h"

/* Forbids discards. Returns 0, or -EBUSY if pages are being freed just now. */
static int tw_seal_discards(struct tw_region *r)
{
	lockdep_assert_held_write(&r->inode->i_rwsem);
	if (r->seals & TW_SEAL_DISCARD)
		return 0;
	return atomic_dec_unless_positive(&r->discards) ? 0 : -EBUSY;
}

static int tw_seal_add(struct tw_region *r, u32 seals)
{
	int err = 0;

	lockdep_assert_held_write(&r->inode->i_rwsem);
	if (!(seals & ~r->seals))
		return 0;
	if (r->seals & TW_SEAL_SEAL)
		return -EPERM;
	if (seals & TW_SEAL_DISCARD)
		err = tw_seal_discards(r);
	if (!err)
		WRITE_ONCE(r->seals, r->seals | seals);
	return err;
}

long tw_region_discard(struct tw_region *r, unsigned long idx, unsigned long nr)
{
	long n;

	if (!atomic_inc_unless_negative(&r->discards))
		return -EPERM;
	n = tw_space_discard(&r->space, idx, nr);
	atomic_dec(&r->discards);
	return n;
}

int tw_region_seal_ioctl(struct file *file, struct tw_region_seal *arg)
{
	struct tw_region *r = file->private_data;
	int err = 0;

	if (arg->flags || (arg->add & ~TW_SEALS))
		return -EINVAL;
	if (arg->add && !(file->f_mode & FMODE_WRITE))
		return -EACCES;
	inode_lock(r->inode);
	if (arg->add)
		err = tw_seal_add(r, arg->add);
	arg->seals = r->seals;
	inode_unlock(r->inode);
	return err;
}
