/* SPDX-License-Identifier: GPL-2.0 */
/*
 * yield.h - a store on a card's memory gives way to other programs there
 *
 * main.c begins it; it ends with the process.
 */
#ifndef _TD_YIELD_H
#define _TD_YIELD_H

#include <linux/types.h>

/* Looks that often at most, in a thread of its own. 0 or -errno. */
int td_yield_begin(__u64 interval_ns);

#endif
