/* SPDX-License-Identifier: GPL-2.0 */
/* Long work: how far it is, and an end to it by Ctrl-C. */
#ifndef _TW_WORK_H
#define _TW_WORK_H

#include "cli.h"

/* From here on SIGINT and SIGTERM only make cli_interrupted() true. */
void cli_catch_interrupt(void);
bool cli_interrupted(void);
/* Waits until @fd can be read or the time is over: 0, or -EINTR, -errno. */
int cli_poll(int fd, int timeout_ms);
/* CLOCK_MONOTONIC */
__u64 cli_now_ns(void);

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
