/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hooks.h - telling other kernel modules what happens to agents and tiers
 */
#ifndef _TW_HOOKS_H
#define _TW_HOOKS_H

#include <linux/types.h>
#include <linux/uidgid.h>

enum tw_hook {
	TW_HOOK_LIMIT,		/* an agent exceeds its limit in @tier; value: pages */
	TW_HOOK_PRESSURE,	/* the level of @tier changed; value: enum tw_level */
	TW_HOOK_AGENT_CREATED,
	TW_HOOK_AGENT_ENDED,
};

/*
 * Calls what has been registered. @id and @uid: of the agent that it is about, 0
 * and INVALID_UID: of none. Process context, may sleep.
 */
void tw_hook_call(enum tw_hook hook, u64 id, kuid_t uid, int tier, u64 value);

#endif
