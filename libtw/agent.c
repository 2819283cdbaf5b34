// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Agents, to which memory is accounted.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int create(struct tw *tw, struct tw_agent_create *arg,
		  struct tw_agent **agent)
{
	struct tw_agent *a;
	int err;

	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	arg->fd = -1;
	err = tw_ioctl(tw->fd, TW_IOC_AGENT_CREATE, arg);
	if (err) {
		free(a);
		return err;
	}
	a->fd = arg->fd;
	a->id = arg->id;
	*agent = a;
	return 0;
}

static int make(struct tw *tw, __u64 id, __u32 flags, struct tw_agent **agent)
{
	struct tw_agent_create arg = {
		.size = sizeof(arg),
		.flags = flags,
		.id = id,
	};

	return create(tw, &arg, agent);
}

TW_API int tw_agent_create(struct tw *tw, __u64 id, struct tw_agent **agent)
{
	return make(tw, id, 0, agent);
}

TW_API int tw_agent_join(struct tw *tw, __u64 id, struct tw_agent **agent)
{
	return make(tw, id, TW_AGENT_JOIN, agent);
}

TW_API int tw_agent_open(struct tw *tw, const struct tw_agent_entry *entry,
			 struct tw_agent **agent)
{
	struct tw_agent_create arg = {
		.size = sizeof(arg),
		.flags = TW_AGENT_OPEN,
		.id = entry->id,
	};

	if (entry->flags & TW_AGENT_IS_DEFAULT)
		arg.flags |= TW_AGENT_CGROUP;
	if (!(entry->flags & TW_AGENT_IS_MINE)) {
		arg.flags |= TW_AGENT_OF;
		arg.uid = entry->uid;
		arg.user_ns = entry->user_ns;
	}
	return create(tw, &arg, agent);
}

static int stats(struct tw *tw, const struct tw_agent_stats *in,
		 struct tw_agent_stats *out, size_t size)
{
	return tw_ioctl_out(tw->fd, TW_IOC_AGENT_STATS, in, sizeof(*in), out,
			    size);
}

TW_API int tw_agent_open_fd(struct tw *tw, int fd, struct tw_agent **agent)
{
	const struct tw_agent_stats in = { .agent_fd = fd };
	struct tw_agent_stats out;
	struct tw_agent *a;
	int err;

	/* To the driver -1 would mean the default agent. */
	if (fd < 0)
		return -EBADF;
	err = stats(tw, &in, &out, sizeof(out));
	if (err)
		return err;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->fd = fd;
	a->id = out.id;
	*agent = a;
	return 0;
}

TW_API void tw_agent_close(struct tw_agent *agent)
{
	if (!agent)
		return;
	tw_close_fd(agent->fd);
	free(agent);
}

TW_API int tw_agent_fd(const struct tw_agent *agent)
{
	return agent->fd;
}

TW_API __u64 tw_agent_id(const struct tw_agent *agent)
{
	return agent->id;
}

TW_API int tw_agent_stats_v1(struct tw *tw, const struct tw_agent *agent,
			     struct tw_agent_stats *out, size_t size)
{
	const struct tw_agent_stats in = { .agent_fd = agent ? agent->fd : -1 };

	return stats(tw, &in, out, size);
}

TW_API int tw_agent_stats_by_id_v1(struct tw *tw, __u64 id,
				   struct tw_agent_stats *out, size_t size)
{
	const struct tw_agent_stats in = {
		.flags = TW_AGENT_BY_ID,
		.agent_fd = -1,
		.id = id,
	};

	return stats(tw, &in, out, size);
}

TW_API int tw_agent_list_v1(struct tw *tw, __u64 *cursor,
			    struct tw_agent_entry *agents, size_t nr,
			    size_t size)
{
	__u64 at = *cursor;
	size_t found = 0;

	if (nr > INT_MAX)
		nr = INT_MAX;
	/* At least one call, since the driver is to say what is wrong with arguments. */
	do {
		size_t left = nr - found;
		struct tw_agent_list arg = {
			.size = sizeof(arg),
			.nr = left < tw->max_pages ? left : tw->max_pages,
			.entry_size = size,
			.cursor = at,
			.agents = (uintptr_t)agents + found * size,
		};
		int err;

		err = tw_ioctl(tw->fd, TW_IOC_AGENT_LIST, &arg);
		if (err && !found)
			return err;
		if (err)
			break;
		found += arg.nr;
		at = arg.cursor;
	} while (at && found < nr);
	*cursor = at;
	return found;
}

static int limits(struct tw *tw, const struct tw_agent_limits *in,
		  struct tw_agent_limits *out, size_t size)
{
	return tw_ioctl_out(tw->fd, TW_IOC_AGENT_LIMITS, in, sizeof(*in), out,
			    size);
}

TW_API int tw_agent_limits_get_v1(struct tw *tw, const struct tw_agent *agent,
				  struct tw_agent_limits *out, size_t size)
{
	const struct tw_agent_limits in = {
		.agent_fd = agent ? agent->fd : -1,
	};

	return limits(tw, &in, out, size);
}

TW_API int tw_agent_limits_get_by_id_v1(struct tw *tw, __u64 id,
					struct tw_agent_limits *out,
					size_t size)
{
	const struct tw_agent_limits in = {
		.flags = TW_AGENT_BY_ID,
		.agent_fd = -1,
		.id = id,
	};

	return limits(tw, &in, out, size);
}

TW_API int tw_agent_limits_set(struct tw *tw, const struct tw_agent *agent,
			       const __u64 pages[TW_NR_TIERS])
{
	struct tw_agent_limits in = {
		.flags = TW_LIMITS_SET,
		.agent_fd = agent ? agent->fd : -1,
	};

	memcpy(in.pages, pages, sizeof(in.pages));
	return limits(tw, &in, NULL, sizeof(in));
}

TW_API int tw_agent_limits_set_by_id(struct tw *tw, __u64 id,
				     const __u64 pages[TW_NR_TIERS])
{
	struct tw_agent_limits in = {
		.flags = TW_LIMITS_SET | TW_AGENT_BY_ID,
		.agent_fd = -1,
		.id = id,
	};

	memcpy(in.pages, pages, sizeof(in.pages));
	return limits(tw, &in, NULL, sizeof(in));
}

static int migrate(struct tw *tw, struct tw_agent_migrate *arg, __u64 *moved,
		   __u64 *failed)
{
	int err;

	arg->size = sizeof(*arg);
	err = tw_ioctl(tw->fd, TW_IOC_AGENT_MIGRATE, arg);
	if (err)
		return err;
	if (moved)
		*moved = arg->moved;
	if (failed)
		*failed = arg->failed;
	return 0;
}

TW_API int tw_agent_migrate(struct tw *tw, const struct tw_agent *agent,
			    int to, int from, int reason, unsigned int nr,
			    __u64 *moved, __u64 *failed)
{
	struct tw_agent_migrate arg = {
		.agent_fd = agent ? agent->fd : -1,
		.to_tier = to,
		.from_tier = from,
		.reason = reason,
		.nr = nr,
	};

	return migrate(tw, &arg, moved, failed);
}

TW_API int tw_agent_migrate_by_id(struct tw *tw, __u64 id, int to, int from,
				  int reason, unsigned int nr, __u64 *moved,
				  __u64 *failed)
{
	struct tw_agent_migrate arg = {
		.flags = TW_AGENT_BY_ID,
		.agent_fd = -1,
		.to_tier = to,
		.from_tier = from,
		.reason = reason,
		.nr = nr,
		.id = id,
	};

	return migrate(tw, &arg, moved, failed);
}
