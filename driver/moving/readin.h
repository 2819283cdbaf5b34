/* SPDX-License-Identifier: GPL-2.0 */
/*
 * readin.h - a page read from a store, with what lies behind it
 */
#ifndef _TW_READIN_H
#define _TW_READIN_H

struct page;
struct tw_rec;
struct tw_space;

int tw_readin_init(void);
void tw_readin_exit(void);
/*
 * A locked STORE record's page to @page of memory tier @tier, with what lies
 * behind it in the store when there is room. Takes over @page and its charge.
 * The record stays locked: 0 or -errno; but for -EINTR: the caller is being
 * killed, and the record is the read's, or is unlocked.
 */
int tw_read_in(struct tw_space *sp, unsigned long idx, struct tw_rec *rec,
	       struct page *page, int tier);
/*
 * The end of a READING record: to MEM in @page on success (@err 0), back to
 * STORE or POISON else, and @page is given back. Returns @err.
 */
int tw_read_done(struct tw_space *sp, unsigned long idx, struct tw_rec *rec,
		 struct page *page, int tier, int err);

#endif
