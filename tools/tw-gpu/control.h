/* SPDX-License-Identifier: GPL-2.0 */
/*
 * control.h - the server is told to be smaller or larger
 *
 * By a socket of its own, of one packet for each question and answer:
 *
 *   "size BYTES"  have so much   "ok", or "error TEXT" and it has what it had
 *   "look"        how much       "ok BYTES MOST FREE": what it has, what it may have, and
 *                                what of the card's memory nobody has, or "-": unknown
 */
#ifndef _TW_GPU_CONTROL_H
#define _TW_GPU_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#define CONTROL_LEN	512

/**
 * struct control_ops - what is done; by one thread, one after the other
 * @resize: 0, or -1 and a text in @why
 * @look: the text behind "ok "
 */
struct control_ops {
	int (*resize)(uint64_t bytes, char *why, size_t len);
	void (*look)(char *text, size_t len);
};

/* Listens at @path from now on, in a thread. 0 or -errno. */
int control_begin(const char *path, const struct control_ops *ops);
void control_end(void);

#endif
