/* SPDX-License-Identifier: GPL-2.0 */
/* What long work shares: being told to stop, waiting, and the time. */
#ifndef _TW_STOP_H
#define _TW_STOP_H

#include <linux/types.h>

#define NS_PER_SEC	1000000000ULL

/* From now on SIGINT, SIGTERM and SIGHUP ask to stop instead of killing. */
void stop_catch(void);
/* The signal that asked to stop, or 0. */
int stop_signal(void);
/* @code, or 128 + the signal that asked to stop. */
int stop_code(int code);
/*
 * Waits until @fd (-1: none) can be read, until @deadline_ns of
 * CLOCK_MONOTONIC (~0: none), or until asked to stop, which can't be missed.
 * Returns 1 when @fd can be read, 0 when not, -errno.
 */
int stop_wait(int fd, __u64 deadline_ns);
/* CLOCK_MONOTONIC */
__u64 now_ns(void);
/* CPU time of this process */
__u64 cpu_ns(void);

#endif /* _TW_STOP_H */
