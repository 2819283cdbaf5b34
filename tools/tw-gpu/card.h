/* SPDX-License-Identifier: GPL-2.0 */
/*
 * card.h - memory of a card, by OpenCL
 *
 * Made once, before the first request: the segments, which are written to, so that the
 * card really has them, and for each copy that may be under way at the same time a
 * buffer of host memory that the card's copy engine reaches by itself, and a queue.
 * For a request nothing is allocated later. Segments are given back, and taken again,
 * when the memory is to be smaller or larger.
 */
#ifndef _TW_GPU_CARD_H
#define _TW_GPU_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct card;

/**
 * struct card_wish - what is asked for
 * @given: which card: @platform and @device; else the one with most memory that is no CPU
 * @platform: its number
 * @device: its number there
 * @bytes: of memory, a multiple of the page size
 * @lanes: copies at the same time
 * @lane_bytes: what one copies at most
 */
struct card_wish {
	bool given;
	unsigned int platform;
	unsigned int device;
	uint64_t bytes;
	unsigned int lanes;
	size_t lane_bytes;
};

/* NULL: there is a text in @why that says what to do. */
struct card *card_open(const struct card_wish *wish, char *why, size_t len);
void card_close(struct card *c);
const char *card_name(const struct card *c);

/*
 * Has the first @bytes of what was asked for, and gives the segments beyond back or takes
 * them. No copy is under way beyond what there is before or after. By one thread at a
 * time. 0; or -1, there is what there was, and a text in @why that says what to do.
 */
int card_resize(struct card *c, uint64_t bytes, char *why, size_t len);
/* How much of the card's memory nobody has: 0, or -1: its maker does not tell. */
int card_free(const struct card *c, uint64_t *bytes);

/* The host memory of a lane, lane_bytes long. */
void *card_lane(struct card *c, unsigned int lane);
/*
 * Copies between a lane's memory and the card's, and waits. Each lane by one thread at
 * a time. 0 or -EIO.
 */
int card_copy(struct card *c, unsigned int lane, uint64_t offset, size_t bytes, bool write);

#endif
