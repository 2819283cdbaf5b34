/* SPDX-License-Identifier: GPL-2.0 */
/*
 * track.h - tracking and reporting pages of regions and external pages, by number
 */
#ifndef _TW_TRACK_H
#define _TW_TRACK_H

#include <linux/tierwatch.h>
#include <linux/types.h>

struct tw_agent;
struct tw_mover;

int tw_external_track(u64 page, int tier, int node, struct tw_agent *agent,
		      const struct tw_mover *mover);
int tw_external_untrack(u64 page);
int tw_page_report(u64 owner, u64 page, bool admin);

int tw_track_ioctl(struct tw_track *arg);
int tw_untrack_ioctl(struct tw_untrack *arg);
int tw_report_ioctl(struct tw_report *arg);

#endif
