// SPDX-License-Identifier: GPL-2.0
/*
 * group.c - counting the pages of a region for its groups
 *
 * Owns the counts of groups, and the arrays of groups that bind a region. A cgroup is
 * kept as a path. All regions that are made in it or below it count, also those of
 * cgroups that are made later or again under the same name, and of removed cgroups
 * while their regions live. Each region has all of its groups in one array, so
 * the sum over a cgroup and those below it is one counter, and no counting has to walk
 * up the ancestors.
 *
 * Locks. group_join.c changes the arrays. Counting is lock-free, except while the
 * groups of a region with pages change. Then group_join.c marks the region's
 * ->groups with TW_GROUPS_CHANGE and waits for a grace period. From then on all
 * counting for the region takes tw_groups_lock (a spinlock, innermost, process
 * context), and under it the counts and the array are changed together, so that no
 * page is counted twice or missed. Arrays are freed after a grace period, and hold
 * references to their groups.
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
#include "pages/region.h"

DEFINE_SPINLOCK(tw_groups_lock);

/* -- what binds a region --------------------------------------------------------- */

bool tw_path_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (len == 1)
		return true;	/* "/" */
	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

bool tw_group_binds(const struct tw_group *g, const struct tw_region *r)
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

void tw_groups_free_rcu(struct rcu_head *rcu)
{
	struct tw_groups *s = container_of(rcu, struct tw_groups, rcu);

	while (s->nr)
		tw_group_put(s->group[--s->nr]);
	kfree(s);
}

void tw_groups_free(unsigned long groups)
{
	struct tw_groups *s = (void *)(groups & ~TW_GROUPS_CHANGE);

	if (s)
		call_rcu(&s->rcu, tw_groups_free_rcu);
}

const struct tw_groups *tw_groups_of(struct tw_region *r)
{
	/* Pairs with tw_groups_switch(), for the array and the counts. */
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
	/*
	 * A task that sets the mark after this test waits for this RCU section
	 * (tw_group_spread()). Pairs with tw_groups_switch().
	 */
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

/* -- regions ------------------------------------------------------------------- */

char *tw_current_cgroup(void)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *path;

	if (!buf)
		return NULL;
	buf[0] = '\0';
	rcu_read_lock();
	/* A longer path is cut, which does no harm: the path of a limit is shorter. */
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

void tw_groups_leave(struct tw_region *r)
{
	tw_groups_free(r->groups);
	kfree(r->cgroup);
}
