// SPDX-License-Identifier: GPL-2.0
/*
 * How many pages may be moved.
 *
 * Pages are earned as time goes by, and no more than those of a second are kept. When
 * more than one in eight of the pages that were sent away comes back, the rate is
 * halved; while less do, it grows by a 32nd of the whole each tick.
 */
#include "budget.h"

/* Without a limit there is still an end: 16 GiB a second. */
#define TD_RATE_MAX	(1ULL << 22)
#define TD_SHARE_MIN	(1.0 / 64)
#define TD_SHARE_STEP	(1.0 / 32)
/* One page in this many may come back, and this many always may. */
#define TD_BACK_PART	8
#define TD_BACK_FEW	16

void td_budget_rate(struct td_budget *b, __u64 rate)
{
	b->rate = rate && rate < TD_RATE_MAX ? rate : TD_RATE_MAX;
	if (!b->share)
		b->share = 1;
}

__u64 td_budget_earn(struct td_budget *b, __u64 ns, __u32 huge)
{
	double second = b->rate * b->share;

	b->pages += second * ns / 1e9;
	/* A rate that is less than a huge page a second would never move one. */
	if (second < huge)
		second = huge;
	if (b->pages > second)
		b->pages = second;
	return b->pages;
}

void td_budget_spend(struct td_budget *b, __u64 pages)
{
	b->pages -= pages;
}

bool td_budget_judge(struct td_budget *b, __u64 checked, __u64 back)
{
	b->checked = b->checked * 7 / 8 + checked;
	b->back = b->back * 7 / 8 + back;
	if (b->back >= TD_BACK_FEW && b->back * TD_BACK_PART > b->checked) {
		b->checked = 0;
		b->back = 0;
		if (b->share <= TD_SHARE_MIN)
			return false;
		b->share /= 2;
		return true;
	}
	b->share += TD_SHARE_STEP;
	if (b->share > 1)
		b->share = 1;
	return false;
}
