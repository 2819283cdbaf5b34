/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hooks.h - telling other kernel modules what happens to agents and tiers
 */
#ifndef _TW_HOOKS_H
#define _TW_HOOKS_H

#include <linux/types.h>

struct tw_agent;

enum tw_hook {
	TW_HOOK_LIMIT,		/* @agent exceeds its limit in @tier; value: pages */
	TW_HOOK_PRESSURE,	/* the level of @tier changed; value: enum tw_level */
	TW_HOOK_AGENT_CREATED,
	TW_HOOK_AGENT_ENDED,
};

/* Calls who has registered. Process context, may sleep; @agent may be NULL. */
void tw_hook_call(enum tw_hook hook, struct tw_agent *agent, int tier, u64 value);

#endif
