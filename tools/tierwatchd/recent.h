/* SPDX-License-Identifier: GPL-2.0 */
/*
 * recent.h - what was done to which pages lately
 *
 * Owns a table of bounded size, which forgets the oldest. No system calls. gather.c
 * asks it, act.c tells it, judge.c looks at what was sent away.
 */
#ifndef _TD_RECENT_H
#define _TD_RECENT_H

#include <stddef.h>
#include <linux/types.h>

enum td_what {
	TD_NOTHING,
	TD_CAME,	/* moved to the faster tier */
	TD_SENT,	/* moved to other memory, being cold */
	TD_PAGED,	/* paged out */
	TD_TOLD,	/* the kernel was told that it is cold */
	TD_BUSY,	/* could not be moved just then */
	TD_REFUSED,	/* the kernel refuses to move it */
};

/* Ticks for which a page that has moved, or was busy, is left alone. */
#define TD_LEAVE_TICKS		5
/* Ticks for which one that the kernel refuses to move is. */
#define TD_REFUSED_TICKS	60
/* Ticks after which a page that was sent away is looked at. */
#define TD_JUDGE_TICKS		10

/**
 * struct td_mark - an entry
 * @page: number of the page, or of the first one of a huge page
 * @tick: when it was
 * @what: enum td_what
 * @pages: how many
 */
struct td_mark {
	__u64 page;
	__u32 tick;
	__u16 what;
	__u16 pages;
};

struct td_recent {
	struct td_mark *mark;
};

/* 0 or -ENOMEM */
int td_recent_init(struct td_recent *r);
void td_recent_end(struct td_recent *r);
void td_recent_note(struct td_recent *r, __u64 page, __u32 pages,
		    enum td_what what, __u32 tick);
/* What is known of a page and still counts at @tick, TD_NOTHING if nothing is. */
enum td_what td_recent_of(const struct td_recent *r, __u64 page, __u32 tick);
/* Up to @max pages that were sent away TD_JUDGE_TICKS before @tick. Returns how many. */
size_t td_recent_sent(const struct td_recent *r, __u32 tick,
		      struct td_mark *out, size_t max);

#endif
