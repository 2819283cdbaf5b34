// SPDX-License-Identifier: GPL-2.0
/*
 * The swap device as it is shown: a line, or all of it as JSON.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/text.h"
#include "swap/look.h"
#include "swap/show.h"
#include "tier/tier.h"

void swap_print(const struct swap_look *l)
{
	char size[TEXT_LEN];

	text_bytes(size, l->info.pages * sysconf(_SC_PAGESIZE));
	if (l->state == SWAP_NONE)
		printf("off");
	else if (l->state == SWAP_MADE)
		printf("off: %s on " SWAP_PATH " that is not in use", size);
	else
		printf("on: %s on " SWAP_PATH ", priority %d", size,
		       l->ours->priority);
}

static const char *state_name(enum swap_state state)
{
	return state == SWAP_NONE ? "none" : state == SWAP_MADE ? "made" : "on";
}

bool swap_shows(const struct tw_stats *stats, int tier)
{
	struct tw_stats_tier t;

	if (!can_be_memory(tier))
		return true;
	tw_stats_tier_read(stats, tier, &t);
	return t.kind == TW_KIND_STORE;
}

static void json_tier(const struct swap_look *l, const struct tw_stats *stats,
		      int tier)
{
	struct tw_stats_counters c;

	tw_stats_sum(stats, tier, &c);
	json_open(NULL, '{');
	json_str("tier", tw_tier_name(tier));
	json_u64("used", l->info.used[tier]);
	json_u64("spare", l->info.spare[tier]);
	json_u64("in", c.swap_in);
	json_u64("out", c.swap_out);
	json_u64("sunk", c.swap_sunk);
	json_close('}');
}

static void json_area(const struct swap_area *a, __u64 page_size)
{
	json_open(NULL, '{');
	json_str("name", a->name);
	json_u64("pages", a->size / page_size);
	json_u64("used", a->used / page_size);
	json_s64("priority", a->priority);
	json_close('}');
}

void swap_json(const struct swap_look *l, const struct tw_stats *stats)
{
	__u64 page_size = sysconf(_SC_PAGESIZE);
	size_t i;

	json_begin(JSON_SWAP);
	json_str("state", state_name(l->state));
	json_str("device", l->state == SWAP_NONE ? NULL : SWAP_PATH);
	json_u64("page_size", page_size);
	json_u64("pages", l->info.pages);
	json_u64("used", l->ours ? l->ours->used / page_size : 0);
	if (l->ours)
		json_s64("priority", l->ours->priority);
	else
		json_str("priority", NULL);
	json_u64("failed", l->info.failed);
	json_u64("page_cluster", swap_page_cluster());
	json_open("tiers", '[');
	for (i = 0; i < TW_NR_TIERS; i++)
		if (swap_shows(stats, i))
			json_tier(l, stats, i);
	json_close(']');
	json_open("others", '[');
	for (i = 0; i < l->nr; i++)
		if (&l->area[i] != l->ours)
			json_area(&l->area[i], page_size);
	json_close(']');
	json_close('}');
	json_end();
}

int swap_show(struct tw *tw, bool already, bool json)
{
	const struct tw_stats *stats;
	struct swap_look l;
	int err, code = swap_look(tw, &l);

	if (code)
		goto out;
	if (json) {
		err = tw_stats_map(tw, &stats);
		if (err) {
			code = cli_errno(err, "mapping the statistics");
			goto out;
		}
		swap_json(&l, stats);
	} else {
		printf("swap: %s", already ? "already " : "");
		swap_print(&l);
		putchar('\n');
	}
	code = cli_flush(EXIT_SUCCESS);
out:
	swap_look_free(&l);
	return code;
}
