// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * NUMA nodes: their statistics, and moving pages to the nodes that touch them.
 */
#include "internal.h"

TW_API int tw_numa_stats_v1(struct tw *tw, int node,
			    struct tw_numa_stats *stats, size_t size)
{
	const struct tw_numa_stats in = { .node = node };

	return tw_ioctl_out(tw->fd, TW_IOC_NUMA_STATS, &in, sizeof(in), stats,
			    size);
}

TW_API int tw_numa_balance_v1(struct tw *tw, unsigned int nr,
			      struct tw_numa_balance *result, size_t size)
{
	const struct tw_numa_balance in = { .nr = nr };

	return tw_ioctl_out(tw->fd, TW_IOC_NUMA_BALANCE, &in, sizeof(in),
			    result, size);
}
