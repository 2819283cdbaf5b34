/* SPDX-License-Identifier: GPL-2.0 */
/* Asking the server of a card's memory how much it has, and to have another size. */
#ifndef _TW_CARD_CONTROL_H
#define _TW_CARD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* What is known of servers lies there, named after the block devices of theirs. */
#define CARD_RUN_PARENT	"/run/tierwatch"
#define CARD_RUN_DIR	CARD_RUN_PARENT "/gpu"
#define CARD_FILE_LEN	128
#define CARD_SAID_LEN	512

/**
 * struct card_size - what a server has
 * @bytes: of the card's memory
 * @most: so much at most: what it began with
 * @free: of the card's memory, that nobody has
 * @free_known: @free is known
 */
struct card_size {
	__u64 bytes;
	__u64 most;
	__u64 free;
	bool free_known;
};

void card_file(char path[CARD_FILE_LEN], const char *name, const char *ext);
/*
 * They return 0 or -errno: -ENOENT: there is no such server, or it is of an older
 * version; -EREMOTEIO: it has said why not, in @said; -ETIMEDOUT: it says nothing.
 */
int card_look(const char *name, struct card_size *size);
int card_set_size(const char *name, __u64 bytes, char said[CARD_SAID_LEN]);

#endif /* _TW_CARD_CONTROL_H */
