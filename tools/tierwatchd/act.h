/* SPDX-License-Identifier: GPL-2.0 */
/*
 * act.h - carrying a plan out, by the kernel's own calls
 *
 * Owns no state but what it takes a move to cost. tick.c calls it.
 */
#ifndef _TD_ACT_H
#define _TD_ACT_H

#include "plan.h"
#include "programs.h"
#include "recent.h"

/**
 * struct td_done - what has become of a plan, in pages
 * @promoted: moved to the faster tier
 * @demoted: moved to other memory, being cold
 * @paged: paged out
 * @told: the kernel was told that they are cold
 * @busy: not now
 * @refused: the kernel does not do it: mlocked, shared with another process, or not
 *	on nodes of the program's cpuset
 * @gone: there was nothing to be moved any more
 */
struct td_done {
	__u64 promoted;
	__u64 demoted;
	__u64 paged;
	__u64 told;
	__u64 busy;
	__u64 refused;
	__u64 gone;
};

/**
 * struct td_actor - who acts
 * @programs: the attached programs
 * @recent: where to note what was done
 * @fast: nodes of the faster tier, a bit each
 * @cost_ns: what a page's move between nodes takes, as measured
 * @done: what was done
 */
struct td_actor {
	struct td_programs *programs;
	struct td_recent *recent;
	__u64 fast;
	__u64 cost_ns;
	struct td_done done;
};

/* Moves what the plan says, and puts @list in another order. */
void td_act(struct td_actor *a, struct td_list *list);

#endif
