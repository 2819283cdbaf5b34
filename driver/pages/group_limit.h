/* SPDX-License-Identifier: GPL-2.0 */
/*
 * group_limit.h - setting and showing limits of cgroups and users
 *
 * For the table of ioctls and main.c. group_limit.c describes the locks.
 */
#ifndef _TW_GROUP_LIMIT_H
#define _TW_GROUP_LIMIT_H

struct tw_group_limits;

void tw_groups_exit(void);
int tw_group_limits_ioctl(struct tw_group_limits *arg);

#endif
