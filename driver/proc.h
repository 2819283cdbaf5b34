/* SPDX-License-Identifier: GPL-2.0 */
/*
 * proc.h - /proc/swarm
 */
#ifndef _TW_PROC_H
#define _TW_PROC_H

int tw_proc_init(void);
void tw_proc_exit(void);

#endif
