// SPDX-License-Identifier: GPL-2.0
/*
 * external.c - pages of somebody else, known by frame number only
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>

#include "agent.h"
#include "external.h"

int tw_track_ioctl(struct tw_track *arg)
{
	return -EOPNOTSUPP;
}

int tw_untrack_ioctl(struct tw_untrack *arg)
{
	return -EOPNOTSUPP;
}

int tw_external_track(u64 pfn, int tier, int node, struct tw_agent *agent,
		      const struct tw_mover *mover)
{
	return -EOPNOTSUPP;
}

int tw_external_untrack(u64 pfn)
{
	return -ENOENT;
}

void tw_external_drop_mover(const struct tw_mover *mover)
{
}

int tw_page_report(u64 page, bool admin)
{
	return -ENOENT;
}

int tw_report_ioctl(struct tw_report *arg)
{
	return -EOPNOTSUPP;
}

bool tw_external_describe(u64 pfn, struct tw_page *p)
{
	return false;
}

unsigned long tw_external_next(unsigned long pfn, struct tw_page *p)
{
	return ULONG_MAX;
}

int tw_external_set_heat(u64 pfn, unsigned int heat, bool aged)
{
	return -ENOENT;
}

int tw_external_move(u64 pfn, int to, int from, int reason)
{
	return -ENOENT;
}

void tw_external_drop_agent(struct tw_agent *agent)
{
}

int tw_external_init(void)
{
	return 0;
}

void tw_external_exit(void)
{
}
