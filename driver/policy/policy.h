/* SPDX-License-Identifier: GPL-2.0 */
/*
 * policy.h - setting the knobs of automatic migration
 *
 * The table of ioctls calls it, without any lock.
 */
#ifndef _TW_POLICY_H
#define _TW_POLICY_H

struct tw_policy;

int tw_policy_ioctl(struct tw_policy *arg);

#endif
