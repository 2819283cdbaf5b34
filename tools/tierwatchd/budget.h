/* SPDX-License-Identifier: GPL-2.0 */
/*
 * budget.h - how many pages may be moved, and less of them when they come back
 *
 * Plain arithmetic without system calls. tick.c calls it.
 */
#ifndef _TD_BUDGET_H
#define _TD_BUDGET_H

#include <stdbool.h>
#include <linux/types.h>

/**
 * struct td_budget - pages that may be moved
 * @rate: pages a second
 * @share: of the rate that is used at present, 1 or less
 * @pages: that may be moved now
 * @checked: pages that were looked at some time after they had been sent away, of
 *	the latest ticks
 * @back: the part of these that had come back
 */
struct td_budget {
	__u64 rate;
	double share;
	double pages;
	double checked;
	double back;
};

/* @rate 0: no limit. */
void td_budget_rate(struct td_budget *b, __u64 rate);
/* @ns have passed. Returns how many pages may be moved now. @huge: pages of a huge page. */
__u64 td_budget_earn(struct td_budget *b, __u64 ns, __u32 huge);
void td_budget_spend(struct td_budget *b, __u64 pages);
/*
 * Of @checked pages that had been sent away, @back came back. To be called once a tick.
 * Returns whether the rate was halved.
 */
bool td_budget_judge(struct td_budget *b, __u64 checked, __u64 back);

#endif
