/* SPDX-License-Identifier: GPL-2.0 */
/* Tiers that a run's memory is kept to. */
#ifndef _TW_RUN_TIERS_H
#define _TW_RUN_TIERS_H

#include <stdbool.h>

#include "tw.h"

/**
 * struct run_tiers - what the kernel is told for them
 * @nodes: NUMA nodes that memory may be on, a bit each
 * @swap: it may be swapped out
 */
struct run_tiers {
	__u64 nodes;
	bool swap;
};

/* "cpu,gpu,nvme", a bit by tier. Says what is wrong; 0 or EXIT_USAGE. */
int parse_tiers(const char *list, unsigned int *tiers);
/*
 * What it takes to keep memory to these tiers, as they are bound now. 0, or the exit
 * code and it has said what can't be kept.
 */
int run_tiers_find(struct tw *tw, unsigned int tiers, struct run_tiers *found);

#endif /* _TW_RUN_TIERS_H */
