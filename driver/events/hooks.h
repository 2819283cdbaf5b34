/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hooks.h - telling other kernel modules what happens to agents and tiers
 */
#ifndef _TW_HOOKS_H
#define _TW_HOOKS_H

#include <linux/types.h>
#include <linux/uidgid.h>

enum tw_hook {
	TW_HOOK_LIMIT,		/* an agent exceeds its limit; value: its pages */
	TW_HOOK_PRESSURE,	/* a tier's level changed; value: enum tw_level */
	TW_HOOK_AGENT_CREATED,
	TW_HOOK_AGENT_ENDED,
};

/*
 * Calls the registered notifiers. @id and @uid are those of the agent that the event
 * is about, or 0 and INVALID_UID; @tier is -1 if it is about no tier. Process context,
 * may sleep.
 */
void tw_hook_call(enum tw_hook hook, u64 id, kuid_t uid, int tier, u64 value);

#endif
