// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Candidates for moving, lists of pages by temperature, and queued requests.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>

#include "internal.h"

TW_API int tw_candidates_flags_v1(struct tw *tw, int from, int to,
				  unsigned int flags,
				  struct tw_candidate *candidates, size_t nr,
				  size_t size)
{
	struct tw_candidates arg = {
		.size = sizeof(arg),
		.flags = flags,
		.from_tier = from,
		.to_tier = to,
		.nr = nr < tw->max_pages ? nr : tw->max_pages,
		.entry_size = size,
		.candidates = (uintptr_t)candidates,
	};
	int err;

	err = tw_ioctl(tw->fd, TW_IOC_CANDIDATES, &arg);
	return err ? err : (int)arg.nr;
}

TW_API int tw_candidates_v1(struct tw *tw, int from, int to,
			    struct tw_candidate *candidates, size_t nr,
			    size_t size)
{
	return tw_candidates_flags_v1(tw, from, to, 0, candidates, nr, size);
}

TW_API int tw_request_v1(struct tw *tw, struct tw_request *requests, size_t nr,
			 unsigned int flags, __u32 *done, __u32 *failed,
			 size_t size)
{
	struct tw_request_pages arg = {
		.size = sizeof(arg),
		.flags = flags,
		.nr = nr,
		.entry_size = size,
		.requests = (uintptr_t)requests,
	};
	int err;

	/* The number must fit into arg.nr; no driver takes so many anyway. */
	if (nr > UINT_MAX)
		return -EINVAL;
	err = tw_ioctl(tw->fd, TW_IOC_REQUEST, &arg);
	if (err || !(flags & TW_REQUEST_WAIT))
		return err;
	if (done)
		*done = arg.done;
	if (failed)
		*failed = arg.failed;
	return 0;
}

TW_API int tw_page_list_v1(struct tw *tw, int tier, int temperature,
			   __u64 *cursor, struct tw_page *infos, size_t nr,
			   size_t size)
{
	__u64 at = *cursor;
	size_t found = 0;

	if (nr > INT_MAX)
		nr = INT_MAX;
	/* At least one call, since the driver is to say what is wrong with arguments. */
	do {
		size_t left = nr - found;
		struct tw_page_list arg = {
			.size = sizeof(arg),
			.tier = tier,
			.temperature = temperature,
			.nr = left < tw->max_pages ? left : tw->max_pages,
			.entry_size = size,
			.cursor = at,
			.infos = (uintptr_t)infos + found * size,
		};
		int err;

		err = tw_ioctl(tw->fd, TW_IOC_PAGE_LIST, &arg);
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

TW_API int tw_page_sample_v1(struct tw *tw, unsigned int every, __u64 *cursor,
			     __u64 end, unsigned int *looked,
			     struct tw_page *infos, size_t nr, size_t size)
{
	struct tw_page_list arg = {
		.size = sizeof(arg),
		.tier = TW_TIER_NONE,
		.temperature = TW_CLASS_ANY,
		.nr = nr < tw->max_pages ? nr : tw->max_pages,
		.entry_size = size,
		.cursor = *cursor,
		.infos = (uintptr_t)infos,
		/* Not 0, which a driver that is older would not refuse. */
		.every = every ? every : 1,
		.end = end,
	};
	int err = tw_ioctl(tw->fd, TW_IOC_PAGE_LIST, &arg);

	if (err)
		return err;
	*cursor = arg.cursor;
	if (looked)
		*looked = arg.looked;
	return arg.nr;
}
