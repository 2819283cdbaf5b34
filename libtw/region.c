// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Regions: memory spread over the tiers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static int region_info(int fd, struct tw_region_info *info, size_t size)
{
	const struct tw_region_info in = { .size = sizeof(in) };

	return tw_ioctl_out(fd, TW_IOC_REGION_INFO, &in, sizeof(in), info,
			    size);
}

static int map_region(struct tw_region *r, int prot)
{
	if (r->size > SIZE_MAX)
		return -EOVERFLOW;
	r->addr = mmap(NULL, r->size, prot, MAP_SHARED, r->fd, 0);
	return r->addr == MAP_FAILED ? -errno : 0;
}

static struct tw_region *alloc_region(const struct tw *tw)
{
	struct tw_region *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->page_size = tw ? tw->page_size : (__u32)sysconf(_SC_PAGESIZE);
	r->max_pages = tw ? tw->max_pages : TW_FALLBACK_MAX_PAGES;
	return r;
}

TW_API int tw_region_create(struct tw *tw, __u64 bytes, int affinity,
			    unsigned int flags, const struct tw_agent *agent,
			    struct tw_region **region)
{
	struct tw_region_create arg = {
		.size = sizeof(arg),
		.flags = flags,
		.bytes = bytes,
		.affinity = affinity,
		.agent_fd = agent ? agent->fd : -1,
		.fd = -1,
	};
	struct tw_region *r;
	int err;

	r = alloc_region(tw);
	if (!r)
		return -ENOMEM;
	err = tw_ioctl(tw->fd, TW_IOC_REGION_CREATE, &arg);
	if (err)
		goto fail_free;
	r->fd = arg.fd;
	r->id = arg.id;
	r->size = bytes;
	err = map_region(r, PROT_READ | PROT_WRITE);
	if (err)
		goto fail_close;
	*region = r;
	return 0;
fail_close:
	tw_close_fd(r->fd);
fail_free:
	free(r);
	return err;
}

TW_API int tw_region_open_fd(struct tw *tw, int fd, struct tw_region **region)
{
	struct tw_region_info info;
	struct tw_region *r;
	int err, mode;

	err = region_info(fd, &info, sizeof(info));
	if (err)
		return err;
	mode = fcntl(fd, F_GETFL);
	if (mode < 0)
		return -errno;
	r = alloc_region(tw);
	if (!r)
		return -ENOMEM;
	r->fd = fd;
	r->id = info.id;
	r->size = info.bytes;
	err = map_region(r, (mode & O_ACCMODE) == O_RDWR ?
			    PROT_READ | PROT_WRITE : PROT_READ);
	if (err) {
		free(r);
		return err;
	}
	*region = r;
	return 0;
}

TW_API void tw_region_close(struct tw_region *region)
{
	if (!region)
		return;
	munmap(region->addr, region->size);
	tw_close_fd(region->fd);
	free(region);
}

TW_API void *tw_region_addr(const struct tw_region *region)
{
	return region->addr;
}

TW_API __u64 tw_region_size(const struct tw_region *region)
{
	return region->size;
}

TW_API int tw_region_fd(const struct tw_region *region)
{
	return region->fd;
}

TW_API __u64 tw_region_id(const struct tw_region *region)
{
	return region->id;
}

TW_API __u64 tw_region_page(const struct tw_region *region, const void *addr)
{
	uintptr_t start = (uintptr_t)region->addr;
	uintptr_t at = (uintptr_t)addr;

	if (at < start || at - start >= region->size)
		return 0;
	return TW_PAGE(region->id, (at - start) / region->page_size);
}

TW_API int tw_region_info_v1(struct tw_region *region,
			     struct tw_region_info *info, size_t size)
{
	return region_info(region->fd, info, size);
}

TW_API int tw_region_discard(struct tw_region *region, __u64 offset,
			     __u64 length, __u64 *discarded)
{
	struct tw_region_discard arg = {
		.size = sizeof(arg),
		.offset = offset,
		.length = length,
	};
	int err;

	err = tw_ioctl(region->fd, TW_IOC_REGION_DISCARD, &arg);
	if (!err && discarded)
		*discarded = arg.discarded;
	return err;
}

TW_API int tw_region_seal(struct tw_region *region, unsigned int add,
			  unsigned int *seals)
{
	struct tw_region_seal arg = {
		.size = sizeof(arg),
		.add = add,
	};
	int err;

	err = tw_ioctl(region->fd, TW_IOC_REGION_SEAL, &arg);
	if (!err && seals)
		*seals = arg.seals;
	return err;
}

TW_API int tw_region_view(struct tw_region *region)
{
	struct tw_region_view arg = { .size = sizeof(arg), .fd = -1 };
	int err;

	err = tw_ioctl(region->fd, TW_IOC_REGION_VIEW, &arg);
	return err ? err : arg.fd;
}

TW_API int tw_region_migrate_v1(struct tw_region *region, __u64 offset,
				__u64 length, int to, int from, int reason,
				__s32 *status, size_t nr,
				struct tw_move_sum *sum, size_t size)
{
	return tw_migrate_range_fd(region->fd, region->page_size,
				   region->max_pages, offset, length, to, from,
				   reason, status, nr, sum, size);
}

TW_API int tw_region_pages_v1(struct tw_region *region, __u64 offset,
			      __u64 length, struct tw_page *infos, size_t nr,
			      size_t size)
{
	__u64 most = (__u64)region->max_pages * region->page_size;
	__u64 pages = length / region->page_size;
	size_t done = 0;

	if (pages > nr)
		return -EMSGSIZE;
	/* At least one call, since the driver is to say what is wrong with arguments. */
	do {
		struct tw_region_pages arg = {
			.size = sizeof(arg),
			.offset = offset,
			.length = length < most ? length : most,
			.entry_size = size,
			.infos = (uintptr_t)infos + done * size,
		};
		int err;

		arg.nr = arg.length / region->page_size;
		err = tw_ioctl(region->fd, TW_IOC_REGION_PAGES, &arg);
		if (err)
			return err;
		done += arg.nr;
		offset += arg.length;
		length -= arg.length;
	} while (length);
	return 0;
}
