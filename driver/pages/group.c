// SPDX-License-Identifier: GPL-2.0
/*
 * group.c - which cgroups and users with limits a region is in
 *
 * Owns the arrays of groups that bind a region. A cgroup is a path: whatever is
 * made below it counts, also by cgroups that come later or again under the same
 * name, and by those that are gone while their pages are not. Each region has all
 * of its groups in one array, so the sum over a cgroup and those below it is one
 * counter, and ancestors need no walk.
 *
 * Locks. tw_groups_mutex orders those who change the arrays (group_entry.h); region
 * creation takes it with nothing else held. A count is lock-free. When the groups of
 * regions that have pages change, ->groups of these is marked, and a grace period
 * later all counts of them take tw_groups_lock (a spinlock, innermost, process
 * context), under which sums and array change together: no page is counted twice or
 * missed. Arrays are freed after a grace period, and hold their groups.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cgroup.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "base/user.h"
#include "pages/group.h"
#include "pages/group_entry.h"

/**
 * struct tw_groups - the groups that bind a region
 * @rcu: freed after a grace period
 * @next: while it is prepared: in a list
 * @region: the same: whose it will be, referenced
 * @nr: in @group
 * @group: each is referenced
 */
struct tw_groups {
	struct rcu_head rcu;
	struct list_head next;
	struct tw_region *region;
	unsigned int nr;
	struct tw_group *group[];
};

LIST_HEAD(tw_groups);
DEFINE_MUTEX(tw_groups_mutex);
static DEFINE_SPINLOCK(tw_groups_lock);

/* -- what binds a region --------------------------------------------------------- */

bool tw_path_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (len == 1)
		return true;	/* "/" */
	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

static bool tw_group_binds(const struct tw_group *g, const struct tw_region *r)
{
	if (g->path)
		return tw_path_below(r->cgroup, g->path);
	return tw_user_below(r->user, g->uid);
}

static void tw_group_free(struct kref *ref)
{
	struct tw_group *g = container_of(ref, struct tw_group, ref);
	int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++)
		WARN_ON_ONCE(atomic_long_read(&g->pages[tier]));
	kfree(g->path);
	kfree(g);
}

void tw_group_put(struct tw_group *g)
{
	kref_put(&g->ref, tw_group_free);
}

static void tw_groups_free_rcu(struct rcu_head *rcu)
{
	struct tw_groups *s = container_of(rcu, struct tw_groups, rcu);

	while (s->nr)
		tw_group_put(s->group[--s->nr]);
	kfree(s);
}

/* A region's ->groups, which it has no more. */
static void tw_groups_free(unsigned long groups)
{
	struct tw_groups *s = (void *)(groups & ~TW_GROUPS_CHANGE);

	if (s)
		call_rcu(&s->rcu, tw_groups_free_rcu);
}

/* Those of a region. Under RCU, tw_groups_lock or the mutex. */
static const struct tw_groups *tw_groups_of(struct tw_region *r)
{
	/* Pairs with tw_groups_switch(): the array, and its sums. */
	return (void *)(smp_load_acquire(&r->groups) & ~TW_GROUPS_CHANGE);
}

static void tw_groups_add(struct tw_region *r, int tier, long n)
{
	const struct tw_groups *s = tw_groups_of(r);
	unsigned int i;

	atomic_long_add(n, &r->pages[tier]);
	for (i = 0; s && i < s->nr; i++)
		atomic_long_add(n, &s->group[i]->pages[tier]);
}

void tw_groups_count(struct tw_region *r, int tier, long n)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "counts outside RCU");
	/* Unmarked, whoever marks it waits for us. Pairs with tw_groups_switch(). */
	if (!(smp_load_acquire(&r->groups) & TW_GROUPS_CHANGE)) {
		tw_groups_add(r, tier, n);
		return;
	}
	spin_lock(&tw_groups_lock);
	tw_groups_add(r, tier, n);
	spin_unlock(&tw_groups_lock);
}

u64 tw_groups_room(struct tw_region *r, int tier)
{
	u64 room = TW_NO_LIMIT, limit, used;
	const struct tw_groups *s;
	unsigned int i;

	rcu_read_lock();
	s = tw_groups_of(r);
	for (i = 0; s && i < s->nr; i++) {
		limit = READ_ONCE(s->group[i]->limit[tier]);
		if (limit == TW_NO_LIMIT)
			continue;
		used = tw_group_used(s->group[i], tier);
		room = min(room, limit > used ? limit - used : 0);
	}
	rcu_read_unlock();
	return room;
}

unsigned long tw_groups_excess(struct tw_region *r, int tier)
{
	unsigned long excess = 0;
	const struct tw_groups *s;
	u64 limit, used;
	unsigned int i;

	rcu_read_lock();
	s = tw_groups_of(r);
	for (i = 0; s && i < s->nr; i++) {
		limit = READ_ONCE(s->group[i]->limit[tier]);
		used = tw_group_used(s->group[i], tier);
		if (used > limit)
			excess = max_t(unsigned long, excess, used - limit);
	}
	rcu_read_unlock();
	return excess;
}

/* -- changing it ----------------------------------------------------------------- */

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

/* An array with room for @nr groups, empty. */
static struct tw_groups *tw_groups_alloc(unsigned int nr)
{
	struct tw_groups *s;

	s = kzalloc(struct_size(s, group, nr), GFP_KERNEL_ACCOUNT);
	if (s)
		INIT_LIST_HEAD(&s->next);
	return s;
}

/* The region's array with @g, or without it; prepared for a region it binds. */
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

/* Sums and array change together, while all counts of the region wait. */
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
	/* Pairs with tw_region_count(): lock-free counts from here on are new. */
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
		tw_groups_free_rcu(&s->rcu);	/* nobody has seen it */
	}
}

/* Arrays for all regions that @g is for: 0, or -ENOMEM and @list is empty. */
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
	/* Those that had not seen the mark are over. */
	synchronize_rcu();
	list_for_each_entry_safe(s, n, &list, next)
		tw_groups_switch(s, g, add);
	return 0;
}

/* -- regions ------------------------------------------------------------------- */

char *tw_current_cgroup(void)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *path;

	if (!buf)
		return NULL;
	buf[0] = '\0';
	rcu_read_lock();
	/* Of a longer path the beginning: no limit's is longer. */
	cgroup_path(task_dfl_cgroup(current), buf, PATH_MAX);
	rcu_read_unlock();
	path = kstrdup(buf, GFP_KERNEL_ACCOUNT);
	kfree(buf);
	return path;
}

int tw_groups_note(struct tw_region *r)
{
	r->cgroup = tw_current_cgroup();
	return r->cgroup ? 0 : -ENOMEM;
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
	/* It has no pages: there is nothing to move from group to group. */
	tw_groups_free(xchg(&r->groups, (unsigned long)s));
unlock:
	mutex_unlock(&tw_groups_mutex);
	return err;
}

void tw_groups_leave(struct tw_region *r)
{
	tw_groups_free(r->groups);
	kfree(r->cgroup);
}
