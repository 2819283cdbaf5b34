/* SPDX-License-Identifier: GPL-2.0 */
/*
 * attachment.h - the private anonymous memory of an attached program, as an owner of pages
 *
 * An attachment is a space (space.h) whose pages are foreign: the index of a page is
 * its address in the program's address space. The scanner makes its records and is the
 * only one to change them. They hold nothing, so that it ends by dropping references.
 *
 * doors/attach.c makes, lists and ends attachments; the scanner calls the ops, by way
 * of space.h.
 */
#ifndef _TW_ATTACHMENT_H
#define _TW_ATTACHMENT_H

#include <linux/list.h>
#include <linux/numa.h>
#include <linux/tierwatch.h>

#include "pages/space.h"

struct mm_struct;
struct pid;
struct user_namespace;

/**
 * struct tw_attachment - an attachment
 * @space: its pages
 * @mm: the address space; referenced as a struct only, so that it ends as it would
 * @ns: the user namespace that its memory belongs to (referenced)
 * @pid: the process that it was attached by
 * @node: in the list of doors/attach.c, under its lock
 *
 * These belong to the scanner, and others read them with READ_ONCE():
 *
 * @state: TW_ATTACHED_*
 * @placing: counted up when other nodes are in the tiers
 * @tiers: for each node the tier that has it, or TW_TIER_NONE
 * @pages: pages found in each tier
 * @elsewhere: pages in memory of no tier
 * @swapped: pages that are swapped out
 * @scans: how often it was scanned
 */
struct tw_attachment {
	struct tw_space space;
	struct mm_struct *mm;
	struct user_namespace *ns;
	struct pid *pid;
	struct list_head node;
	u32 state;
	u8 placing;
	u8 tiers[MAX_NUMNODES];
	unsigned long pages[TW_NR_TIERS];
	unsigned long elsewhere;
	unsigned long swapped;
	u64 scans;
};

/* A space that is known to be an attachment's. */
static inline struct tw_attachment *tw_attached_of(struct tw_space *sp)
{
	return container_of(sp, struct tw_attachment, space);
}

/*
 * Makes an attachment of @mm, which has users, without an id, so that it cannot be
 * found. Sleeps. Returns it or ERR_PTR: -ENOMEM, -EDQUOT. It is freed by tw_space_put().
 */
struct tw_attachment *tw_attached_alloc(struct mm_struct *mm,
					struct user_namespace *ns, struct pid *pid);

/* Two of its struct tw_space_ops. */
int tw_attached_scan(struct tw_space *sp, struct tw_chunk *c, unsigned int how,
		     unsigned long *young);
void tw_attached_find(struct tw_space *sp);

#endif
