// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tiers: their properties, binding, pressure and faults.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

TW_API int tw_tier_info_v1(struct tw *tw, int tier, struct tw_tier_info *info,
			   size_t size)
{
	const struct tw_tier_info in = { .tier = tier };

	return tw_ioctl_out(tw->fd, TW_IOC_TIER_INFO, &in, sizeof(in), info,
			    size);
}

TW_API int tw_tier_bind_nodes(struct tw *tw, int tier, __u64 nodes,
			      __u64 capacity, unsigned int flags)
{
	struct tw_tier_bind arg = {
		.size = sizeof(arg),
		.tier = tier,
		.flags = flags,
		.fd = -1,
		.capacity = capacity,
		.nodes = nodes,
	};

	return tw_ioctl(tw->fd, TW_IOC_TIER_BIND, &arg);
}

TW_API int tw_tier_bind_device(struct tw *tw, int tier, const char *path,
			       __u64 capacity, unsigned int flags)
{
	struct tw_tier_bind arg = {
		.size = sizeof(arg),
		.tier = tier,
		.flags = flags,
		.capacity = capacity,
	};
	struct stat st;
	int err;

	arg.fd = open(path, O_RDWR | O_CLOEXEC);
	if (arg.fd < 0)
		return -errno;
	if (fstat(arg.fd, &st))
		err = -errno;
	else if (!S_ISBLK(st.st_mode))
		err = -ENOTBLK;
	else
		err = tw_ioctl(tw->fd, TW_IOC_TIER_BIND, &arg);
	tw_close_fd(arg.fd);
	return err;
}

TW_API int tw_tier_unbind(struct tw *tw, int tier, unsigned int flags,
			  __u64 *moved)
{
	struct tw_tier_unbind arg = {
		.size = sizeof(arg),
		.tier = tier,
		.flags = flags,
	};
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_TIER_UNBIND, &arg);
	if (moved)
		*moved = arg.moved;
	return err;
}

TW_API int tw_tier_resize(struct tw *tw, int tier, __u64 *capacity, __u64 *moved)
{
	struct tw_tier_resize arg = {
		.size = sizeof(arg),
		.tier = tier,
		.capacity = *capacity,
	};
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_TIER_RESIZE, &arg);
	if (err)
		return err;
	*capacity = arg.capacity;
	if (moved)
		*moved = arg.moved;
	return 0;
}

TW_API int tw_pressure_v1(struct tw *tw, int tier, struct tw_pressure *pressure,
			  size_t size)
{
	const struct tw_pressure in = { .tier = tier };

	return tw_ioctl_out(tw->fd, TW_IOC_PRESSURE, &in, sizeof(in), pressure,
			    size);
}

TW_API int tw_thresholds_get_v1(struct tw *tw, int tier,
				struct tw_thresholds *thresholds, size_t size)
{
	const struct tw_thresholds in = { .tier = tier };

	return tw_ioctl_out(tw->fd, TW_IOC_THRESHOLDS, &in, sizeof(in), thresholds,
			    size);
}

TW_API int tw_thresholds_set(struct tw *tw, int tier, const __u32 enter[3],
			     const __u32 leave[3])
{
	struct tw_thresholds arg = {
		.size = sizeof(arg),
		.flags = TW_THRESHOLDS_SET,
		.tier = tier,
	};

	memcpy(arg.enter, enter, sizeof(arg.enter));
	memcpy(arg.leave, leave, sizeof(arg.leave));
	return tw_ioctl(tw->fd, TW_IOC_THRESHOLDS, &arg);
}

TW_API int tw_fault_stats_v1(struct tw *tw, int tier, unsigned int flags,
			     struct tw_fault_stats *stats, size_t size)
{
	const struct tw_fault_stats in = { .flags = flags, .tier = tier };

	return tw_ioctl_out(tw->fd, TW_IOC_FAULT_STATS, &in, sizeof(in), stats,
			    size);
}
