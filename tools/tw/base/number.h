/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers, sizes, addresses and times as users type them. */
#ifndef _TW_NUMBER_H
#define _TW_NUMBER_H

#include <linux/types.h>

/*
 * These return 0 or -EINVAL, -ERANGE, and then leave what there was.
 * Numbers are decimal.
 */
int parse_size(const char *s, __u64 *bytes);
int parse_u64(const char *s, __u64 *value);
int parse_within(const char *s, __u64 least, __u64 most, __u64 *value);
/* "800x600" */
int parse_pair(const char *s, char between, __u64 *a, __u64 *b);
/* Of a page or in memory: hexadecimal after 0x, or decimal. */
int parse_addr(const char *s, __u64 *value);
int parse_nodes(const char *s, __u64 *nodes);
/* Says what is wrong; returns 0 or EXIT_USAGE. */
int parse_pid(const char *s, __u32 *pid);

/*
 * "1.5", "20us", "10ms", "3s", "2m"; without a unit in @unit_ns. Returns 0,
 * -EINVAL or -ERANGE.
 */
int parse_span(const char *s, __u64 unit_ns, __u64 *ns);

#endif /* _TW_NUMBER_H */
