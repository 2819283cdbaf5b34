// SPDX-License-Identifier: GPL-2.0
/*
 * reserve.c - setting room aside
 *
 * Owns room, room_taken and room_reserved of the statistics page. reserve.h says what
 * they mean and which callers change them.
 *
 * Locks. tw_room_lock (a spinlock; within a tier's pressure_lock, innermost
 * otherwise) orders calls that reserve and calls that change the room. First
 * touches of regions that reserve nothing take room without it: they raise
 * room_taken first and then look at the other two, while calls under the lock change
 * those first and then look at room_taken. So of any two, one sees the other.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/spinlock.h>

#include "base/percent.h"
#include "base/stats.h"
#include "base/user.h"
#include "tiers/reserve.h"
#include "tiers/reserve_calc.h"
#include "tiers/tier.h"

static DEFINE_SPINLOCK(tw_room_lock);

atomic_long_t tw_room_told;

/* The part of what is reserved that users without CAP_SYS_RESOURCE have. */
static unsigned long tw_reserved_capped;

static unsigned int max_reserve_percent = 50;
module_param(max_reserve_percent, uint, 0644);
MODULE_PARM_DESC(max_reserve_percent, "Percent of the tiers' room that all users without CAP_SYS_RESOURCE may reserve together (default 50)");

static atomic64_t *tw_room_ctr(void)
{
	return (atomic64_t *)&tw_stats->room;
}

static atomic64_t *tw_taken_ctr(void)
{
	return (atomic64_t *)&tw_stats->room_taken;
}

static atomic64_t *tw_reserved_ctr(void)
{
	return (atomic64_t *)&tw_stats->room_reserved;
}

/* -- pages of regions that reserve nothing ----------------------------------- */

bool tw_unreserved_take(unsigned long n)
{
	/*
	 * Fully ordered, pairs with the barriers after room_reserved was raised
	 * (tw_reserve_locked()) or the room lowered (tw_room_remove()).
	 */
	u64 taken = atomic64_add_return(n, tw_taken_ctr());

	if (likely(!atomic64_read(tw_reserved_ctr())) ||
	    !tw_room_over(atomic64_read(tw_room_ctr()), taken))
		return true;
	atomic64_sub(n, tw_taken_ctr());
	return false;
}

void tw_unreserved_give(unsigned long n)
{
	atomic64_sub(n, tw_taken_ctr());
}

/* -- reserving ----------------------------------------------------------------- */

/* Fills in what there is now. ->taken is left out, since it changes without the lock. */
static void tw_room_look(struct tw_room_state *s)
{
	int tier;

	*s = (struct tw_room_state){
		.room = atomic64_read(tw_room_ctr()),
		/* Less the pages of regions in it, which ->in_memory counts. */
		.available = max(si_mem_available() -
				 atomic_long_read(&tw_room_told), 0L),
	};
	tw_for_each_memory_tier(tier)
		if (tw_tier_bound(tier))
			s->in_memory += tw_tier_used(&tw_tiers[tier]);
	tw_for_each_store_tier(tier)
		if (tw_tier_bound(tier))
			s->slots += READ_ONCE(tw_tiers[tier].capacity);
}

/*
 * Adds to room_taken only if @nr fits, so that no first touch ever sees a count that
 * is too high and fails for it.
 */
static bool tw_reserve_take(struct tw_room_state *s, unsigned long nr)
{
	s64 taken = atomic64_read(tw_taken_ctr());

	do {
		s->taken = taken;
		if (!tw_room_fits(s, nr))
			return false;
	} while (!atomic64_try_cmpxchg(tw_taken_ctr(), &taken, taken + nr));
	return true;
}

static int tw_reserve_locked(struct tw_user *u, unsigned long nr)
{
	struct tw_room_state s;
	bool capped = !tw_user_exempt(u);

	lockdep_assert_held(&tw_room_lock);

	tw_room_look(&s);
	/* A call that must fail does not raise room_reserved: first touches read it. */
	s.taken = atomic64_read(tw_taken_ctr());
	if (!tw_room_fits(&s, nr))
		return -ENOSPC;
	if (capped && tw_reserved_capped + nr >
	    tw_percent_of(s.room, READ_ONCE(max_reserve_percent)))
		return -EDQUOT;
	/* Fully ordered, pairs with tw_unreserved_take(). */
	atomic64_add_return(nr, tw_reserved_ctr());
	if (!tw_reserve_take(&s, nr)) {
		atomic64_sub(nr, tw_reserved_ctr());
		return -ENOSPC;
	}
	if (capped)
		tw_reserved_capped += nr;
	return 0;
}

/**
 * tw_reserve - set room aside
 * @u: the user that it is charged to
 * @nr: pages, at most TW_REGION_MAX_PAGES
 *
 * Process context.
 *
 * Return: 0, or if nothing is set aside -ENOSPC (there is not that much) or -EDQUOT
 * (the user, or all capped users together, may not reserve so much).
 */
int tw_reserve(struct tw_user *u, unsigned long nr)
{
	int err;

	err = tw_user_charge(u, TW_USER_RESERVED, nr);
	if (err)
		return err;
	err = tw_user_charge(u, TW_USER_PAGES, nr);
	if (err)
		goto reserved;
	spin_lock(&tw_room_lock);
	err = tw_reserve_locked(u, nr);
	spin_unlock(&tw_room_lock);
	if (err)
		goto pages;
	return 0;

pages:
	tw_user_uncharge(u, TW_USER_PAGES, nr);
reserved:
	tw_user_uncharge(u, TW_USER_RESERVED, nr);
	return err;
}

/**
 * tw_unreserve - give room back that was set aside
 * @u: the user that it was charged to
 * @nr: pages, none of which is in use any more
 *
 * Process context.
 */
void tw_unreserve(struct tw_user *u, unsigned long nr)
{
	spin_lock(&tw_room_lock);
	if (!tw_user_exempt(u))
		tw_reserved_capped -= nr;
	atomic64_sub(nr, tw_taken_ctr());
	atomic64_sub(nr, tw_reserved_ctr());
	spin_unlock(&tw_room_lock);
	tw_user_uncharge(u, TW_USER_PAGES, nr);
	tw_user_uncharge(u, TW_USER_RESERVED, nr);
}

/* -- the room ---------------------------------------------------------------- */

static bool tw_room_short(unsigned long less)
{
	s64 room = atomic64_read(tw_room_ctr());

	/* No underflow: the tier whose pages @less counts is part of the room. */
	return atomic64_read(tw_reserved_ctr()) &&
	       tw_room_over(room - less, atomic64_read(tw_taken_ctr()));
}

static void tw_room_warn(void)
{
	s64 over = atomic64_read(tw_taken_ctr()) - atomic64_read(tw_room_ctr());

	if (atomic64_read(tw_reserved_ctr()) && over > 0)
		pr_warn("%lld pages more are reserved or in use than the tiers have room for\n",
			over);
}

void tw_room_add(unsigned long nr)
{
	spin_lock(&tw_room_lock);
	atomic64_add(nr, tw_room_ctr());
	spin_unlock(&tw_room_lock);
}

void tw_room_change(unsigned long from, unsigned long to)
{
	spin_lock(&tw_room_lock);
	atomic64_add((s64)to - (s64)from, tw_room_ctr());
	if (to < from)
		tw_room_warn();
	spin_unlock(&tw_room_lock);
}

/**
 * tw_room_remove - a tier is to go
 * @nr: its capacity
 * @force: even if more is reserved than the other tiers can hold
 *
 * Any context but irq.
 *
 * Return: 0, or -ENOSPC if the tier's room still counts.
 */
int tw_room_remove(unsigned long nr, bool force)
{
	int err = 0;

	spin_lock(&tw_room_lock);
	if (!force && tw_room_short(nr)) {
		err = -ENOSPC;
		goto unlock;
	}
	/* Fully ordered, pairs with tw_unreserved_take(). */
	atomic64_sub_return(nr, tw_room_ctr());
	if (tw_room_short(0)) {
		if (force) {
			tw_room_warn();
		} else {
			atomic64_add(nr, tw_room_ctr());
			err = -ENOSPC;
		}
	}
unlock:
	spin_unlock(&tw_room_lock);
	return err;
}

bool tw_room_spare(unsigned long nr)
{
	bool spare;

	spin_lock(&tw_room_lock);
	spare = !tw_room_short(nr);
	spin_unlock(&tw_room_lock);
	return spare;
}
