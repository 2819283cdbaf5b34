// SPDX-License-Identifier: GPL-2.0
/*
 * group_join.c - spaces join groups, and leave them
 *
 * Owns the list of groups and the changes of which groups bind a space. region_file.c
 * calls it when it makes a region, and group_limit.c when a group begins or ends.
 *
 * Locks: tw_groups_mutex orders calls that change the arrays (group_entry.h). A call
 * that makes a space takes it with no other lock held. group.c describes how counts
 * stay right meanwhile.
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
#include "pages/space.h"

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

/* Makes a new array for a space that @g binds: its present one with @g, or without. */
static struct tw_groups *tw_groups_prepare(struct tw_space *sp,
					   struct tw_group *g, bool add)
{
	const struct tw_groups *old = tw_groups_of(sp);
	unsigned int i, nr = old ? old->nr : 0;
	struct tw_groups *s = tw_groups_alloc(nr + add);

	if (!s)
		return NULL;
	for (i = 0; i < nr; i++)
		if (old->group[i] != g)
			tw_groups_append(s, old->group[i]);
	if (add)
		tw_groups_append(s, g);
	s->space = tw_space_get(sp);
	return s;
}

/* Changes sums and array together, while all counts of the space wait for the lock. */
static void tw_groups_switch(struct tw_groups *s, struct tw_group *g, bool add)
{
	struct tw_space *sp = s->space;
	unsigned long old;
	long n;
	int tier;

	spin_lock(&tw_groups_lock);
	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		n = atomic_long_read(&sp->pages[tier]);
		atomic_long_add(add ? n : -n, &g->pages[tier]);
	}
	old = sp->groups;
	/* Pairs with tw_space_count(): counts without the lock come after the sums. */
	smp_store_release(&sp->groups, s->nr ? (unsigned long)s : 0);
	spin_unlock(&tw_groups_lock);

	tw_groups_free(old);
	if (!s->nr)
		kfree(s);
	tw_space_put_async(sp);
}

static void tw_groups_drop(struct list_head *list)
{
	struct tw_groups *s, *n;

	list_for_each_entry_safe(s, n, list, next) {
		list_del(&s->next);
		tw_space_put_async(s->space);
		tw_groups_free_rcu(&s->rcu);	/* it was never published */
	}
}

/*
 * Fills @list with arrays for all spaces that @g is for. Returns 0, or -ENOMEM with an
 * empty @list.
 */
static int tw_groups_collect(struct tw_group *g, bool add,
			     struct list_head *list)
{
	struct tw_groups *s;
	struct tw_space *sp;
	u64 id = 0;

	while ((sp = tw_managed_after(id))) {
		id = tw_space_number(sp);
		if (tw_group_binds(g, sp) &&
		    tw_groups_has(tw_groups_of(sp), g) != add) {
			s = tw_groups_prepare(sp, g, add);
			if (!s)
				goto drop;
			list_add_tail(&s->next, list);
		}
		tw_space_put_async(sp);
		cond_resched();
	}
	return 0;

drop:
	tw_space_put_async(sp);
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
		WRITE_ONCE(s->space->groups,
			   s->space->groups | TW_GROUPS_CHANGE);
	/* Waits for counting that has not seen the mark. */
	synchronize_rcu();
	list_for_each_entry_safe(s, n, &list, next)
		tw_groups_switch(s, g, add);
	return 0;
}

int tw_groups_join(struct tw_space *sp)
{
	struct tw_groups *s;
	struct tw_group *g;
	unsigned int nr = 0;
	int err = 0;

	mutex_lock(&tw_groups_mutex);
	list_for_each_entry(g, &tw_groups, node)
		nr += tw_group_binds(g, sp);
	if (!nr)
		goto unlock;
	s = tw_groups_alloc(nr);
	if (!s) {
		err = -ENOMEM;
		goto unlock;
	}
	list_for_each_entry(g, &tw_groups, node)
		if (tw_group_binds(g, sp))
			tw_groups_append(s, g);
	/* The space has no pages yet, so no count of a group changes. */
	tw_groups_free(xchg(&sp->groups, (unsigned long)s));
unlock:
	mutex_unlock(&tw_groups_mutex);
	return err;
}
