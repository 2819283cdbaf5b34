// SPDX-License-Identifier: GPL-2.0
/*
 * What agents, cgroups and users have by tier: how it is shown, and how limits
 * that were given are applied.
 */
#include <pwd.h>
#include <string.h>

#include "agent/agent_values.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/text.h"

const char *text_user(char *buf, __u32 uid)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw && strlen(pw->pw_name) < TEXT_LEN)
		return text_clean(strcpy(buf, pw->pw_name));
	snprintf(buf, TEXT_LEN, "%u", uid);
	return buf;
}

const char *text_limit(char *buf, __u64 pages, __u32 page_size)
{
	if (pages == TW_NO_LIMIT)
		return "none";
	return text_bytes(buf, pages * page_size);
}

int limits_apply(const struct limit_args *args, __u32 page_size,
		 __u64 pages[TW_NR_TIERS])
{
	int i;

	for (i = 0; i < TW_NR_TIERS; i++) {
		if (!(args->set & 1U << i))
			continue;
		if (args->bytes[i] == TW_NO_LIMIT)
			pages[i] = TW_NO_LIMIT;
		else if (args->bytes[i] % page_size)
			return cli_usage("%s: a limit is a multiple of the page size, %u bytes",
					 tw_tier_name(i), page_size);
		else
			pages[i] = args->bytes[i] / page_size;
	}
	return 0;
}

void json_tiers(const char *key, const __u64 v[TW_NR_TIERS])
{
	int i;

	json_open(key, '{');
	for (i = 0; i < TW_NR_TIERS; i++)
		json_u64(tw_tier_name(i), v[i]);
	json_close('}');
}

/* Without the tiers that have no limit. */
void json_limits(const char *key, const __u64 v[TW_NR_TIERS])
{
	int i;

	json_open(key, '{');
	for (i = 0; i < TW_NR_TIERS; i++)
		if (v[i] != TW_NO_LIMIT)
			json_u64(tw_tier_name(i), v[i]);
	json_close('}');
}
