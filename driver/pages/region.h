/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region.h - managed memory: an fd and its mappings, as an owner of pages
 *
 * A region is a space (space.h) that is an inode: files of it are mapped, and its
 * frames belong to the inode's mapping. Its files together hold one reference of
 * the space. When the last file goes (no fd, no mapping left) its pages and slots
 * are freed at once or, for a big one, in a work item; the region itself, its
 * records and its inode go with the last reference.
 *
 * Only the doors, and the files of this room that implement regions, know them. All
 * other code takes a space. region.c and seal.c describe the locks.
 */
#ifndef _TW_REGION_H
#define _TW_REGION_H

#include <linux/fs.h>
#include <linux/tierwatch.h>

#include "base/owner.h"
#include "pages/space.h"

struct vfsmount;

/**
 * struct tw_region - a region
 * @space: its pages
 * @inode: inode of the pseudo filesystem; its mapping is the pages' mapping
 * @mnt: that filesystem's mount, which the region has pinned
 * @owner: the process that made it
 * @flags: TW_REGION_*
 * @files: how many files of it are open: one that may write, and views
 * @seals: TW_SEAL_*, see seal.c
 * @discards: how many calls are freeing pages now; below 0 if no call may any more
 */
struct tw_region {
	struct tw_space space;
	struct inode *inode;
	struct vfsmount *mnt;
	struct tw_owner owner;
	u32 flags;
	atomic_t files;
	u32 seals;
	atomic_t discards;
};

int tw_regions_init(void);
void tw_regions_exit(void);

/*
 * Keeps the pseudo filesystem mounted between regions. Returns 0 or -errno. A caller
 * that makes a region holds a pin, and later the region has its own, so that all
 * regions alive are on one device.
 */
int tw_regions_pin(void);
void tw_regions_unpin(void);
/* The pseudo filesystem's device as user space sees it; 0 if there is no region. */
u32 tw_regions_dev(void);

/*
 * Makes a region that has no id yet, so that it cannot be found. region_file.c does the
 * rest. It is freed by tw_space_put().
 */
struct tw_region *tw_region_alloc(struct tw_region_create *arg);

/* A space that is known to be a region's. */
static inline struct tw_region *tw_region_of(struct tw_space *sp)
{
	return container_of(sp, struct tw_region, space);
}

#endif
