// SPDX-License-Identifier: GPL-2.0
/*
 * offline.c - memory comes, and memory goes offline
 *
 * Owns the notifier of memory hotplug, which only the kernel calls. Before memory goes
 * offline the pages of spaces leave it. When memory has come or gone, the tiers that
 * have its node get their capacity again.
 *
 * Locks: none of its own; a tier is looked at under pressure_lock. The kernel calls
 * notifiers one at a time.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>

#include "moving/evacuate.h"
#include "moving/offline.h"
#include "tiers/backend_numa.h"
#include "tiers/reserve.h"
#include "tiers/tier.h"

/* Does a memory tier have this node, so that pages of spaces may be there? */
static bool tw_node_ours(int nid)
{
	bool ours = false;
	int id;

	for (id = 0; id < TW_NR_TIERS && !ours; id++) {
		struct tw_tier_desc *t = &tw_tiers[id];

		spin_lock(&t->pressure_lock);
		ours = t->state != TW_TIER_UNBOUND && t->kind == TW_KIND_NUMA &&
		       node_isset(nid, t->nodes);
		spin_unlock(&t->pressure_lock);
	}
	return ours;
}

/* Would what is reserved still fit without @nr pages of node @nid? */
static bool tw_node_spare(int nid, unsigned long nr)
{
	unsigned long less = 0;
	int id;

	for (id = 0; id < TW_NR_TIERS; id++) {
		struct tw_tier_desc *t = &tw_tiers[id];
		unsigned long left;

		spin_lock(&t->pressure_lock);
		if (t->state == TW_TIER_BOUND && t->kind == TW_KIND_NUMA &&
		    node_isset(nid, t->nodes)) {
			left = tw_numa_capacity(t);
			left -= min(left, nr);
			less += t->capacity - min(left, t->capacity);
		}
		spin_unlock(&t->pressure_lock);
	}
	return !less || tw_room_spare(less);
}

/*
 * Empties a range that is to go offline. It lies in one zone and is isolated, so that
 * nothing is allocated there.
 */
static int tw_going_offline(const struct memory_notify *mn)
{
	int nid = page_to_nid(pfn_to_page(mn->start_pfn));
	int ret;

	if (!tw_node_ours(nid))
		return 0;
	if (!tw_node_spare(nid, mn->nr_pages)) {
		pr_info("memory at pfn %#lx stays online: it is reserved\n",
			mn->start_pfn);
		return -ENOSPC;
	}
	ret = tw_evacuate_pfns(mn->start_pfn, mn->nr_pages);
	if (ret)
		pr_info("memory at pfn %#lx stays online: %d\n", mn->start_pfn,
			ret);
	return ret;
}

static int tw_offline_notify(struct notifier_block *nb, unsigned long action,
			  void *arg)
{
	int ret = 0, id;

	switch (action) {
	case MEM_GOING_OFFLINE:
		ret = tw_going_offline(arg);
		break;
	case MEM_ONLINE:
	case MEM_OFFLINE:
		for (id = 0; id < TW_NR_TIERS; id++)
			tw_numa_refresh(&tw_tiers[id]);
		break;
	default:
		break;
	}
	return notifier_from_errno(ret);
}

static struct notifier_block tw_offline_nb = {
	.notifier_call = tw_offline_notify,
};

/**
 * tw_offline_init - watch memory come and go
 *
 * Return: 0 or a negative errno.
 */
int tw_offline_init(void)
{
	return register_memory_notifier(&tw_offline_nb);
}

/**
 * tw_offline_exit - stop watching
 */
void tw_offline_exit(void)
{
	unregister_memory_notifier(&tw_offline_nb);
}
