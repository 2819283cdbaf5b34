/* SPDX-License-Identifier: GPL-2.0 */
/* A store on a card's memory gets larger or smaller: the driver's part and the server's. */
#ifndef _TW_CARD_RESIZE_H
#define _TW_CARD_RESIZE_H

#include <stdbool.h>
#include <linux/types.h>

#include "machine/card_control.h"

struct tw;

/**
 * struct card_resized - what became of it
 * @capacity: pages that the store has
 * @moved: pages that were moved out of the way
 * @server: it was the server that refused, not the driver
 * @said: what it said, for -EREMOTEIO
 */
struct card_resized {
	__u64 capacity;
	__u64 moved;
	bool server;
	char said[CARD_SAID_LEN];
};

/* So much of the card's memory makes a store of so many pages. */
__u64 card_bytes(__u64 pages, __u32 page_size);

/*
 * The store of @tier, which is on the device @name of a server, has @bytes of the card's
 * memory from then on: more than the least store takes. One at a time: others wait. 0 or
 * -errno; then the store has its size still, but where @server says that it is smaller,
 * and only the server has not given the memory back.
 */
int card_resize(struct tw *tw, int tier, const char *name, __u64 bytes,
		struct card_resized *done);

/**
 * struct card_yield - how a store gives way to other programs on its card
 * @free: bytes of the card's memory that they are to find free
 * @most: of the store, when they need none
 */
struct card_yield {
	__u64 free;
	__u64 most;
};

/* Whether it does: 0 or -errno, -ENOENT if not. */
int card_yield_read(const char *name, struct card_yield *y);
int card_yield_write(const char *name, const struct card_yield *y);

#endif /* _TW_CARD_RESIZE_H */
