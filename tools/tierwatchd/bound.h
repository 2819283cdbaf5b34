/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bound.h - on which nodes a program may have its pages
 *
 * move_pages(2) keeps to the cpuset of a program, and to no memory policy. So this
 * reads what numa_maps says of each mapping. programs.c calls it.
 */
#ifndef _TD_BOUND_H
#define _TD_BOUND_H

#include <stdio.h>
#include <linux/types.h>

/**
 * struct td_mapping - from one address on
 * @start: the address
 * @nodes: where its pages may go, a bit each
 */
struct td_mapping {
	__u64 start;
	__u64 nodes;
};

/**
 * struct td_bound - of a program
 * @allowed: its cpuset's nodes
 * @map: its mappings by address
 * @nr: how many
 */
struct td_bound {
	__u64 allowed;
	struct td_mapping *map;
	size_t nr;
};

/* A line of numa_maps. 0, or -EINVAL if it is none. */
int td_bound_line(const char *line, struct td_mapping *m);
/* The text of numa_maps instead of what is known. 0 or -ENOMEM. */
int td_bound_maps(struct td_bound *b, FILE *f);
/* The text of /proc/PID/status. */
void td_bound_status(struct td_bound *b, FILE *f);
/* Reads both. 0 or -errno. */
int td_bound_read(struct td_bound *b, int pid);
/* The nodes for a page at @addr. */
__u64 td_bound_at(const struct td_bound *b, __u64 addr);
void td_bound_free(struct td_bound *b);

#endif
