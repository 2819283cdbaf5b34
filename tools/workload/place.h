/* SPDX-License-Identifier: GPL-2.0 */
/*
 * place.h - where pages can be, and the share of accesses served from there
 *
 * The score is a sum of true probabilities over pages whose place was read
 * back from the kernel. No heat of anybody's is in it.
 */
#ifndef _PLACE_H
#define _PLACE_H

#include <stdint.h>
#include <string.h>

#include "tw.h"

/* The tiers, then these. */
enum {
	PLACE_SWAP = TW_NR_TIERS,
	PLACE_OTHER,		/* never touched, or it could not be told */
	NR_PLACES,
};

#define MAX_NODES	64

/**
 * struct nodes - the machine's memory nodes
 * @fast: a bit for each that has CPUs
 * @only: the one node that has memory; -1: there are more
 * @fast_pages: of those with CPUs, in all
 */
struct nodes {
	uint64_t fast;
	int only;
	uint64_t fast_pages;
};

/**
 * struct tally - pages and shares of accesses
 * @pages: by place
 * @share: by place; they sum up to 1
 * @node_pages: by NUMA node, of pages in memory
 * @node_share: the same
 */
struct tally {
	uint64_t pages[NR_PLACES];
	double share[NR_PLACES];
	uint64_t node_pages[MAX_NODES];
	double node_share[MAX_NODES];
};

static inline void tally_clear(struct tally *t)
{
	memset(t, 0, sizeof(*t));
}

/* One page; @node is -1 when it is in none. */
static inline void tally_add(struct tally *t, unsigned int place, int node,
			     double probability)
{
	if (place >= NR_PLACES)
		place = PLACE_OTHER;
	t->pages[place]++;
	t->share[place] += probability;
	if (node < 0 || node >= MAX_NODES)
		return;
	t->node_pages[node]++;
	t->node_share[node] += probability;
}

/* What was served by the CPU tier, of what could be; -1: nothing could. */
static inline double tally_placement(const struct tally *t, double best)
{
	return best > 0 ? t->share[TW_TIER_CPU] / best : -1;
}

#endif
