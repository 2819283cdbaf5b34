// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - loading and unloading
 *
 * Owns the order in which the rooms begin and end. Only the kernel calls it, when it
 * loads and unloads the module, so no lock is needed.
 *
 * None of the module's code may run once rmmod has returned. These hold a reference
 * to the module, so that it is not unloaded while they exist:
 *
 * - Files and their mappings (device, region, agent, stream), by .owner of their
 *   file_operations, until after ->release(). A mapping and a fault that has dropped
 *   mmap_lock hold the file, so this covers vm_operations, too.
 * - The pseudo filesystem: its superblock holds the module until its last mntput()
 *   has returned (region.c).
 * - Other modules, by the symbols they use.
 *
 * The exits of the rooms end what else could run, in the reverse order of their
 * inits:
 *
 * - Work items end with their workqueues, which are destroyed: tw_queue with its
 *   requests (queue.c), tw_demote (headroom.c), tw_teardown (space.c), tw_umount
 *   (region.c), tw_swap (swap/move.c), and I/O that its owner has left (store_io.c).
 *   The delayed ones of limits, pressure and attachments run on workqueues of the
 *   kernel; they are cancelled when nothing arms them any more (limits.c, bind.c,
 *   attach.c).
 * - Kthreads are stopped by kthread_stop(): the scanner's (scanner.c) and a
 *   reclaimer for each node (reclaim.c).
 * - Notifiers are unregistered, which waits for their callbacks: those of memory
 *   hotplug (offline.c), of hibernation (hibernate.c, background.c), of a machine
 *   that is out of memory (shrinker.c), and of CPUs (stream_file.c).
 * - The shrinker is unregistered, which waits for its walks, and with them for a
 *   task that reclaims and is in tw_demote_wait() (shrinker.c).
 * - Files in /proc are removed, which waits for their readers (proc.c). The kernel
 *   does the same for the misc device and for parameters in sysfs.
 *
 * The irq_work of a stream ends with its ->release() (stream_file.c). Probes of
 * trace events are called by the module's own code only. SRCU (frame.c) has readers
 * in the module's own code only, and no callbacks.
 *
 * Two things are waited for after the last room's exit. One is RCU callbacks, of
 * agents, groups and external pages; kfree_rcu() of other objects runs no code of
 * the module. The other is tw_bio_end() (store_bio.c): it wakes a waiter that may
 * be the last to need the module, and then has some instructions left to run, in a
 * kernel thread (of dm-crypt or loop, say) that can be preempted there. It has
 * returned once that thread has slept or called the scheduler by itself.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/module.h>
#include <linux/rcupdate.h>

#include "agents/agent.h"
#include "base/clock.h"
#include "base/stats.h"
#include "base/user.h"
#include "doors/attach.h"
#include "doors/chardev.h"
#include "doors/kapi.h"
#include "doors/proc.h"
#include "events/stream.h"
#include "moving/offline.h"
#include "moving/queue.h"
#include "moving/readin.h"
#include "pages/external.h"
#include "pages/group_limit.h"
#include "pages/heat.h"
#include "pages/record.h"
#include "pages/region.h"
#include "pages/space.h"
#include "policy/background.h"
#include "policy/reclaim.h"
#include "policy/scanner.h"
#include "policy/shrinker.h"
#include "swap/device.h"
#include "tiers/bind.h"
#include "tiers/hibernate.h"
#include "tiers/nodes.h"
#include "tiers/store_bio.h"
#include "tiers/store_io.h"

static const struct tw_room {
	int (*init)(void);	/* NULL: there is nothing to begin */
	void (*exit)(void);
} tw_rooms[] = {
	{ tw_stats_init,	tw_stats_exit },
	{ NULL,			tw_users_exit },
	{ tw_streams_init,	tw_streams_exit },
	{ tw_numa_counts_init,	tw_numa_counts_exit },
	{ tw_heat_init,		tw_heat_exit },
	{ NULL,			tw_agents_exit },
	{ NULL,			tw_groups_exit },
	{ tw_external_init,	tw_external_exit },
	{ tw_records_init,	tw_records_exit },
	{ tw_shrinker_init,	tw_shrinker_exit },
	{ tw_hibernate_init,	tw_hibernate_exit },
	{ tw_stores_init,	tw_stores_exit },
	{ tw_bio_cache_init,	tw_bio_cache_exit },
	{ tw_readin_init,	tw_readin_exit },
	{ tw_tiers_init,	tw_tiers_exit },
	{ tw_regions_init,	tw_regions_exit },
	{ tw_spaces_init,	tw_spaces_exit },
	{ tw_swap_init,		tw_swap_exit },
	{ tw_demote_init,	tw_demote_exit },
	{ tw_reclaim_init,	tw_reclaim_exit },
	{ tw_pressed_init,	tw_pressed_exit },
	{ tw_queue_init,	tw_queue_exit },
	{ tw_scanner_init,	tw_scanner_exit },
	{ tw_offline_init,	tw_offline_exit },
	{ tw_kapi_init,		tw_kapi_exit },
	{ NULL,			tw_attach_exit },
	{ tw_chardev_init,	tw_chardev_exit },
	{ tw_proc_init,		tw_proc_exit },
};

static void tw_leave(int nr)
{
	while (nr--)
		tw_rooms[nr].exit();
	rcu_barrier();		/* tw_agent_free_rcu(), tw_ext_free_rcu(), tw_groups_free_rcu() */
	synchronize_rcu_tasks();	/* tw_bio_end() */
}

static int __init tw_init(void)
{
	int i, err;

	tw_clock_init();
	for (i = 0; i < ARRAY_SIZE(tw_rooms); i++) {
		err = tw_rooms[i].init ? tw_rooms[i].init() : 0;
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
#ifdef TW_VERSION	/* set where the driver is built with the rest of a release */
MODULE_VERSION(TW_VERSION);
#endif
