// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - loading and unloading, module parameters
 *
 * Every fd of ours references the module, so at unload no region, agent or
 * stream has a file. What may still be going on is work: the rooms' exits wait
 * for it, in the reverse order of their inits.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/module.h>

#include "agent.h"
#include "chardev.h"
#include "external.h"
#include "heat.h"
#include "kapi.h"
#include "numa.h"
#include "policy.h"
#include "proc.h"
#include "queue.h"
#include "reclaim.h"
#include "region.h"
#include "stats.h"
#include "stream.h"
#include "tier.h"
#include "tw.h"
#include "user.h"

bool tw_debug;
module_param_named(debug, tw_debug, bool, 0644);
MODULE_PARM_DESC(debug, "debug logging: 0 off, 1 on");

static const struct tw_room {
	int (*init)(void);
	void (*exit)(void);
} tw_rooms[] = {
	{ tw_stats_init,	tw_stats_exit },
	{ tw_users_init,	tw_users_exit },
	{ tw_streams_init,	tw_streams_exit },
	{ tw_numa_counts_init,	tw_numa_counts_exit },
	{ tw_heat_init,		tw_heat_exit },
	{ tw_agents_init,	tw_agents_exit },
	{ tw_external_init,	tw_external_exit },
	{ tw_records_init,	tw_records_exit },
	{ tw_stores_init,	tw_stores_exit },
	{ tw_readin_init,	tw_readin_exit },
	{ tw_tiers_init,	tw_tiers_exit },
	{ tw_regions_init,	tw_regions_exit },
	{ tw_demote_init,	tw_demote_exit },
	{ tw_reclaim_init,	tw_reclaim_exit },
	{ tw_pressed_init,	tw_pressed_exit },
	{ tw_queue_init,	tw_queue_exit },
	{ tw_scanner_init,	tw_scanner_exit },
	{ tw_numa_init,		tw_numa_exit },
	{ tw_kapi_init,		tw_kapi_exit },
	{ tw_chardev_init,	tw_chardev_exit },
	{ tw_proc_init,		tw_proc_exit },
};

static void tw_leave(int nr)
{
	while (nr--)
		tw_rooms[nr].exit();
	/* Objects freed by RCU callbacks are ours, too. */
	rcu_barrier();
}

static int __init tw_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(tw_rooms); i++) {
		err = tw_rooms[i].init();
		if (err) {
			pr_err("loading failed: %d\n", err);
			tw_leave(i);
			return err;
		}
	}
	pr_info("loaded\n");
	return 0;
}

static void __exit tw_exit(void)
{
	tw_leave(ARRAY_SIZE(tw_rooms));
	pr_info("unloaded\n");
}

module_init(tw_init);
module_exit(tw_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Five-tier memory: page faults, temperature, migration, pressure");
MODULE_AUTHOR("TierWatch developers");
#ifdef TW_VERSION	/* by whom it is built with the rest of a release */
MODULE_VERSION(TW_VERSION);
#endif
