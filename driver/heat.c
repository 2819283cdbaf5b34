// SPDX-License-Identifier: GPL-2.0
/*
 * heat.c - the temperature of pages
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/module.h>

#include "heat.h"

unsigned int tw_hot_threshold = 100;
module_param_named(hot_threshold, tw_hot_threshold, uint, 0644);
MODULE_PARM_DESC(hot_threshold, "Heat above which a page is hot (default 100)");

unsigned int tw_cold_threshold = 10;
module_param_named(cold_threshold, tw_cold_threshold, uint, 0644);
MODULE_PARM_DESC(cold_threshold, "Heat below which an aged page is cold (default 10)");

void tw_heat_banded(u64 page, int tier, unsigned int heat)
{
}

int tw_candidates_get(int from, int to, struct tw_candidate *out,
		      unsigned int nr, bool admin)
{
	return -EOPNOTSUPP;
}

int tw_candidates_ioctl(struct tw_candidates *arg)
{
	return -EOPNOTSUPP;
}

int tw_page_list_ioctl(struct tw_page_list *arg)
{
	return -EOPNOTSUPP;
}

int tw_mark_ioctl(struct tw_mark *arg)
{
	return -EOPNOTSUPP;
}

int tw_heat_init(void)
{
	return 0;
}

void tw_heat_exit(void)
{
}
