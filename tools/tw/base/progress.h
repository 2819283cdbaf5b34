/* SPDX-License-Identifier: GPL-2.0 */
/* How far long work is: the one line that is written over, on a terminal. */
#ifndef _TW_PROGRESS_H
#define _TW_PROGRESS_H

#include <stdbool.h>
#include <linux/types.h>

/**
 * struct progress - how far long work is, told on a terminal
 * @what: what is done, for progress_show()
 * @total: pages in all; 0: nobody knows
 * @shown_ns: when it was last told; 0: never
 */
struct progress {
	const char *what;
	__u64 total;
	__u64 shown_ns;
};

/* Is there a terminal to tell it on? Without one, the others do nothing. */
bool progress_wanted(void);
/* Writes the line, in place of what it said. */
void progress_say(struct progress *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "WHAT: N of TOTAL pages", but no more often than eyes can follow. */
void progress_show(struct progress *p, __u64 done);
/* Takes it off the screen. */
void progress_end(struct progress *p);

#endif /* _TW_PROGRESS_H */
