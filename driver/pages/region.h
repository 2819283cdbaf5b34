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
#include "pages/record.h"
#include "tiers/reserve.h"
#include "tiers/tier.h"

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

extern const struct file_operations tw_region_fops;
extern const struct vm_operations_struct tw_region_vm_ops;

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
struct file *tw_region_create(struct tw_region_create *arg);
/* One more file of the same region, open for reading only. Sleeps. */
struct file *tw_region_view(struct tw_region *r);
/* How many pages were freed, -EPERM: it is sealed, or -EINTR. Sleeps. */
long tw_region_discard(struct tw_region *r, unsigned long idx, unsigned long nr);

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
/* The region that the frame belongs to and its index; a reference or NULL. */
struct tw_region *tw_region_by_pfn(u64 pfn, unsigned long *idx);
/* The caller may name its pages by number (owner.h). Process context, any lock. */
bool tw_region_mine(struct tw_region *r);
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

/* -- fault.c --------------------------------------------------------------- */

vm_fault_t tw_region_fault(struct vm_fault *vmf);

/* -- move.c ---------------------------------------------------------------- */

#define TW_BATCH	64

/* In a move's reason: it is what a caller has said. */
#define TW_BY_CALLER	BIT(8)

/* A reason that callers may have for a move. */
static inline bool tw_reason_asked(u32 reason)
{
	return reason < TW_REASON_FAULT;
}

/* tw_move.flags */
#define TW_MOVE_SAME	BIT(0)	/* also within the tier, to another frame */
#define TW_MOVE_CHOICE	BIT(1)	/* one of several targets: a full one is no failure */
#define TW_MOVE_NO_LIMIT BIT(2)	/* agents' limits do not count */
#define TW_MOVE_INTR	BIT(3)	/* any signal ends the wait, not only a fatal one */
#define TW_MOVE_CHARGED	BIT(4)	/* its I/O is some cgroup's, which may have to wait */

/**
 * struct tw_move - up to TW_BATCH pages of one region on their way to a tier
 * @region: theirs
 * @to: target
 * @from: only pages in this tier, TW_TIER_NONE: any
 * @reason: enum tw_reason, and TW_BY_CALLER
 * @flags: TW_MOVE_*
 * @nid: node to go to within a memory tier, NUMA_NO_NODE: near the running CPU
 * @nr: pages
 * @moved: out: how many moved
 * @idx: page indices; neighbours in order are unmapped together
 * @status: out: per page, as uapi's tw_migrate_pages has it
 * @from_tier: out: where each was
 * @rec: scratch: locked records
 * @page: scratch: source pages
 * @target: scratch: target pages
 * @left: scratch: I/O has been left
 * @nr_io: scratch: pages whose I/O is under way
 * @io_at: scratch: which page an io is for
 * @ios: scratch: the I/O; NULL when memory failed since the last was left
 */
struct tw_move {
	struct tw_region *region;
	int to;
	int from;
	int reason;
	unsigned int flags;
	int nid;
	unsigned int nr;
	unsigned int moved;
	unsigned long idx[TW_BATCH];
	int status[TW_BATCH];
	u8 from_tier[TW_BATCH];
	struct tw_rec *rec[TW_BATCH];
	struct page *page[TW_BATCH];
	struct page *target[TW_BATCH];
	bool left;
	unsigned int nr_io;
	u8 io_at[TW_BATCH];
	struct tw_moving *ios;
};

/**
 * struct tw_moving - the I/O of a batch
 * @f: its transfer
 * @io: its pages
 * @stable: the records of what is written stay locked
 * @t0: when the batch began
 * @left: once the batch has been left: a copy with just these pages
 */
struct tw_moving {
	struct tw_xfer f;
	struct tw_io io[TW_BATCH];
	bool stable;
	u64 t0;
	struct tw_move *left;
};

struct tw_move *tw_move_alloc(gfp_t gfp);	/* move_wait.c */
void tw_move_free(struct tw_move *m);
/* Before a batch; false: no memory. */
bool tw_move_ready(struct tw_move *m, u64 t0);
/*
 * Waits for the batch's transfer: false when it has landed. True: it was left,
 * its pages are not @m's any more, and @landed ends them.
 */
bool tw_move_wait(struct tw_move *m, void (*landed)(struct tw_xfer *f));
/*
 * Carries it out: sleeps, takes record locks; every page has a status after.
 * I/O is not waited for by who is killed, nor, for TW_XFER_HUNG or longer, by
 * a kernel thread or with TW_MOVE_CHOICE: it is left to its end, and its pages
 * are told as -EBUSY, as they are to anybody else who wants to move them.
 */
void tw_move_run(struct tw_move *m);
/*
 * Who looks for pages to demote finds none while all are on their way. After
 * tw_moves_out_seen(), tw_moves_out_wait() sleeps until pages have reached a
 * store since, or no batch is under way; whether some have. No locks but
 * mmap_lock are held.
 */
unsigned long tw_moves_out_seen(void);
bool tw_moves_out_wait(unsigned long seen);

/*
 * How far beyond the tiers' capacity: not at all, for a first touch, for a page
 * that comes back, for a page whose room is reserved. The second gets twice as
 * far as the first, so that when everything is full of first touches what lies in
 * the stores can still be reached; the last further still, so that those leave it
 * a way.
 */
#define TW_OVER_NONE	0
#define TW_OVER_FIRST	1
#define TW_OVER_BACK	2
#define TW_OVER_RESERVED 4
/* With any of these: beyond the agent's limits, if need be. */
#define TW_OVER_LIMIT	BIT(3)

/*
 * A page of memory for @r near the running CPU, charged to a tier and (with
 * __GFP_ACCOUNT) to @memcg; *@tier says where. @over: TW_OVER_*.
 */
struct page *tw_page_get(struct tw_region *r, struct mem_cgroup *memcg,
			 gfp_t gfp, unsigned int over, int *tier);
/* Gives back what tw_page_get() gave and nobody has seen. */
void tw_page_unget(struct page *page, int tier);
/*
 * Around getting a frame and tying it to its record: memory that goes offline
 * waits for whoever has got one of its frames and not shown it yet. Sleeping
 * is fine in between. tw_frames_wait(): see tw_evacuate_pfns().
 */
int tw_frames_enter(void);
void tw_frames_leave(int token);
void tw_frames_wait(void);
/*
 * Around I/O that nobody waits for any more: in between, neither @r nor the
 * module goes, and memory that goes offline waits, as above. The end comes in
 * process context and may be the end of @r.
 */
void tw_left_begin(struct tw_region *r);
void tw_left_end(struct tw_region *r);
/* Ties a fresh page to its place in the region; before it is published. */
void tw_page_attach(struct tw_region *r, unsigned long idx, struct page *page);
/* Unties and frees a page that is frozen (refcount 0). */
void tw_page_free_frozen(struct page *page);
/* Frees a page that may be referenced elsewhere; unmapped. Sleeps. */
void tw_page_drop(struct page *page);
/* Counts, traces and publishes one page's move. */
void tw_page_moved(struct tw_region *r, unsigned long idx, int from, int to,
		   int reason, int status, u64 ns);
/* The same for a page of either kind, by number. */
void tw_moved(struct tw_agent *agent, u64 page, int from, int to, int reason,
	      int status, u64 ns);

/* Region, agent and groups: @n pages more in @tier. */
void tw_pages_add(struct tw_region *r, int tier, long n);
/* Frees the slot of a locked record, if it has one. */
void tw_slot_drop(struct tw_rec *rec);
/* A locked STORE or MEM record whose bytes are gone becomes POISON. */
void tw_rec_poison(struct tw_region *r, struct tw_rec *rec);

/* -- readin.c ------------------------------------------------------------ */

int tw_readin_init(void);
void tw_readin_exit(void);
/*
 * A locked STORE record's page to @page of memory tier @tier, with what lies
 * behind it in the store when there is room. Takes over @page and its charge.
 * The record stays locked: 0 or -errno; but for -EINTR: the caller is being
 * killed, and the record is the read's, or is unlocked.
 */
int tw_read_in(struct tw_region *r, unsigned long idx, struct tw_rec *rec,
	       struct page *page, int tier);
/*
 * The end of a READING record: to MEM in @page on success (@err 0), back to
 * STORE or POISON else, and @page is given back. Returns @err.
 */
int tw_read_done(struct tw_region *r, unsigned long idx, struct tw_rec *rec,
		 struct page *page, int tier, int err);

/* -- background.c ------------------------------------------------------------ */

int tw_demote_init(void);
void tw_demote_exit(void);
/* Demote from @r in the background what its ->reclaim says. Any context. */
void tw_demote_queue(void);
/*
 * Have the background do what is asked of regions of @memcg, and wait for it up
 * to @patience jiffies, if that is not known to be vain. Returns how many of up
 * to @nr pages were demoted, each counted for one caller only.
 */
unsigned long tw_demote_wait(struct mem_cgroup *memcg, unsigned long nr,
			     long patience);
/* Nothing is to be written to stores now. */
bool tw_demote_is_paused(void);
/* The memory tiers together have little room left: wake the background. */
void tw_demote_check(void);

/* -- store_choice.c ------------------------------------------------------ */

/* No wish: the fastest with room. */
#define TW_WISH_PLAIN		0

/* Where the page should go from memory: a store, TW_WISH_PLAIN. A hint. */
int tw_store_wish(const struct tw_rec *rec, unsigned long w, bool dirty);
/* The fastest store with room from @first on, or TW_TIER_NONE. */
int tw_store_choose(int first);
/* All are full: one whose copies of pages in memory have been freed. Sleeps. */
int tw_store_choose_reap(void);
/* Is there a store with room, or with room that copies take up? */
bool tw_store_possible(void);
/* Pages that stores have room for, with those whose copies are there. */
unsigned long tw_store_room_all(void);
/* Slots free above the slowest store; ULONG_MAX when there is but one. */
unsigned long tw_store_fast_room(void);
/* The next store below @tier that takes pages of @r, or TW_TIER_NONE. */
int tw_sink_target(struct tw_region *r, int tier);
/* Frees kept copies in store @tier, up to @nr; returns how many. Sleeps. */
unsigned long tw_reap_kept(int tier, unsigned long nr);
/* The word of a page that leaves memory now for store @tier; @w: its slot's. */
unsigned long tw_w_left(unsigned long w, int tier);
/* The page was @was, a fault has brought it back in @ns. Its record is locked. */
void tw_refaulted(struct tw_rec *rec, unsigned long was, u64 ns);
/* ns that such faults have waited since load. */
u64 tw_refault_waited(void);

/* -- limits.c -------------------------------------------------------- */

/*
 * Move pages of agents that are beyond their limits in memory to stores, up to
 * @nr of each region. Sleeps. Returns how many moved.
 */
unsigned long tw_demote_limits(unsigned long nr);
/* The same for all tiers until nothing moves or *@stop; in background.c's work. */
void tw_limits_work(const bool *stop);
void tw_limits_exit(void);	/* that work runs no more */

/* -- accessed.c -------------------------------------------------------------- */

/*
 * Which of @nr (<= 64) pages from @idx were touched since last forgotten; @dirty:
 * which of them were written to through their mappings.
 */
u64 tw_scan_young(struct tw_region *r, unsigned long idx, unsigned int nr,
		  bool forget, u64 *dirty);
/*
 * The same for a chunk, into a bitmap of zeros, and forgotten. False: known to
 * be untouched as a whole, its pages were not looked at. @again: just looked at,
 * look at all of it. The scanner's alone.
 */
bool tw_scan_chunk(struct tw_region *r, struct tw_chunk *c,
		   unsigned long *young, bool again);
/* Does it take pages to be touched when they are mapped there, and unmap them? */
bool tw_scan_by_mapping(const struct vm_area_struct *vma);

/* -- shrinker.c ------------------------------------------------------------ */

int tw_shrinker_init(void);	/* for memcgs: by tw_records_init() */
void tw_shrinker_exit(void);
int tw_pressed_init(void);	/* for nodes, and the last resort */
void tw_pressed_exit(void);
struct tw_chunk *tw_shrinker_alloc_chunk(gfp_t gfp);
/* The chunk has resident pages: reclaim may walk it from now on. */
void tw_shrinker_track(struct tw_chunk *c);
/* No walk is in it when this returns, and none will be. */
void tw_shrinker_untrack(struct tw_chunk *c);
void tw_shrinker_free_chunk(struct tw_chunk *c);

/* -- migrate.c --------------------------------------------------------- */

int tw_migrate_pages_ioctl(struct tw_migrate_pages *arg);
int tw_migrate_range_mm(struct tw_migrate_range *arg);
int tw_migrate_range_region(struct tw_region *r, struct tw_migrate_range *arg);
int tw_page_info_ioctl(struct tw_page_info *arg);
int tw_region_pages_ioctl(struct tw_region *r, struct tw_region_pages *arg);
u32 tw_max_pages(void);

#endif
