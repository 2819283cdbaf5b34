/* SPDX-License-Identifier: GPL-2.0 */
/*
 * readin.h - a page read from a store, with what lies behind it
 *
 * bring_in.c and fault.c call it for faults, move.c to end a read of its own.
 */
#ifndef _TW_READIN_H
#define _TW_READIN_H

#include "pages/record.h"

struct page;
struct tw_space;

/*
 * How many pages are read together at most, and at least when access is sequential; and
 * after how many the next read does not wait for a fault.
 */
#define TW_READAHEAD		32U
#define TW_READAHEAD_FIRST	4U
#define TW_READAHEAD_SURE	8U

int tw_readin_init(void);
void tw_readin_exit(void);
/*
 * Reads the page of a locked STORE record to @page of memory tier @tier, and pages that
 * follow it in the store while there is room. Takes over @page and its charge. Returns
 * 0 or -errno with the record still locked; but -EINTR means that the caller is being
 * killed, and that it does not hold the record any more.
 */
int tw_read_in(struct tw_space *sp, unsigned long idx, struct tw_rec *rec,
	       struct page *page, int tier);
/*
 * A page in memory has been touched. If it is one of those that were read last, one
 * behind the other, the reading goes on behind them, and this does not wait for it. No
 * record is locked.
 */
void tw_read_on(struct tw_space *sp, struct tw_chunk *c, unsigned long idx);
static inline void tw_read_ahead(struct tw_space *sp, struct tw_chunk *c,
				 unsigned long idx)
{
	if (unlikely(READ_ONCE(c->ahead) >= TW_READAHEAD_SURE))
		tw_read_on(sp, c, idx);
}

/*
 * Ends the reading of a READING record. If @err is 0, it becomes MEM in @page. If not,
 * it becomes STORE or POISON, and @page is given back. Returns @err.
 */
int tw_read_done(struct tw_space *sp, unsigned long idx, struct tw_rec *rec,
		 struct page *page, int tier, int err);

#endif
