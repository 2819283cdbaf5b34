// SPDX-License-Identifier: GPL-2.0
/*
 * hooks.c - telling other kernel modules what happens to agents and tiers
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include "hooks.h"

void tw_hook_call(enum tw_hook hook, struct tw_agent *agent, int tier, u64 value)
{
}
