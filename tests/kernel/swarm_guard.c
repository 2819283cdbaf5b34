// SPDX-License-Identifier: GPL-2.0
/*
 * swarm_guard - a stand-in: limits an agent and says when it gets over
 *
 * Parameters name the agent and its limit in the CPU tier; `told` counts what
 * the notifier has told of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/uidgid.h>

#include "tier_watch.h"
#include "tier_watch_hooks.h"

static unsigned int uid;
module_param(uid, uint, 0444);
MODULE_PARM_DESC(uid, "Owner of the agent");

static unsigned long agent;
module_param(agent, ulong, 0444);
MODULE_PARM_DESC(agent, "Label of the agent");

static unsigned long limit;
module_param(limit, ulong, 0444);
MODULE_PARM_DESC(limit, "Pages of each memory tier");

static unsigned int told;
module_param(told, uint, 0444);
MODULE_PARM_DESC(told, "How often the agent was over its limit");

static unsigned int pressed;
module_param(pressed, uint, 0444);
MODULE_PARM_DESC(pressed, "How often a tier's pressure changed");

static int guard_notice(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct tier_watch_notice *n = data;

	if (event == TIER_WATCH_PRESSURE)
		pressed++;
	if (event == TIER_WATCH_LIMIT && n->agent_id == agent &&
	    uid_eq(n->uid, KUIDT_INIT(uid)))
		told++;
	return NOTIFY_OK;
}

static struct notifier_block guard_nb = { .notifier_call = guard_notice };

static int __init guard_init(void)
{
	int err = tier_watch_register_notifier(&guard_nb);

	if (!err)
		err = tier_watch_set_user_agent_limit(KUIDT_INIT(uid), agent,
						      TIER_CPU, limit);
	if (!err)
		err = tier_watch_set_user_agent_limit(KUIDT_INIT(uid), agent,
						      TIER_GPU, limit);
	if (err)
		tier_watch_unregister_notifier(&guard_nb);
	return err;
}

static void __exit guard_exit(void)
{
	tier_watch_set_user_agent_limit(KUIDT_INIT(uid), agent, TIER_CPU, ~0ULL);
	tier_watch_set_user_agent_limit(KUIDT_INIT(uid), agent, TIER_GPU, ~0ULL);
	tier_watch_unregister_notifier(&guard_nb);
}

module_init(guard_init);
module_exit(guard_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stand-in: limits per agent");
