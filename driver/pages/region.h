/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region.h - managed memory: an fd, its pages, whom they belong to
 *
 * A region is referenced by its files together and, for as long as they look at
 * it, by movers, sweeps and lookups. When the last file goes (no fd, no mapping left) its
 * pages and slots are freed at once or, for a big one, in a work item; the
 * region itself, its records and its inode go with the last reference.
 *
 * Regions are found by number, the lower bits of their id, in an xarray read
 * under RCU; a region leaves it when its file goes.
 */
#ifndef _TW_REGION_H
#define _TW_REGION_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/tierwatch.h>

#include "base/owner.h"
#include "base/user.h"
#include "tiers/reserve.h"

struct tw_agent;
struct tw_user;
struct mem_cgroup;
struct vfsmount;
struct vm_fault;

/**
 * struct tw_region - a region
 * @ref: file, movers, sweeps, lookups
 * @inode: on our pseudo filesystem; its mapping is the pages' mapping
 * @mnt: that filesystem's mount, which holds the module
 * @id: never reused; for its number see TW_PAGE() of uapi
 * @nr_pages: size
 * @chunks: records, by index >> TW_CHUNK_SHIFT
 * @make_lock: a chunk is being made
 * @agent: accounted to
 * @user: charged for records
 * @cgroup: path of the cgroup that it was made in
 * @groups: the limits of cgroups and users that bind it (group.c): 0, or a
 *	struct tw_groups and TW_GROUPS_CHANGE
 * @memcg: charged for pages, may be NULL
 * @owner: the process that made it
 * @affinity: TW_TIER_CPU or TW_TIER_GPU
 * @flags: TW_REGION_*
 * @room: pages of room reserved for it, 0 for a region that reserves none;
 *	from creation to teardown
 * @record_quota: bytes of records that @user is charged with beforehand, so that
 *	no touch fails for its cap
 * @files: files of it that are open: one that writes, and views
 * @seals: TW_SEAL_*, see seal.c
 * @discards: pages are being freed for so many; below 0: never again
 * @dead: its files have gone, which no fault outlives: no page is added
 * @hand: next page the sweep looks at (hint)
 * @ahead_at: page behind what was last read (hint)
 * @ahead: pages it read (hint)
 * @pages: per tier
 * @lost: POISON pages
 * @record_bytes: memory of @chunks
 * @reclaim: pages that the shrinker wants demoted
 * @teardown: frees the pages of a big region; after them maybe the region
 * @rcu: freed after a grace period
 */
struct tw_region {
	struct kref ref;
	struct inode *inode;
	struct vfsmount *mnt;
	u64 id;
	unsigned long nr_pages;
	struct xarray chunks;
	struct mutex make_lock;
	struct tw_agent *agent;
	struct tw_user *user;
	char *cgroup;
	unsigned long groups;
	struct mem_cgroup *memcg;
	struct tw_owner owner;
	int affinity;
	u32 flags;
	unsigned long room;
	unsigned long record_quota;
	atomic_t files;
	u32 seals;
	atomic_t discards;
	bool dead;
	unsigned long hand;
	unsigned long ahead_at;
	unsigned int ahead;
	atomic_long_t pages[TW_NR_TIERS];
	atomic_long_t lost;
	atomic_long_t record_bytes;
	atomic_long_t reclaim;
	struct work_struct teardown;
	struct rcu_head rcu;
};

int tw_regions_init(void);
void tw_regions_exit(void);

/*
 * Keeps the pseudo filesystem mounted between regions: 0 or -errno. Whoever makes
 * one holds a pin; later the region has its own, so that all regions alive are on
 * one device.
 */
int tw_regions_pin(void);
void tw_regions_unpin(void);
/* The pseudo filesystem's device as user space has it; 0 without any region. */
u32 tw_regions_dev(void);

/*
 * The steps of making one (region_file.c): without an id yet; room and records as
 * its flags say; an id, and its number reserved. In the end tw_region_put().
 */
struct tw_region *tw_region_alloc(struct tw_region_create *arg);
int tw_region_reserve(struct tw_region *r);
int tw_region_reserve_id(struct tw_region *r);
/* It is found by its number from now on, and no more. */
void tw_region_show(struct tw_region *r);
void tw_region_hide(struct tw_region *r);
/* No page of it is left: its room goes back. */
void tw_region_unreserve(struct tw_region *r);
/* Has @fn run with ->teardown. */
void tw_region_later(struct tw_region *r, work_func_t fn);

static inline struct tw_region *tw_region_get(struct tw_region *r)
{
	kref_get(&r->ref);
	return r;
}

void tw_region_put(struct tw_region *r);
/* The same where sleeping is not allowed: any context but NMI. */
void tw_region_put_async(struct tw_region *r);

/* By number; a reference or NULL. Ownership is the caller's to check. */
struct tw_region *tw_region_by_number(u64 number);
/* The caller may name its pages by number (owner.h). Process context, any lock. */
bool tw_region_mine(struct tw_region *r);
/* Regions alive. */
bool tw_regions_exist(void);
/* The one with the next higher number than @number: a reference or NULL. */
struct tw_region *tw_region_after(u64 number);

/* Among the regions alive it is this one's alone. */
static inline u64 tw_region_number(const struct tw_region *r)
{
	return TW_PAGE_OWNER(r->id);
}

static inline u64 tw_region_page(struct tw_region *r, unsigned long idx)
{
	return TW_PAGE(r->id, idx);
}

/* Its room was set aside when it was made. */
static inline bool tw_region_reserves(const struct tw_region *r)
{
	return r->flags & TW_REGION_RESERVE;
}

/*
 * Room for a page that the region has not, and back again. Any context but irq.
 * 0, -EDQUOT: its user has as much as it may, or -ENOSPC: the rest is reserved for
 * others.
 */
static inline int tw_region_take(const struct tw_region *r)
{
	int err;

	if (tw_region_reserves(r))
		return 0;
	err = tw_user_charge(r->user, TW_USER_PAGES, 1);
	if (err)
		return err;
	if (likely(tw_unreserved_take()))
		return 0;
	tw_user_uncharge(r->user, TW_USER_PAGES, 1);
	return -ENOSPC;
}

static inline void tw_region_give(const struct tw_region *r)
{
	if (tw_region_reserves(r))
		return;
	tw_unreserved_give();
	tw_user_uncharge(r->user, TW_USER_PAGES, 1);
}

#endif
