/* SPDX-License-Identifier: GPL-2.0 */
/*
 * offline.h - memory comes, and memory goes offline
 *
 * Only main.c calls it, at load and unload. offline.c describes the locks.
 */
#ifndef _TW_OFFLINE_H
#define _TW_OFFLINE_H

int tw_offline_init(void);	/* after tw_tiers_init() */
void tw_offline_exit(void);

#endif
