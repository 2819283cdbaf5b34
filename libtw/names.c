// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names of the numbers in <linux/tierwatch.h>.
 */
#include <errno.h>
#include <strings.h>

#include "internal.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char * const tiers[] = {
	[TW_TIER_GPU] = "gpu",
	[TW_TIER_CPU] = "cpu",
	[TW_TIER_NVME] = "nvme",
	[TW_TIER_SSD] = "ssd",
	[TW_TIER_HDD] = "hdd",
};

static const char * const levels[] = {
	[TW_PRESSURE_LOW] = "low",
	[TW_PRESSURE_MEDIUM] = "medium",
	[TW_PRESSURE_HIGH] = "high",
	[TW_PRESSURE_CRITICAL] = "critical",
};

static const char * const reasons[] = {
	[TW_REASON_MANUAL] = "manual",
	[TW_REASON_HOT] = "hot",
	[TW_REASON_COLD] = "cold",
	[TW_REASON_PRESSURE] = "pressure",
	[TW_REASON_NUMA] = "numa",
	[TW_REASON_FAULT] = "fault",
	[TW_REASON_EVACUATE] = "evacuate",
};

static const char * const events[] = {
	[TW_EVENT_FAULT] = "fault",
	[TW_EVENT_MIGRATE] = "migrate",
	[TW_EVENT_PRESSURE] = "pressure",
	[TW_EVENT_LIMIT] = "limit",
	[TW_EVENT_TIER_BOUND] = "tier-bound",
	[TW_EVENT_TIER_UNBOUND] = "tier-unbound",
	[TW_EVENT_TIER_ERROR] = "tier-error",
	[TW_EVENT_AGENT_CREATED] = "agent-created",
	[TW_EVENT_AGENT_ENDED] = "agent-ended",
	[TW_EVENT_REQUEST] = "request",
};

_Static_assert(ARRAY_SIZE(tiers) == TW_NR_TIERS, "a tier has no name");
_Static_assert(ARRAY_SIZE(reasons) == TW_NR_REASONS, "a reason has no name");
_Static_assert(ARRAY_SIZE(events) == TW_NR_EVENTS, "an event has no name");

static const char *name_of(const char * const *names, size_t nr, int i)
{
	if (i < 0 || (size_t)i >= nr || !names[i])
		return "?";
	return names[i];
}

TW_API const char *tw_tier_name(int tier)
{
	if (tier == TW_TIER_NONE)
		return "none";
	return name_of(tiers, ARRAY_SIZE(tiers), tier);
}

TW_API int tw_tier_parse(const char *name)
{
	int i;

	if (!name)
		return -EINVAL;
	for (i = 0; i < TW_NR_TIERS; i++)
		if (!strcasecmp(name, tiers[i]))
			return i;
	return -EINVAL;
}

TW_API const char *tw_level_name(int level)
{
	return name_of(levels, ARRAY_SIZE(levels), level);
}

TW_API const char *tw_reason_name(int reason)
{
	return name_of(reasons, ARRAY_SIZE(reasons), reason);
}

TW_API const char *tw_event_name(int type)
{
	return name_of(events, ARRAY_SIZE(events), type);
}
