// SPDX-License-Identifier: GPL-2.0
/*
 * group_join.c - adding regions to groups and removing them
 *
 * Owns the list of groups and changes which groups bind a region.
 *
 * Locks. tw_groups_mutex orders calls that change the arrays (group_entry.h). The
 * creation of a region takes it with no other lock held. group.c says how counts are
 * kept right while arrays change.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "pages/group.h"
#include "pages/group_entry.h"
#include "pages/region.h"

LIST_HEAD(tw_groups);
DEFINE_MUTEX(tw_groups_mutex);

static bool tw_groups_has(const struct tw_groups *s, const struct tw_group *g)
{
	unsigned int i;

	for (i = 0; s && i < s->nr; i++)
		if (s->group[i] == g)
			return true;
	return false;
}

static void tw_groups_append(struct tw_groups *s, struct tw_group *g)
{
	kref_get(&g->ref);
	s->group[s->nr++] = g;
}

/* Allocates an empty array with room for @nr groups. Returns NULL without memory. */
static struct tw_groups *tw_groups_alloc(unsigned int nr)
{
	struct tw_groups *s;

	s = kzalloc(struct_size(s, group, nr), GFP_KERNEL_ACCOUNT);
	if (s)
		INIT_LIST_HEAD(&s->next);
	return s;
}

/* Prepares a copy of the region's array with @g added, or removed. */
static struct tw_groups *tw_groups_prepare(struct tw_region *r,
					   struct tw_group *g, bool add)
{
	const struct tw_groups *old = tw_groups_of(r);
	unsigned int i, nr = old ? old->nr : 0;
	struct tw_groups *s = tw_groups_alloc(nr + add);

	if (!s)
		return NULL;
	for (i = 0; i < nr; i++)
		if (old->group[i] != g)
			tw_groups_append(s, old->group[i]);
	if (add)
		tw_groups_append(s, g);
	s->region = tw_region_get(r);
	return s;
}

/*
 * Publishes a prepared array, and moves the region's pages into or out of the counts
 * of @g. The region is marked, so no count of it changes without the lock.
 */
static void tw_groups_switch(struct tw_groups *s, struct tw_group *g, bool add)
{
	struct tw_region *r = s->region;
	unsigned long old;
	long n;
	int tier;

	spin_lock(&tw_groups_lock);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		n = atomic_long_read(&r->pages[tier]);
		atomic_long_add(add ? n : -n, &g->pages[tier]);
	}
	old = r->groups;
	/* Pairs with tw_region_count(): counting that sees this comes after the sum. */
	smp_store_release(&r->groups, s->nr ? (unsigned long)s : 0);
	spin_unlock(&tw_groups_lock);

	tw_groups_free(old);
	if (!s->nr)
		kfree(s);
	tw_region_put_async(r);
}

static void tw_groups_drop(struct list_head *list)
{
	struct tw_groups *s, *n;

	list_for_each_entry_safe(s, n, list, next) {
		list_del(&s->next);
		tw_region_put_async(s->region);
		tw_groups_free_rcu(&s->rcu);	/* was never published */
	}
}

/*
 * Prepares arrays for all regions that @g binds. Returns 0, or -ENOMEM with an empty
 * @list.
 */
static int tw_groups_collect(struct tw_group *g, bool add,
			     struct list_head *list)
{
	struct tw_groups *s;
	struct tw_region *r;
	u64 id = 0;

	while ((r = tw_region_after(id))) {
		id = tw_region_number(r);
		if (tw_group_binds(g, r) &&
		    tw_groups_has(tw_groups_of(r), g) != add) {
			s = tw_groups_prepare(r, g, add);
			if (!s)
				goto drop;
			list_add_tail(&s->next, list);
		}
		tw_region_put_async(r);
		cond_resched();
	}
	return 0;

drop:
	tw_region_put_async(r);
	tw_groups_drop(list);
	return -ENOMEM;
}

int tw_group_spread(struct tw_group *g, bool add)
{
	struct tw_groups *s, *n;
	LIST_HEAD(list);
	int err;

	lockdep_assert_held(&tw_groups_mutex);
	err = tw_groups_collect(g, add, &list);
	if (err || list_empty(&list))
		return err;
	list_for_each_entry(s, &list, next)
		WRITE_ONCE(s->region->groups,
			   s->region->groups | TW_GROUPS_CHANGE);
	/* Waits for counting that has not seen the mark. */
	synchronize_rcu();
	list_for_each_entry_safe(s, n, &list, next)
		tw_groups_switch(s, g, add);
	return 0;
}

int tw_groups_join(struct tw_region *r)
{
	struct tw_groups *s;
	struct tw_group *g;
	unsigned int nr = 0;
	int err = 0;

	mutex_lock(&tw_groups_mutex);
	list_for_each_entry(g, &tw_groups, node)
		nr += tw_group_binds(g, r);
	if (!nr)
		goto unlock;
	s = tw_groups_alloc(nr);
	if (!s) {
		err = -ENOMEM;
		goto unlock;
	}
	list_for_each_entry(g, &tw_groups, node)
		if (tw_group_binds(g, r))
			tw_groups_append(s, g);
	/* The region has no pages, so no count of a group changes. */
	tw_groups_free(xchg(&r->groups, (unsigned long)s));
unlock:
	mutex_unlock(&tw_groups_mutex);
	return err;
}
