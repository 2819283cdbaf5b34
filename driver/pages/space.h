/* SPDX-License-Identifier: GPL-2.0 */
/*
 * space.h - an owner of pages: what all owners have, and what depends on the kind
 *
 * A space is a row of pages, by index, that belong together: they have records, are
 * of one agent, user and memcg, and are named by one id. Heat, movers, sweeps,
 * limits and accounting know spaces only. What a space is besides, its kind, is
 * behind struct tw_space_ops. Regions (region.h) are the only kind so far; a
 * struct tw_space lies in each.
 *
 * A space is referenced by its kind and, for as long as they look at it, by movers,
 * sweeps and lookups. Its kind ends it in three steps: it sets ->dead and hides it,
 * then has its pages discarded (tw_space_end(), discard.h), which drops the kind's
 * reference; with the last one records and groups go, in ->free().
 *
 * Spaces are found by number, the lower bits of their id, in an xarray read under
 * RCU, from tw_space_show() to tw_space_hide().
 */
#ifndef _TW_SPACE_H
#define _TW_SPACE_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/tierwatch.h>

#include "base/user.h"
#include "tiers/reserve.h"

struct address_space;
struct mem_cgroup;
struct tw_agent;
struct tw_chunk;
struct tw_space;

/* How tw_space_ops.scan() looks. */
#define TW_LOOK_SURE	BIT(0)	/* at each page, whatever is known of them as a whole */
#define TW_LOOK_MAPPED	BIT(1)	/* what is mapped counts as touched, and is unmapped */
#define TW_LOOK_AGAIN	BIT(2)	/* a moment after the last: nothing is unmapped */

/**
 * struct tw_space_ops - what depends on the kind of a space
 * @free: the last reference is gone and no page is left: tw_space_exit(), and frees
 *	what the space lies in, a grace period later. Sleeps.
 * @mine: may the caller name its pages by number? (owner.h) Process context, any
 *	lock.
 * @unmap: no page of [@idx, @idx + @nr) is mapped any more: the next touch is a
 *	fault. Sleeps; called with and without record locks.
 * @young: which of @nr (<= 64) pages from @idx were touched since that was last
 *	forgotten, and with @forget it is; @dirty: which were written to through
 *	their mappings. Sleeps; called without record locks, as is @scan.
 * @scan: the same for a chunk, into a bitmap of zeros, and forgotten; @how:
 *	TW_LOOK_*. False: known to be untouched as a whole, its pages were not
 *	looked at.
 *
 * What is called for each fault or each page moved is not here: a frame is tied to
 * its space by tw_space.mapping (frame.c) and knows itself how often it is mapped.
 */
struct tw_space_ops {
	void (*free)(struct tw_space *sp);
	bool (*mine)(struct tw_space *sp);
	void (*unmap)(struct tw_space *sp, unsigned long idx, unsigned long nr);
	u64 (*young)(struct tw_space *sp, unsigned long idx, unsigned int nr,
		     bool forget, u64 *dirty);
	bool (*scan)(struct tw_space *sp, struct tw_chunk *c, unsigned int how,
		     unsigned long *young);
};

/**
 * struct tw_space - an owner of pages
 * @ops: its kind
 * @ref: its kind, movers, sweeps, lookups
 * @id: never reused; for its number see TW_PAGE() of uapi
 * @nr_pages: size
 * @mapping: what its frames point to: set by its kind before the first page, the
 *	space is its host's ->i_private, and the host is freed by RCU
 * @chunks: records, by index >> TW_CHUNK_SHIFT
 * @make_lock: a chunk is being made
 * @agent: accounted to
 * @user: charged for records
 * @memcg: charged for pages, may be NULL
 * @cgroup: path of the cgroup that it was made in
 * @groups: the limits of cgroups and users that bind it (group.c): 0, or a
 *	struct tw_groups and TW_GROUPS_CHANGE
 * @home: the memory tier where its pages belong
 * @tiers: where they may be at all, by tier
 * @reserves: room for all its pages was set aside when it was made
 * @dead: what touched its pages has gone, which no fault outlives: no page is added
 * @room: pages of room reserved for it, until its pages have gone
 * @record_quota: bytes of records that @user is charged with beforehand, so that
 *	no touch fails for its cap
 * @hand: next page the sweep looks at (hint)
 * @ahead_at: page behind what was last read (hint)
 * @ahead: pages it read (hint)
 * @pages: per tier
 * @lost: POISON pages
 * @record_bytes: memory of @chunks
 * @reclaim: pages that the shrinker wants demoted
 * @work: see tw_space_later()
 * @rcu: for its kind: freed after a grace period
 */
struct tw_space {
	const struct tw_space_ops *ops;
	struct kref ref;
	u64 id;
	unsigned long nr_pages;
	struct address_space *mapping;
	struct xarray chunks;
	struct mutex make_lock;
	struct tw_agent *agent;
	struct tw_user *user;
	struct mem_cgroup *memcg;
	char *cgroup;
	unsigned long groups;
	u8 home;
	u8 tiers;
	bool reserves;
	bool dead;
	unsigned long room;
	unsigned long record_quota;
	unsigned long hand;
	unsigned long ahead_at;
	unsigned int ahead;
	atomic_long_t pages[TW_NR_TIERS];
	atomic_long_t lost;
	atomic_long_t record_bytes;
	atomic_long_t reclaim;
	struct work_struct work;
	struct rcu_head rcu;
};

int tw_spaces_init(void);
void tw_spaces_exit(void);

/*
 * A zeroed @sp of @nr_pages begins, with one reference and no id. It is accounted
 * to @agent, whose reference it takes over on success, and to the caller's user,
 * cgroup and memcg. All tiers are open to it; @home, @reserves and @mapping are its
 * kind's to set. 0 or -ENOMEM. tw_space_exit() undoes it, when no page is left.
 */
int tw_space_init(struct tw_space *sp, const struct tw_space_ops *ops,
		  unsigned long nr_pages, struct tw_agent *agent);
void tw_space_exit(struct tw_space *sp);

/* All that touches will need but for memory itself: room and records. 0 or -errno. */
int tw_space_reserve(struct tw_space *sp);
/* No page of it is left: its room goes back. */
void tw_space_unreserve(struct tw_space *sp);
/* An id, and its number reserved: 0 or -errno. Until tw_space_hide(). */
int tw_space_reserve_id(struct tw_space *sp);
/* It is found by its number from now on, and no more. */
void tw_space_show(struct tw_space *sp);
void tw_space_hide(struct tw_space *sp);

static inline struct tw_space *tw_space_get(struct tw_space *sp)
{
	kref_get(&sp->ref);
	return sp;
}

void tw_space_put(struct tw_space *sp);
/* The same where sleeping is not allowed: any context but NMI. */
void tw_space_put_async(struct tw_space *sp);
/*
 * Has @fn run with ->work, which has one use at a time: the end of its pages, then
 * the last reference that tw_space_put_async() drops, then what its kind does in
 * ->free().
 */
void tw_space_later(struct tw_space *sp, work_func_t fn);

/* By number; a reference or NULL. Ownership is the caller's to check. */
struct tw_space *tw_space_by_number(u64 number);
/* Spaces alive. */
bool tw_spaces_exist(void);
/* The one with the next higher number than @number: a reference or NULL. */
struct tw_space *tw_space_after(u64 number);

/* Among the spaces alive it is this one's alone. */
static inline u64 tw_space_number(const struct tw_space *sp)
{
	return TW_PAGE_OWNER(sp->id);
}

static inline u64 tw_space_page(const struct tw_space *sp, unsigned long idx)
{
	return TW_PAGE(sp->id, idx);
}

/* May its pages be in @tier? Both ways to a tier ask: a new frame, and a move. */
static inline bool tw_space_allows(const struct tw_space *sp, int tier)
{
	return sp->tiers & (1U << tier);
}

static inline bool tw_space_mine(struct tw_space *sp)
{
	return sp->ops->mine(sp);
}

static inline void tw_space_unmap(struct tw_space *sp, unsigned long idx,
				  unsigned long nr)
{
	sp->ops->unmap(sp, idx, nr);
}

/*
 * Room for a page that the space has not, and back again. Any context but irq.
 * 0, -EDQUOT: its user has as much as it may, or -ENOSPC: the rest is reserved for
 * others.
 */
static inline int tw_space_take(const struct tw_space *sp)
{
	int err;

	if (sp->reserves)
		return 0;
	err = tw_user_charge(sp->user, TW_USER_PAGES, 1);
	if (err)
		return err;
	if (likely(tw_unreserved_take()))
		return 0;
	tw_user_uncharge(sp->user, TW_USER_PAGES, 1);
	return -ENOSPC;
}

static inline void tw_space_give(const struct tw_space *sp)
{
	if (sp->reserves)
		return;
	tw_unreserved_give();
	tw_user_uncharge(sp->user, TW_USER_PAGES, 1);
}

#endif
