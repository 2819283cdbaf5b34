/* SPDX-License-Identifier: GPL-2.0 */
/* How output looks on a terminal: colours and, for counts, units. */
#ifndef _TW_TERM_H
#define _TW_TERM_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

enum cli_color {
	COLOR_BOLD,
	COLOR_DIM,
	COLOR_GOOD,
	COLOR_WARN,
	COLOR_BAD,
};

/* --human: text_count() uses units. JSON is never affected. */
extern bool cli_human;
/* --color: 0 or -EINVAL. */
int color_parse(const char *when);
/* Does @f get colours? Asked for, or a terminal and NO_COLOR is not set. */
bool color_wanted(FILE *f);
/*
 * What to print before and after a coloured word; "" without colours. It takes
 * no room on the screen, so put the widths on the word, not on these.
 */
const char *color_on(FILE *f, enum cli_color color);
const char *color_off(FILE *f);
/* Of an enum tw_level */
enum cli_color color_of_level(int level);
/* A number of pages, faults, ...: with --human "12.3M" */
const char *text_count(char *buf, __u64 n);

#endif /* _TW_TERM_H */
