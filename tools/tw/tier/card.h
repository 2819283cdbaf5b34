/* SPDX-License-Identifier: GPL-2.0 */
/* The tier of GPUs on a card's memory: its server, from bind to unbind. */
#ifndef _TW_CARD_H
#define _TW_CARD_H

#include <linux/types.h>

#include "machine/nbd.h"

/**
 * struct card_store - a card's memory as a block device
 * @which: "PLATFORM:DEVICE"; "": the one with most memory; "plain": ordinary memory
 * @bytes: of it
 * @name: out: of the block device, like nbd0
 */
struct card_store {
	const char *which;
	__u64 bytes;
	char name[NBD_NAME_LEN];
};

/* "0:1" or "plain"? */
int card_is_named(const char *text);
/* Starts a server and connects it; 0 or the exit code, and nothing is left of it. */
int card_begin(struct card_store *c);
/* Is it a device that card_begin() has made, as far as is known here? */
int card_is_ours(const char *name);
/* Its server has ended: what was asked of it fails now, where it would wait for a while. */
void card_give_up(const char *name);
/*
 * One change of its size at a time: the fd that is to be closed afterwards, or -1 and
 * *@code is the exit code.
 */
int card_lock_size(const char *name, int *code);
/* Its server has so many bytes from now on; 0 or the exit code, and it has what it had. */
int card_have(const char *name, __u64 bytes);
/* Disconnects it and ends its server; 0 or the exit code. */
int card_end(const char *name);

#endif /* _TW_CARD_H */
