/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gather.h - candidates of the driver, as pages that may be moved
 *
 * Owns no state; the list's memory is the caller's to free. tick.c calls it.
 */
#ifndef _TD_GATHER_H
#define _TD_GATHER_H

#include "plan.h"
#include "programs.h"
#include "recent.h"

/*
 * Up to @want candidates for moves from tier @from, whose nodes are @nodes, to tier
 * @to. Of a huge page that has any, all of it is one. Leaves out what was moved or
 * refused lately, what is not there any more, and programs that may not be touched.
 * Returns 0 or -errno.
 */
int td_gather(struct td_list *list, struct td_programs *programs,
	      const struct td_recent *recent, struct tw *tw, int from,
	      __u64 nodes, int to, size_t want);

#endif
