/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shrinker.h - giving memory back when the kernel is short of it
 *
 * Only main.c calls it, at load and unload. shrinker.c describes the locks.
 */
#ifndef _TW_SHRINKER_H
#define _TW_SHRINKER_H

int tw_shrinker_init(void);	/* for memcgs: after tw_records_init(), before any space */
void tw_shrinker_exit(void);
int tw_pressed_init(void);	/* for nodes, and the last resort */
void tw_pressed_exit(void);

#endif
