/* SPDX-License-Identifier: GPL-2.0 */
/* The swap device as it is, and what else the kernel swaps to. */
#ifndef _TW_SWAP_LOOK_H
#define _TW_SWAP_LOOK_H

#include <stddef.h>

#include "tw.h"

#define SWAP_PATH	"/dev/twswap"

/**
 * struct swap_area - something that the kernel swaps to, a line of /proc/swaps
 * @name: its path, byte by byte: not to be shown as it is
 * @size: bytes
 * @used: bytes
 * @priority: the highest is filled first
 */
struct swap_area {
	char *name;
	__u64 size;
	__u64 used;
	int priority;
};

/**
 * enum swap_state - how far it is
 * @SWAP_NONE: there is no swap device
 * @SWAP_MADE: there is one, and the kernel does not swap to it
 * @SWAP_ON: it does
 */
enum swap_state { SWAP_NONE, SWAP_MADE, SWAP_ON };

/**
 * struct swap_look - what there is
 * @state: of the swap device
 * @info: the device; zeroes if there is none
 * @area: all areas, the swap device's among them
 * @nr: how many
 * @ours: the swap device's, or NULL
 */
struct swap_look {
	enum swap_state state;
	struct tw_swap_info info;
	struct swap_area *area;
	size_t nr;
	const struct swap_area *ours;
};

/* 0, or the exit code and it has said what is wrong. Free it in any case. */
int swap_look(struct tw *tw, struct swap_look *l);
void swap_look_free(struct swap_look *l);

/* Bytes that the other areas have free. */
__u64 swap_others_free(const struct swap_look *l);
/* The highest priority of the others; -1 if it is negative or there are none. */
int swap_others_priority(const struct swap_look *l);

/* Pages that are read at once are 1 << this. */
unsigned int swap_page_cluster(void);

#endif /* _TW_SWAP_LOOK_H */
