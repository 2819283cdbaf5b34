/* SPDX-License-Identifier: GPL-2.0 */
/*
 * plan.h - what is to become of each page, given room, budget and cost
 *
 * Plain arithmetic without system calls, so that it is tested by itself. tick.c
 * calls it.
 */
#ifndef _TD_PLAN_H
#define _TD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* As many as a tier's mask of nodes can name. */
#define TD_NODES	64

/* The heat of a page that is touched in each scan, as the driver counts. */
#define TD_HEAT_FULL	153
/* Only pages that were touched in most of the last scans are as hot as this. */
#define TD_HEAT_STEADY	100

enum td_fate {
	TD_STAY,	/* it stays where it is */
	TD_MOVE,	/* to another node */
	TD_PAGEOUT,	/* to swap */
	TD_COLD,	/* the kernel is told that it may go first */
};

/**
 * struct td_unit - a page, or the pages of a huge one, which go together
 * @page: number of the first page
 * @benefit_ns: access time that a move to the other memory saves, see tw_candidate
 * @may: nodes on which the program may have it
 * @pages: how many
 * @program: whose it is, for the caller
 * @heat: the hottest page's
 * @node: where it is
 * @to: out: the node to move to, if that is its fate
 * @fate: out: enum td_fate
 * @told: the kernel has been told lately that it is cold
 */
struct td_unit {
	__u64 page;
	__s64 benefit_ns;
	__u64 may;
	__u32 pages;
	__u32 program;
	__u32 heat;
	__s32 node;
	__s32 to;
	__u8 fate;
	bool told;
};

/**
 * struct td_list - pages, best candidates first
 * @unit: they
 * @nr: how many
 */
struct td_list {
	struct td_unit *unit;
	size_t nr;
};

/**
 * struct td_node - a node's room, in pages
 * @free: free, or to be had without writing anything
 * @line: below this, the node is short
 * @headroom: above the line, what is made free when the node is short
 * @huge: huge pages that can be had in one piece
 */
struct td_node {
	__u64 free;
	__u64 line;
	__u64 headroom;
	__u64 huge;
};

/**
 * struct td_situation - what a plan is made for
 * @node: the nodes of both memory tiers
 * @fast: nodes of the faster tier, a bit each
 * @slow: nodes of the slower tier
 * @swap: pages that swap has room for
 * @cost_ns: what a page's move takes
 * @scans: scans in a minute, within which a move must save what it costs
 * @budget: pages that may be moved now
 */
struct td_situation {
	struct td_node node[TD_NODES];
	__u64 fast;
	__u64 slow;
	__u64 swap;
	__u64 cost_ns;
	__u64 scans;
	__u64 budget;
};

/* Is the node short of memory; or will it be soon? */
bool td_short(const struct td_node *n);
bool td_scarce(const struct td_node *n);
/* Is any of @nodes? */
bool td_any_scarce(const struct td_situation *s, __u64 nodes);
/* Does a move save more than it costs? With @exchange another page has to leave. */
bool td_pays(const struct td_situation *s, const struct td_unit *u,
	     bool exchange);

/*
 * Decides about hot pages of the slower tier. What they take is taken from @s. Returns
 * how many pages would go if the faster tier had room for them.
 */
__u64 td_plan_hot(struct td_situation *s, struct td_list *hot);
/*
 * Decides about cold pages of one tier: they make room where there is too little, and
 * for @waiting pages, as td_plan_hot() has returned.
 */
void td_plan_cold(struct td_situation *s, struct td_list *cold, __u64 waiting);

#endif
