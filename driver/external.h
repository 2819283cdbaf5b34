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

/* What is known of frame @pfn: false when it is not tracked. */
bool tw_external_describe(u64 pfn, struct tw_page *p);
/* Moves it by its owner's mover: 0, TW_MOVE_ALREADY or -errno as in uapi. */
int tw_external_move(u64 pfn, int to, int from, int reason);
/* @agent ends: its external pages are forgotten. Sleeps. */
void tw_external_drop_agent(struct tw_agent *agent);

#endif
