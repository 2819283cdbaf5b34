/* SPDX-License-Identifier: GPL-2.0 */
/* show.h - a tick as text or as JSON, called by tick.c */
#ifndef _TD_SHOW_H
#define _TD_SHOW_H

struct td_daemon;

/* What a tick has done, or with --dry-run would do. */
void td_show(const struct td_daemon *d);

#endif
