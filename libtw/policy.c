// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * policy.c - the knobs of automatic migration
 */
#include "internal.h"

TW_API int tw_policy_get(struct tw *tw, struct tw_policy *policy)
{
	struct tw_policy arg = { .size = sizeof(arg) };
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_POLICY, &arg);
	if (!err)
		*policy = arg;
	return err;
}

TW_API int tw_policy_set(struct tw *tw, const struct tw_policy *policy)
{
	struct tw_policy arg = *policy;

	arg.size = sizeof(arg);
	arg.flags = TW_POLICY_SET;
	return tw_ioctl(tw->fd, TW_IOC_POLICY, &arg);
}
