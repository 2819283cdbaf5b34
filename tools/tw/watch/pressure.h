/* SPDX-License-Identifier: GPL-2.0 */
/* Waiting for a level of pressure. */
#ifndef _TW_PRESSURE_H
#define _TW_PRESSURE_H

#include <stdbool.h>
#include <linux/types.h>

#include "tw.h"

/* As timeout(1) has it. */
#define EXIT_TIMEOUT	124

/**
 * struct pressure_wait - what is waited for
 * @tier: enum tw_tier
 * @level: enum tw_level, or above
 * @falling: or below
 * @timeout_ns: at most so long; below 0: for ever
 */
struct pressure_wait {
	int tier;
	int level;
	bool falling;
	__s64 timeout_ns;
};

/* 0, EXIT_TIMEOUT, or it says why not and returns the exit code. */
int pressure_wait(struct tw *tw, const struct pressure_wait *wait);
/* tw pressure set; returns the exit code. */
int pressure_set(int argc, char **argv);
/* Says what is wrong. Returns EXIT_FAILURE. */
int pressure_error(int err, int tier);

#endif /* _TW_PRESSURE_H */
