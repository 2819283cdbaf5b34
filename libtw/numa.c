// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * NUMA nodes: their figures, and pages to where they are used.
 */
#include "internal.h"

TW_API int tw_numa_stats(struct tw *tw, int node, struct tw_numa_stats *stats)
{
	struct tw_numa_stats arg = { .size = sizeof(arg), .node = node };
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_NUMA_STATS, &arg);
	if (!err)
		*stats = arg;
	return err;
}

TW_API int tw_numa_balance(struct tw *tw, unsigned int nr,
			   struct tw_numa_balance *result)
{
	struct tw_numa_balance arg = { .size = sizeof(arg), .nr = nr };
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_NUMA_BALANCE, &arg);
	if (!err && result)
		*result = arg;
	return err;
}
