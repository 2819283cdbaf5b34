// SPDX-License-Identifier: GPL-2.0
/*
 * swarm_proc - a stand-in: owns /proc/swarm and hands it to TierWatch
 *
 * It needs no TierWatch to be loaded, and either may come first: it looks
 * TierWatch's symbols up when that is there, and hears of its coming and going.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/proc_fs.h>
#include <linux/workqueue.h>

#include "tier_watch_hooks.h"

static struct proc_dir_entry *swarm;

/* TierWatch, when it is there, takes its files out of the folder. */
static void swarm_ask_release(void)
{
	void (*release)(void) = symbol_get(tier_watch_proc_release);

	if (!release)
		return;
	release();
	symbol_put(tier_watch_proc_release);
}

static void swarm_offer(struct work_struct *work)
{
	int (*adopt)(struct proc_dir_entry *dir) = symbol_get(tier_watch_proc_adopt);

	if (!adopt)
		return;
	if (adopt(swarm))
		pr_err("tier_watch does not take the folder\n");
	symbol_put(tier_watch_proc_adopt);
}

static DECLARE_WORK(swarm_work, swarm_offer);

/* It is not quite there yet when this is called: its init may not be over. */
static int swarm_module(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *mod = data;

	if (state == MODULE_STATE_LIVE && !strcmp(mod->name, "tier_watch"))
		schedule_work(&swarm_work);
	return NOTIFY_OK;
}

static struct notifier_block swarm_nb = { .notifier_call = swarm_module };

static int __init swarm_init(void)
{
	int err;

	swarm_ask_release();
	swarm = proc_mkdir("swarm", NULL);
	if (!swarm)
		return -ENOMEM;
	err = register_module_notifier(&swarm_nb);
	if (err) {
		proc_remove(swarm);
		return err;
	}
	schedule_work(&swarm_work);
	flush_work(&swarm_work);
	return 0;
}

static void __exit swarm_exit(void)
{
	unregister_module_notifier(&swarm_nb);
	flush_work(&swarm_work);
	swarm_ask_release();
	proc_remove(swarm);
}

module_init(swarm_init);
module_exit(swarm_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stand-in: owner of /proc/swarm");
