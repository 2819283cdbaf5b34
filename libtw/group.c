// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Limits of cgroups and users.
 */
#include <stdint.h>
#include <string.h>

#include "internal.h"

static int call(struct tw *tw, const struct tw_group_limits *in,
		struct tw_group_limits *out, size_t size)
{
	return tw_ioctl_out(tw->fd, TW_IOC_GROUP_LIMITS, in, sizeof(*in), out,
			    size);
}

static struct tw_group_limits of_cgroup(const char *path, __u32 flags)
{
	return (struct tw_group_limits){
		.flags = flags,
		.kind = TW_GROUP_CGROUP,
		.path = (uintptr_t)path,
		.path_len = strlen(path) + 1,
	};
}

static struct tw_group_limits of_user(__u32 uid, __u32 flags)
{
	return (struct tw_group_limits){
		.flags = flags,
		.kind = TW_GROUP_USER,
		.uid = uid,
	};
}

static int set(struct tw *tw, struct tw_group_limits *in,
	       const __u64 pages[TW_NR_TIERS])
{
	memcpy(in->pages, pages, sizeof(in->pages));
	return call(tw, in, NULL, sizeof(*in));
}

TW_API int tw_cgroup_limits_get_v1(struct tw *tw, const char *path,
				   struct tw_group_limits *limits, size_t size)
{
	const struct tw_group_limits in = of_cgroup(path, 0);

	return call(tw, &in, limits, size);
}

TW_API int tw_cgroup_limits_set(struct tw *tw, const char *path,
				const __u64 pages[TW_NR_TIERS])
{
	struct tw_group_limits in = of_cgroup(path, TW_GROUP_SET);

	return set(tw, &in, pages);
}

TW_API int tw_user_limits_get_v1(struct tw *tw, __u32 uid,
				 struct tw_group_limits *limits, size_t size)
{
	const struct tw_group_limits in = of_user(uid, 0);

	return call(tw, &in, limits, size);
}

TW_API int tw_user_limits_set(struct tw *tw, __u32 uid,
			      const __u64 pages[TW_NR_TIERS])
{
	struct tw_group_limits in = of_user(uid, TW_GROUP_SET);

	return set(tw, &in, pages);
}

TW_API int tw_group_limits_next_v1(struct tw *tw, __u64 *cursor, char *path,
				   size_t path_len,
				   struct tw_group_limits *limits, size_t size)
{
	struct tw_group_limits in = {
		.flags = TW_GROUP_NEXT,
		.path = (uintptr_t)path,
		.path_len = path_len,
		.cursor = *cursor,
	}, found;
	int err = call(tw, &in, &found, sizeof(found));

	if (err)
		return err;
	*cursor = found.cursor;
	if (!found.path_len && path_len)
		*path = '\0';
	found.size = size;
	tw_give(limits, size, &found, sizeof(found));
	return 0;
}
