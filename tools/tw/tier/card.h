/* SPDX-License-Identifier: GPL-2.0 */
/* The tier of GPUs on a card's memory: its server, from bind to unbind. */
#ifndef _TW_CARD_H
#define _TW_CARD_H

#include <stdbool.h>
#include <linux/types.h>

#include "machine/nbd.h"

/**
 * struct card_store - a card's memory as a block device
 * @which: "PLATFORM:DEVICE"; "": the one with most memory; "plain": ordinary memory
 * @bytes: of it
 * @yield: bytes of the card's memory that others are to find free; 0: it does not give way
 * @free_from: a file that says how many are free; NULL: the card does
 * @name: out: of the block device, like nbd0
 */
struct card_store {
	const char *which;
	__u64 bytes;
	__u64 yield;
	const char *free_from;
	char name[NBD_NAME_LEN];
};

/* "0:1" or "plain"? */
int card_is_named(const char *text);
/* What gives way to others is running? */
bool card_daemon_runs(void);
/* Starts a server and connects it; 0 or the exit code, and nothing is left of it. */
int card_begin(struct card_store *c);
/* Is it a device that card_begin() has made, as far as is known here? */
int card_is_ours(const char *name);
/* Its server has ended: what was asked of it fails now, where it would wait for a while. */
void card_give_up(const char *name);
/* Disconnects it and ends its server; 0 or the exit code. */
int card_end(const char *name);

#endif /* _TW_CARD_H */
