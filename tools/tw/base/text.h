/* SPDX-License-Identifier: GPL-2.0 */
/* Text that a terminal can be given, and amounts as text. */
#ifndef _TW_TEXT_H
#define _TW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* Room for any of the text_...() that don't say otherwise */
#define TEXT_LEN	32

/*
 * What came from elsewhere - names, labels, paths - as text that a terminal can
 * be given: each byte that is of no whole letter in UTF-8, or of one that would
 * command the terminal, becomes a "?". In place; returns @s.
 */
char *text_clean(char *s);
/* Is it text as it is? */
bool text_is_clean(const char *s);
/* The same as text_clean() in memory of its own, until the eighth call after. */
const char *text_shown(const char *s);
/* Only what is no UTF-8 becomes a "?". In place; returns @s. */
char *text_utf8(char *s);
/* The end of it, of @most bytes at most: what is most telling of a long path. */
const char *text_tail(const char *s, size_t most);

/* Into @buf, which is returned. */
const char *text_bytes(char *buf, __u64 bytes);
const char *text_ns(char *buf, __u64 ns);
const char *text_page(char *buf, __u64 page);
/* "0,2-3" into a buffer of 256 bytes */
#define NODES_LEN	256
const char *text_nodes(char *buf, __u64 nodes);

#endif /* _TW_TEXT_H */
