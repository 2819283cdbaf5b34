/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bring_in.h - a touched page is brought to memory
 */
#ifndef _TW_BRING_IN_H
#define _TW_BRING_IN_H

#include <linux/types.h>

struct mm_struct;
struct tw_chunk;
struct tw_rec;
struct tw_space;

/**
 * struct tw_fault - one attempt at a fault
 * @sp: whose page it is
 * @c: chunk of the page's record
 * @idx: page
 * @addr: where it was touched ...
 * @mm: ... in this address space, not always the current one
 * @write: the access is a write
 * @major: a store was waited for
 * @first: first touch
 * @locked: the page is in vmf->page, locked, for the kernel to map
 * @tier: where the page was found
 * @now: where it is
 * @start: when the attempt began
 * @seen: tw_moves_out_seen() when room that is reserved was last looked for
 * @waits: how often since then in vain
 */
struct tw_fault {
	struct tw_space *sp;
	struct tw_chunk *c;
	unsigned long idx;
	unsigned long addr;
	const struct mm_struct *mm;
	bool write;
	bool major;
	bool first;
	bool locked;
	int tier;
	int now;
	u64 start;
	unsigned long seen;
	unsigned int waits;
};

/* A locked NONE record gets its first page, if that and room for it are at hand. */
bool tw_fault_first(struct tw_fault *f, struct tw_rec *rec);
/*
 * Brings the page to memory, sleeping as it must. 0 with the record locked
 * when @keep_locked, or a negative errno with it unlocked.
 */
int tw_bring_in(struct tw_fault *f, bool keep_locked);

#endif
