/* SPDX-License-Identifier: GPL-2.0 */
/*
 * room.h - how much room nodes and swap have, as the kernel tells it
 *
 * Reads /proc and /sys, owns nothing. tick.c calls it.
 */
#ifndef _TD_ROOM_H
#define _TD_ROOM_H

#include <stdio.h>

#include "plan.h"

/**
 * struct td_rooms - what all the files together say
 * @page_size: bytes
 * @huge: pages of a huge page
 * @free_permille: of a node's memory, its headroom
 * @mark: of each node, the sum of its zones' high watermarks, in pages
 * @node: the nodes, in pages
 * @swap: pages that swap has room for
 */
struct td_rooms {
	__u32 page_size;
	__u32 huge;
	__u32 free_permille;
	__u64 mark[TD_NODES];
	struct td_node node[TD_NODES];
	__u64 swap;
};

/* One file each; their text may come from anywhere. */
void td_room_meminfo(struct td_rooms *r, FILE *f);
void td_room_zoneinfo(struct td_rooms *r, FILE *f);
void td_room_buddyinfo(struct td_rooms *r, FILE *f);
void td_room_swap(struct td_rooms *r, FILE *f);

/*
 * All of them, for @nodes; watermarks, which seldom change, only if @marks. Returns 0 or
 * -errno.
 */
int td_room_read(struct td_rooms *r, __u64 nodes, bool marks);

#endif
