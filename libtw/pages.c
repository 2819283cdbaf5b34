// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Moving pages and looking them up, in as many calls of the driver as needed.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "internal.h"

TW_API int tw_migrate_pages_v1(struct tw *tw, const __u64 *pages, size_t nr,
			       int to, int from, int reason, __s32 *status,
			       struct tw_move_sum *sum, size_t size)
{
	struct tw_move_sum s = { 0 };
	int err = 0;

	while (s.done < nr) {
		size_t left = nr - s.done;
		struct tw_migrate_pages arg = {
			.size = sizeof(arg),
			.to_tier = to,
			.from_tier = from,
			.reason = reason,
			.nr = left < tw->max_pages ? left : tw->max_pages,
			.pages = (uintptr_t)(pages + s.done),
			.status = status ? (uintptr_t)(status + s.done) : 0,
		};

		err = tw_ioctl(tw->fd, TW_IOC_MIGRATE_PAGES, &arg);
		if (err)
			break;
		s.done += arg.nr;
		s.moved += arg.moved;
		s.failed += arg.failed;
		s.already += arg.nr - arg.moved - arg.failed;
	}
	if (sum)
		tw_give(sum, size, &s, sizeof(s));
	return err;
}

int tw_migrate_range_fd(int fd, __u32 page_size, __u32 max_pages, __u64 start,
			__u64 length, int to, int from, int reason,
			__s32 *status, size_t nr, struct tw_move_sum *sum,
			size_t size)
{
	__u64 most = (__u64)max_pages * page_size;
	struct tw_move_sum s = { 0 };
	int err = 0;

	if (status && length / page_size > nr) {
		err = -EMSGSIZE;
		goto out;
	}
	/* At least one call, since the driver is to say what is wrong with arguments. */
	do {
		struct tw_migrate_range arg = {
			.size = sizeof(arg),
			.start = start,
			.length = length < most ? length : most,
			.to_tier = to,
			.from_tier = from,
			.reason = reason,
			.status = status ? (uintptr_t)(status + s.done) : 0,
		};
		__u32 n = arg.length / page_size;

		arg.nr_status = status ? n : 0;
		err = tw_ioctl(fd, TW_IOC_MIGRATE_RANGE, &arg);
		if (err)
			break;
		s.done += n;
		s.moved += arg.moved;
		s.failed += arg.failed;
		s.untouched += arg.untouched;
		s.already += n - arg.moved - arg.failed - arg.untouched;
		start += arg.length;
		length -= arg.length;
	} while (length);
out:
	if (sum)
		tw_give(sum, size, &s, sizeof(s));
	return err;
}

TW_API int tw_migrate_addr_v1(struct tw *tw, const void *addr, size_t length,
			      int to, int from, int reason, __s32 *status,
			      size_t nr, struct tw_move_sum *sum, size_t size)
{
	return tw_migrate_range_fd(tw->fd, tw->page_size, tw->max_pages,
				   (uintptr_t)addr, length, to, from, reason,
				   status, nr, sum, size);
}

TW_API int tw_page_info_v1(struct tw *tw, const __u64 *pages, size_t nr,
			   struct tw_page *infos, size_t size)
{
	size_t done = 0;

	while (nr) {
		struct tw_page_info arg = {
			.size = sizeof(arg),
			.nr = nr < tw->max_pages ? nr : tw->max_pages,
			.entry_size = size,
			.pages = (uintptr_t)pages,
			.infos = (uintptr_t)infos + done * size,
		};
		int err;

		err = tw_ioctl(tw->fd, TW_IOC_PAGE_INFO, &arg);
		if (err)
			return err;
		pages += arg.nr;
		done += arg.nr;
		nr -= arg.nr;
	}
	return 0;
}
