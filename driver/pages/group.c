// SPDX-License-Identifier: GPL-2.0
/*
 * group.c - which cgroups and users with limits a space is in
 *
 * Owns the arrays of groups that bind a space. A cgroup is a path: whatever is
 * made below it counts, also by cgroups that come later or again under the same
 * name, and by those that are gone while their pages are not. Each space has all
 * of its groups in one array, so the sum over a cgroup and those below it is one
 * counter, and ancestors need no walk. All higher rooms may call it.
 *
 * Locks. Arrays change under tw_groups_mutex (group_join.c). Counting pages takes no
 * lock. When the groups of spaces that have pages change, ->groups of these is marked,
 * and a grace period later each count of their pages takes tw_groups_lock (a spinlock,
 * innermost, process context), under which sums and array change together: no page is
 * counted twice or missed. Arrays are freed after a grace period, and hold their
 * groups.
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
#include "pages/space.h"

DEFINE_SPINLOCK(tw_groups_lock);

/* -- what binds a space --------------------------------------------------------- */

bool tw_path_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (len == 1)
		return true;	/* "/" */
	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

bool tw_group_binds(const struct tw_group *g, const struct tw_space *sp)
{
	if (g->path)
		return tw_path_below(sp->cgroup, g->path);
	return tw_user_below(sp->user, g->uid);
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

const struct tw_groups *tw_groups_of(struct tw_space *sp)
{
	/* Pairs with the release in tw_groups_switch(): the array is complete. */
	return (void *)(smp_load_acquire(&sp->groups) & ~TW_GROUPS_CHANGE);
}

static void tw_groups_add(struct tw_space *sp, int tier, long n)
{
	const struct tw_groups *s = tw_groups_of(sp);
	unsigned int i;

	atomic_long_add(n, &sp->pages[tier]);
	for (i = 0; s && i < s->nr; i++)
		atomic_long_add(n, &s->group[i]->pages[tier]);
}

void tw_groups_count(struct tw_space *sp, int tier, long n)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "counts outside RCU");
	/*
	 * A task that sets the mark after this test waits for this RCU section
	 * (tw_group_spread()). Pairs with the release in tw_groups_switch().
	 */
	if (!(smp_load_acquire(&sp->groups) & TW_GROUPS_CHANGE)) {
		tw_groups_add(sp, tier, n);
		return;
	}
	spin_lock(&tw_groups_lock);
	tw_groups_add(sp, tier, n);
	spin_unlock(&tw_groups_lock);
}

u64 tw_groups_room(struct tw_space *sp, int tier)
{
	u64 room = TW_NO_LIMIT, limit, used;
	const struct tw_groups *s;
	unsigned int i;

	rcu_read_lock();
	s = tw_groups_of(sp);
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

unsigned long tw_groups_excess(struct tw_space *sp, int tier)
{
	unsigned long excess = 0;
	const struct tw_groups *s;
	u64 limit, used;
	unsigned int i;

	rcu_read_lock();
	s = tw_groups_of(sp);
	for (i = 0; s && i < s->nr; i++) {
		limit = READ_ONCE(s->group[i]->limit[tier]);
		used = tw_group_used(s->group[i], tier);
		if (used > limit)
			excess = max_t(unsigned long, excess, used - limit);
	}
	rcu_read_unlock();
	return excess;
}

/* -- spaces ------------------------------------------------------------------- */

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

int tw_groups_note(struct tw_space *sp)
{
	sp->cgroup = tw_current_cgroup();
	return sp->cgroup ? 0 : -ENOMEM;
}

void tw_groups_leave(struct tw_space *sp)
{
	tw_groups_free(sp->groups);
	kfree(sp->cgroup);
}
