/* SPDX-License-Identifier: GPL-2.0 */
/*
 * external.h - pages of somebody else, known by frame number only
 */
#ifndef _TW_EXTERNAL_H
#define _TW_EXTERNAL_H

#include <linux/types.h>
#include <linux/tierwatch.h>

struct tw_agent;

int tw_external_init(void);
void tw_external_exit(void);

/* ioctls; they copy the arrays themselves */
int tw_track_ioctl(struct tw_track *arg);
int tw_untrack_ioctl(struct tw_untrack *arg);
int tw_report_ioctl(struct tw_report *arg);

/**
 * struct tw_mover - moves an owner's external pages
 * @move: moves frame @pfn from tier to tier: 0 with *@new_pfn set (it may be the
 *	same), or a negative errno and nothing has changed. May sleep
 * @data: for @move
 */
struct tw_mover {
	int (*move)(void *data, u64 pfn, int from, int to, u64 *new_pfn);
	void *data;
};

/*
 * Frame @pfn: 0 or -errno as in uapi's tw_track. @mover may be NULL and lives
 * until tw_external_drop_mover(). Sleeps.
 */
int tw_external_track(u64 pfn, int tier, int node, struct tw_agent *agent,
		      const struct tw_mover *mover);
int tw_external_untrack(u64 pfn);
/* Waits for moves that use @mover; its pages stay tracked, without a mover. */
void tw_external_drop_mover(const struct tw_mover *mover);
/*
 * A fault on a page of either kind was reported, by this CPU: 0 or -ENOENT. Any
 * context but NMI. @admin: false looks at the caller's own pages only.
 */
int tw_page_report(u64 page, bool admin);

/* What is known of frame @pfn: false when it is not tracked. */
bool tw_external_describe(u64 pfn, struct tw_page *p);
/* The first tracked frame from @pfn on, described; ULONG_MAX: none. */
unsigned long tw_external_next(unsigned long pfn, struct tw_page *p);
/* Its heat from now on, @aged as if ten seconds old: 0 or -ENOENT. */
int tw_external_set_heat(u64 pfn, unsigned int heat, bool aged);
/* Moves it by its owner's mover: 0, TW_MOVE_ALREADY or -errno as in uapi. */
int tw_external_move(u64 pfn, int to, int from, int reason);
/* @agent ends: its external pages are forgotten. Sleeps. */
void tw_external_drop_agent(struct tw_agent *agent);

#endif
