/* SPDX-License-Identifier: GPL-2.0 */
/*
 * proc.h - /proc/swarm
 */
#ifndef _TW_PROC_H
#define _TW_PROC_H

#include <linux/types.h>

int tw_proc_init(void);
void tw_proc_exit(void);
/* Whether the caller may read /proc/swarm/agents and numa, by their modes and owners. */
bool tw_proc_allowed(void);

#endif
