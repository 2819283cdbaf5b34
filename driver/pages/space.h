/* SPDX-License-Identifier: GPL-2.0 */
/*
 * space.h - an owner of pages: what all owners have, and what depends on the kind
 *
 * A space is a row of pages, by index, that belong together: they have records, are
 * accounted to one agent, user and memcg, and are named by one id. Heat, movers,
 * sweeps, limits and accounting know spaces only. What else a space is, its kind, is
 * behind struct tw_space_ops; each has a struct tw_space in it. There are regions
 * (region.h), whose pages are managed: the driver allocates and places them. And there
 * are attached programs (attached/attachment.h), whose pages are foreign: the kernel
 * places them, and the driver only knows their heat.
 *
 * A space is referenced by its kind and, for as long as they look at it, by movers,
 * sweeps and lookups. Its kind ends it in three steps: it sets ->dead and hides it,
 * then has its pages discarded (tw_space_end(), discard.h), which drops the kind's
 * reference; with the last one records and groups go, in ->free().
 *
 * Spaces are found by number, the lower bits of their id, in an xarray read under
 * RCU, from tw_space_show() to tw_space_hide().
 *
 * Locks: @make_lock for the making of chunks (record.c), and those of the pages, which
 * are the locks of their records. All higher rooms may call it; what begins and ends a
 * space is for its kind.
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
#define TW_LOOK_SURE	BIT(0)	/* at each page, even if the table seems untouched */
#define TW_LOOK_MAPPED	BIT(1)	/* what is mapped counts as touched, and is unmapped */
#define TW_LOOK_AGAIN	BIT(2)	/* soon after another scan: nothing is unmapped */

/**
 * struct tw_space_ops - what depends on the kind of a space
 * @free: called when the last reference is gone and no page is left. Calls
 *	tw_space_exit(), and a grace period later frees the struct that has the space in
 *	it. Sleeps.
 * @mine: may the caller name its pages by number (owner.h)? Process context, any
 *	lock.
 * @unmap: unmaps pages [@idx, @idx + @nr), so that the next touch is a fault. Sleeps;
 *	called with and without record locks.
 * @young: tells which of @nr (<= 64) pages from @idx on were touched since touches
 *	were last forgotten, and with @forget forgets them. *@dirty tells which were
 *	written to through their mappings. Sleeps; called without record locks, as is
 *	@scan.
 * @scan: the same for a chunk, into a bitmap of zeros, and touches are forgotten. @how
 *	is TW_LOOK_*. Returns 1; 0 if the chunk as a whole is known to be untouched and
 *	its pages were not looked at; or -EAGAIN if they could not be looked at now.
 * @touched: tells which of the chunks @c[i], in the order of their pages, for which @which
 *	has bit i, may have been touched since touches were last forgotten: those have
 *	their bits in what it returns. It looks at no page, and forgets what it has seen;
 *	so a chunk that may have been touched has to be scanned at once, TW_LOOK_SURE.
 *	Sleeps, as @scan. NULL if nothing is noted but of each page.
 * @find: NULL, or makes chunks for pages that have come without the driver's doing. The
 *	scanner calls it once in each scan, before it looks at the space. Sleeps.
 *
 * A foreign space has no @unmap and @young, since only its heat is asked for.
 * There is no op for each fault or each page that moves: a frame is tied to its space
 * by tw_space.mapping (frame.c), and itself knows how often it is mapped.
 */
struct tw_space_ops {
	void (*free)(struct tw_space *sp);
	bool (*mine)(struct tw_space *sp);
	void (*unmap)(struct tw_space *sp, unsigned long idx, unsigned long nr);
	u64 (*young)(struct tw_space *sp, unsigned long idx, unsigned int nr,
		     bool forget, u64 *dirty);
	int (*scan)(struct tw_space *sp, struct tw_chunk *c, unsigned int how,
		    unsigned long *young);
	u64 (*touched)(struct tw_space *sp, struct tw_chunk *const *c, u64 which);
	void (*find)(struct tw_space *sp);
};

/**
 * struct tw_space - an owner of pages
 * @ops: its kind
 * @ref: references of its kind, movers, sweeps and lookups
 * @id: never reused; for its number see TW_PAGE() of the uapi header
 * @nr_pages: size
 * @mapping: the mapping that its frames point to. Its kind sets it before the first
 *	page; the mapping's host has the space in ->i_private and is freed by RCU
 * @chunks: records, by index >> TW_CHUNK_SHIFT
 * @make_lock: held while a chunk is made
 * @agent: agent that its pages are accounted to
 * @user: user that is charged for its records
 * @memcg: memcg that is charged for its pages, may be NULL
 * @cgroup: path of the cgroup that it was made in
 * @groups: the groups of cgroups and users that bind it (group.c): 0, or a pointer to
 *	a struct tw_groups, and the bit TW_GROUPS_CHANGE
 * @home: the memory tier where its pages belong
 * @tiers: the tiers where they may be, a bit for each
 * @foreign: its pages are the kernel's, in state FOREIGN or NONE. They are in no count
 *	of tiers, agents and groups, and nothing here moves or frees them
 * @reserves: room for all its pages was set aside when it was made
 * @huge: its pages may be in folios of 2 MiB (huge.h). Then the kernel maps what a
 *	fault returns, locked, after the record's lock was dropped
 * @dead: nothing can touch its pages any more, no fault is under way, and no page is
 *	added from now on
 * @room: pages of room reserved for it, until its pages have gone
 * @record_quota: bytes of records that @user is charged for beforehand, so that
 *	no touch fails for the user's cap
 * @hand: the next page that a sweep looks at (hint)
 * @pages: pages in each tier
 * @lost: POISON pages
 * @record_bytes: memory of @chunks
 * @reclaim: pages that the shrinker wants demoted
 * @work: see tw_space_later()
 * @rcu: its kind frees it after a grace period
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
	bool foreign;
	bool reserves;
	bool huge;
	bool dead;
	unsigned long room;
	unsigned long record_quota;
	unsigned long hand;
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
 * Sets up a zeroed @sp of @nr_pages, with one reference and no id. It is accounted
 * to @agent, whose reference it takes over on success, and to the caller's user,
 * cgroup and memcg. Its pages may be in all tiers; its kind has to set @home, @foreign,
 * @reserves and @mapping. Returns 0 or -ENOMEM. tw_space_exit() undoes it, when no page is left.
 */
int tw_space_init(struct tw_space *sp, const struct tw_space_ops *ops,
		  unsigned long nr_pages, struct tw_agent *agent);
void tw_space_exit(struct tw_space *sp);

/*
 * If @sp reserves, sets aside all that touches need except memory itself: room, and the
 * charge for records. Returns 0 or -errno.
 */
int tw_space_reserve(struct tw_space *sp);
/* Gives its room back when no page of it is left. */
void tw_space_unreserve(struct tw_space *sp);
/* Gives it an id, whose number is reserved until tw_space_hide(). 0 or -errno. */
int tw_space_reserve_id(struct tw_space *sp);
/* Between these two it is found by its number. */
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
 * Has a worker run @fn with ->work, which has one use at a time: first the end of its
 * pages, then the end of the last reference (tw_space_put_async()), then what its kind
 * does in ->free().
 */
void tw_space_later(struct tw_space *sp, work_func_t fn);

/* The space of a number, with a reference, or NULL. The caller checks ownership. */
struct tw_space *tw_space_by_number(u64 number);
/* Whether any space is alive whose pages need a tier. */
bool tw_spaces_exist(void);
/* The space with the next higher number than @number, with a reference, or NULL. */
struct tw_space *tw_space_after(u64 number);
/* The same, passing over those whose pages are foreign. */
struct tw_space *tw_managed_after(u64 number);

/* Its number, which no other living space has. */
static inline u64 tw_space_number(const struct tw_space *sp)
{
	return TW_PAGE_OWNER(sp->id);
}

static inline u64 tw_space_page(const struct tw_space *sp, unsigned long idx)
{
	return TW_PAGE(sp->id, idx);
}

/* May its pages be in @tier? Both ways into a tier ask this: new frames and moves. */
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
 * Takes room for @n pages that the space does not have yet, and gives it back. Any
 * context but irq. Returns 0, -EDQUOT if its user has as much as it may, or -ENOSPC if
 * the rest is reserved for others.
 */
static inline int tw_space_take(const struct tw_space *sp, unsigned long n)
{
	int err;

	if (sp->reserves)
		return 0;
	err = tw_user_charge(sp->user, TW_USER_PAGES, n);
	if (err)
		return err;
	if (likely(tw_unreserved_take(n)))
		return 0;
	tw_user_uncharge(sp->user, TW_USER_PAGES, n);
	return -ENOSPC;
}

static inline void tw_space_give(const struct tw_space *sp, unsigned long n)
{
	if (sp->reserves)
		return;
	tw_unreserved_give(n);
	tw_user_uncharge(sp->user, TW_USER_PAGES, n);
}

#endif
