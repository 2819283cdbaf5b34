/* SPDX-License-Identifier: GPL-2.0 */
/*
 * readin.h - a page read from a store, with what lies behind it
 *
 * bring_in.c calls the first function, move.c the second one, both with the record
 * locked.
 */
#ifndef _TW_READIN_H
#define _TW_READIN_H

struct page;
struct tw_rec;
struct tw_space;

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
 * Ends the reading of a READING record. If @err is 0, it becomes MEM in @page. If not,
 * it becomes STORE or POISON, and @page is given back. Returns @err.
 */
int tw_read_done(struct tw_space *sp, unsigned long idx, struct tw_rec *rec,
		 struct page *page, int tier, int err);

#endif
