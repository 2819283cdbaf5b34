/* SPDX-License-Identifier: GPL-2.0 */
/*
 * track.h - pages of both kinds that callers track and report
 */
#ifndef _TW_TRACK_H
#define _TW_TRACK_H

#include <linux/tierwatch.h>
#include <linux/types.h>

struct tw_agent;
struct tw_mover;

/*
 * Page @page: 0 or -errno as in uapi's tw_track, with CAP_SYS_ADMIN. @mover may
 * be NULL and lives until tw_external_drop_mover(). Sleeps.
 */
int tw_external_track(u64 page, int tier, int node, struct tw_agent *agent,
		      const struct tw_mover *mover);
/* 0 or -errno as in uapi's tw_untrack, with CAP_SYS_ADMIN. Sleeps. */
int tw_external_untrack(u64 page);
/*
 * A fault on a page of either kind was reported, by this CPU: 0 or -ENOENT. Any
 * context but NMI. @admin: false looks at the caller's own pages only.
 */
int tw_page_report(u64 owner, u64 page, bool admin);

/* ioctls; they copy the arrays themselves */
int tw_track_ioctl(struct tw_track *arg);
int tw_untrack_ioctl(struct tw_untrack *arg);
int tw_report_ioctl(struct tw_report *arg);

#endif
