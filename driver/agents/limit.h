/* SPDX-License-Identifier: GPL-2.0 */
/*
 * limit.h - how much of each tier an agent takes
 */
#ifndef _TW_LIMIT_H
#define _TW_LIMIT_H

#include <linux/types.h>

struct tw_agent;
struct tw_agent_limits;

void tw_agent_set_limits(struct tw_agent *a, const u64 *limit, bool hard);
void tw_agent_get_limits(struct tw_agent *a, u64 *limit, u64 *hard);
unsigned long tw_agent_excess(struct tw_agent *a, int tier);
int tw_agent_limits_ioctl(struct tw_agent_limits *arg);

#endif
