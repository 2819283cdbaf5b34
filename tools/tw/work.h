/* SPDX-License-Identifier: GPL-2.0 */
/* Long work: how far it is. */
#ifndef _TW_WORK_H
#define _TW_WORK_H

#include "cli.h"

/**
 * struct progress - how far long work is, told on a terminal
 * @what: what is done
 * @total: pages in all; 0: nobody knows
 * @shown_ns: when it was last told; 0: never
 */
struct progress {
	const char *what;
	__u64 total;
	__u64 shown_ns;
};

void progress_show(struct progress *p, __u64 done);
/* Takes it off the screen. */
void progress_end(struct progress *p);

#endif /* _TW_WORK_H */
