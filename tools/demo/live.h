/* SPDX-License-Identifier: GPL-2.0 */
/*
 * live.h - the consumer: draws what the statistics and the stream say, without
 * any system call but those that wait and write
 */
#ifndef _LIVE_H
#define _LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include "tw.h"

struct live;

/**
 * struct live_sum - what the consumer has seen
 * @seen: events read
 * @lost: events overwritten before they were read
 * @faults: of these, faults
 * @moves: moves
 * @levels: changes of a pressure level
 * @elapsed: seconds
 */
struct live_sum {
	uint64_t seen;
	uint64_t lost;
	uint64_t faults;
	uint64_t moves;
	uint64_t levels;
	double elapsed;
};

/* @agent: whose events; NULL: everything. Says what is wrong; 0 or -errno. */
int live_start(struct tw *tw, const struct tw_agent *agent, bool ansi,
	       struct live **live);
void live_stop(struct live *live, struct live_sum *sum);

#endif
