// SPDX-License-Identifier: GPL-2.0
/*
 * hooks.c - telling other kernel modules what happens to agents and tiers
 *
 * Owns the chain of notifiers.
 *
 * Locks. The chain's rwsem is held while callbacks run, so they may sleep but not
 * register or unregister. tw_tier_mutex is held, too, if the event comes from binding
 * or unbinding a tier.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/notifier.h>

#include "events/hooks.h"
#include "tier_watch_hooks.h"

static BLOCKING_NOTIFIER_HEAD(tw_chain);

void tw_hook_call(enum tw_hook hook, u64 id, kuid_t uid, int tier, u64 value)
{
	struct tier_watch_notice notice = {
		.agent_id = id,
		.uid = uid,
		.tier = tier,
		.value = value,
	};

	might_sleep();
	/* A notifier that registers just now need not hear of this event. */
	if (!READ_ONCE(tw_chain.head))
		return;
	blocking_notifier_call_chain(&tw_chain, hook, &notice);
}

/**
 * tier_watch_register_notifier - have events of limits, pressure and agents passed on
 * @nb: its callback gets an enum tier_watch_event and a struct tier_watch_notice; it
 *	may sleep, but must not register or unregister a notifier
 *
 * May sleep.
 *
 * Return: 0 or -EEXIST.
 */
int tier_watch_register_notifier(struct notifier_block *nb)
{
	BUILD_BUG_ON((int)TW_HOOK_LIMIT != (int)TIER_WATCH_LIMIT);
	BUILD_BUG_ON((int)TW_HOOK_PRESSURE != (int)TIER_WATCH_PRESSURE);
	BUILD_BUG_ON((int)TW_HOOK_AGENT_CREATED != (int)TIER_WATCH_AGENT_CREATED);
	BUILD_BUG_ON((int)TW_HOOK_AGENT_ENDED != (int)TIER_WATCH_AGENT_ENDED);
	return blocking_notifier_chain_register(&tw_chain, nb);
}
EXPORT_SYMBOL_GPL(tier_watch_register_notifier);

/**
 * tier_watch_unregister_notifier - undo tier_watch_register_notifier()
 * @nb: as registered
 *
 * Waits for callbacks under way. May sleep.
 *
 * Return: 0 or -ENOENT.
 */
int tier_watch_unregister_notifier(struct notifier_block *nb)
{
	return blocking_notifier_chain_unregister(&tw_chain, nb);
}
EXPORT_SYMBOL_GPL(tier_watch_unregister_notifier);
