// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The swap device: a block device for the kernel's swap, whose pages lie in the stores.
 */
#include "internal.h"

TW_API int tw_swap_create(struct tw *tw, __u64 pages, __u32 *dev)
{
	struct tw_swap_create arg = {
		.size = sizeof(arg),
		.pages = pages,
	};
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_SWAP_CREATE, &arg);
	if (!err && dev)
		*dev = arg.dev;
	return err;
}

TW_API int tw_swap_destroy(struct tw *tw)
{
	struct tw_swap_destroy arg = { .size = sizeof(arg) };

	return tw_ioctl(tw->fd, TW_IOC_SWAP_DESTROY, &arg);
}

TW_API int tw_swap_info_v1(struct tw *tw, struct tw_swap_info *info, size_t size)
{
	const struct tw_swap_info in = { .flags = 0 };

	return tw_ioctl_out(tw->fd, TW_IOC_SWAP_INFO, &in, sizeof(in), info, size);
}
