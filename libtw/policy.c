// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Settings of automatic migration.
 */
#include <errno.h>

#include "internal.h"

TW_API int tw_policy_get_v1(struct tw *tw, struct tw_policy *policy,
			    size_t size)
{
	const struct tw_policy in = { .size = sizeof(in) };

	return tw_ioctl_out(tw->fd, TW_IOC_POLICY, &in, sizeof(in), policy,
			    size);
}

TW_API int tw_policy_set_v1(struct tw *tw, const struct tw_policy *policy,
			    size_t size)
{
	/* The driver would take a struct with nothing to set for a read. */
	if (size < TW_POLICY_SIZE_VER0 || (!policy->set && !policy->mode_set))
		return -EINVAL;
	return tw_ioctl_out(tw->fd, TW_IOC_POLICY, policy, size, NULL, size);
}
