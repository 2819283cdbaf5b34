// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The handle of the device, and helpers for calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

TW_API const char *tw_version(void)
{
	return TW_LIB_VERSION;
}

int tw_ioctl(int fd, unsigned long cmd, void *arg)
{
	if (ioctl(fd, cmd, arg) < 0)
		return -errno;
	return 0;
}

/* Size of the largest struct that the driver takes. */
#define TW_ARG_MAX	4096

int tw_ioctl_out(int fd, unsigned long cmd, const void *in, size_t in_size,
		 void *out, size_t size)
{
	__u64 arg[TW_ARG_MAX / sizeof(__u64)];
	__u32 whole = in_size > size ? in_size : size;
	int err;

	if (size < sizeof(__u32))
		return -EINVAL;
	if (size > sizeof(arg))
		return -E2BIG;
	memset(arg, 0, whole);
	memcpy(arg, in, in_size);
	memcpy(arg, &whole, sizeof(whole));
	err = tw_ioctl(fd, cmd, arg);
	if (err || !out)
		return err;
	whole = size;
	memcpy(arg, &whole, sizeof(whole));
	memcpy(out, arg, size);
	return 0;
}

void tw_give(void *to, size_t size, const void *from, size_t have)
{
	memcpy(to, from, size < have ? size : have);
	if (size > have)
		memset((char *)to + have, 0, size - have);
}

void tw_close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int tw_map_ro(int fd, size_t size, const void **map)
{
	void *m = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (m == MAP_FAILED)
		return -errno;
	*map = m;
	return 0;
}

static int get_info(int fd, struct tw_info *info)
{
	struct tw_info arg = { .size = sizeof(arg) };
	int err;

	err = tw_ioctl(fd, TW_IOC_INFO, &arg);
	if (!err)
		*info = arg;
	return err;
}

TW_API int tw_open(const char *path, struct tw **tw)
{
	struct tw_info info;
	struct tw *t;
	int err;

	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->fd = open(path ? path : TW_DEVICE, O_RDWR | O_CLOEXEC);
	if (t->fd < 0) {
		err = -errno;
		goto fail;
	}
	err = get_info(t->fd, &info);
	if (err)
		goto fail;
	err = -EPROTO;
	if (info.abi_version != TW_ABI_VERSION || !info.page_size ||
	    !info.max_pages)
		goto fail;
	t->page_size = info.page_size;
	t->max_pages = info.max_pages;
	t->stats_size = info.stats_size;
	*tw = t;
	return 0;
fail:
	tw_close_fd(t->fd);
	free(t);
	return err;
}

TW_API void tw_close(struct tw *tw)
{
	if (!tw)
		return;
	if (tw->stats)
		munmap((void *)tw->stats, tw->stats_size);
	tw_close_fd(tw->fd);
	free(tw);
}

TW_API int tw_fd(const struct tw *tw)
{
	return tw->fd;
}

TW_API int tw_info_v1(struct tw *tw, struct tw_info *info, size_t size)
{
	const struct tw_info in = { .size = sizeof(in) };

	return tw_ioctl_out(tw->fd, TW_IOC_INFO, &in, sizeof(in), info, size);
}
