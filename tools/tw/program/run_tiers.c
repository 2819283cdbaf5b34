// SPDX-License-Identifier: GPL-2.0
/*
 * Tiers that a run's memory is kept to, as far as the kernel can be told: on which NUMA
 * nodes it may be, and whether it may be swapped out. Into which of the stores a page
 * is swapped is the swap device's own choice, and that it goes to another swap area
 * the kernel's: what would need either is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/text.h"
#include "program/run_tiers.h"
#include "swap/look.h"
#include "tier/tier.h"

#define NAMES_LEN	64

int parse_tiers(const char *list, unsigned int *tiers)
{
	char *copy = strdup(list), *rest = copy, *word;
	int tier, code = copy ? 0 : cli_errno(-ENOMEM, "--tiers");

	*tiers = 0;
	while (!code && (word = strsep(&rest, ","))) {
		code = parse_tier_arg(word, &tier);
		if (!code)
			*tiers |= 1U << tier;
	}
	free(copy);
	return code;
}

static const char *names(char buf[NAMES_LEN], unsigned int tiers)
{
	size_t len = 0;
	int i;

	buf[0] = '\0';
	for (i = 0; i < TW_NR_TIERS; i++)
		if (tiers >> i & 1)
			len += snprintf(buf + len, NAMES_LEN - len, "%s%s",
					len ? "," : "", tw_tier_name(i));
	return buf;
}

/* The kernel swaps to the swap device and to nothing else: 0, or the exit code. */
static int only_ours(struct tw *tw, unsigned int stores)
{
	struct swap_look l;
	int code = swap_look(tw, &l);
	char buf[NAMES_LEN];
	size_t i;

	if (code)
		goto out;
	if (l.state != SWAP_ON)
		code = cli_error("a program's memory gets into %s by the swap device alone, and swap is off. Turn it on: tw swap on",
				 names(buf, stores));
	for (i = 0; i < l.nr && !code; i++)
		if (&l.area[i] != l.ours)
			code = cli_error("the kernel swaps to %s, too, which is no tier. Turn it off with swapoff, or name no store",
					 text_shown(l.area[i].name));
out:
	swap_look_free(&l);
	return code;
}

int run_tiers_find(struct tw *tw, unsigned int tiers, struct run_tiers *found)
{
	unsigned int bound = 0, stores = 0;
	struct tw_tier_info info;
	char a[NAMES_LEN], b[NAMES_LEN];
	int i, err;

	*found = (struct run_tiers){ 0 };
	for (i = 0; i < TW_NR_TIERS; i++) {
		err = tw_tier_info(tw, i, &info);
		if (err)
			return cli_errno(err, "the %s tier", tw_tier_name(i));
		if (info.kind == TW_KIND_NONE && tiers >> i & 1)
			return cli_error("the %s tier is not bound. See: tw tier list",
					 tw_tier_name(i));
		if (info.kind == TW_KIND_STORE)
			bound |= 1U << i;
		else if (tiers >> i & 1)
			found->nodes |= info.nodes;
	}
	stores = tiers & bound;
	found->swap = stores;
	if (!found->nodes)
		return cli_error("a program's memory begins in a memory tier: name cpu or gpu, too");
	if (stores && stores != bound)
		return cli_error("the swap device spreads over all stores that are bound, %s: memory can't be kept to %s of them. Name all, or none",
				 names(a, bound), names(b, stores));
	return stores ? only_ours(tw, stores) : 0;
}
