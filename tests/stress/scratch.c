// SPDX-License-Identifier: GPL-2.0
/*
 * scratch.c - where O_DIRECT I/O goes
 *
 * A file system in memory either refuses O_DIRECT or copies through its cache
 * without pinning anything, which would test nothing. A loop device over such
 * a file does real block I/O on the caller's pages, so this is the default.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hammer.h"

#define TRIES	16

static int fail(const char *what, int error)
{
	fprintf(stderr, "hammer: O_DIRECT: %s: %s; name a file or a spare block device with --odirect PATH, or leave this part out with --odirect none\n",
		what, strerror(error));
	return -error;
}

static int open_path(struct hammer *h, const char *path, uint64_t bytes)
{
	h->scratch = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (h->scratch < 0)
		return fail(path, errno);
	if (lseek(h->scratch, 0, SEEK_END) < (off_t)bytes &&
	    ftruncate(h->scratch, bytes))
		return fail(path, errno);
	return 0;
}

/* The module may be there without being loaded. */
static void load_loop(void)
{
	int status;
	pid_t pid;

	if (!access("/dev/loop-control", F_OK))
		return;
	pid = fork();
	if (!pid) {
		execlp("modprobe", "modprobe", "-q", "loop", NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
}

static int open_backing(uint64_t bytes)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/hammer-XXXXXX",
		 folder ? folder : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (posix_fallocate(fd, 0, bytes)) {
		close(fd);
		return -ENOSPC;
	}
	return fd;
}

/* Open a free loop device and tie it to @backing; it goes when closed. */
static int open_loop(int control, int backing)
{
	struct loop_config config = {
		.fd = backing,
		.block_size = 512,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	char path[32];
	int number, fd;

	number = ioctl(control, LOOP_CTL_GET_FREE);
	if (number < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!ioctl(fd, LOOP_CONFIGURE, &config))
		return fd;
	number = -errno;
	close(fd);
	return number;
}

static int open_loops(struct hammer *h, uint64_t bytes)
{
	int control, backing, i, ret = -EBUSY;

	load_loop();
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return fail("/dev/loop-control", errno);
	backing = open_backing(bytes);
	if (backing < 0) {
		close(control);
		return fail("temporary file", -backing);
	}
	/* Somebody else may take the free one first. */
	for (i = 0; i < TRIES && ret == -EBUSY; i++)
		ret = open_loop(control, backing);
	close(backing);
	close(control);
	if (ret < 0)
		return fail("loop device", -ret);
	h->scratch = ret;
	return 0;
}

int scratch_open(struct hammer *h, uint64_t bytes)
{
	const char *path = h->options.odirect;

	h->scratch = -1;
	if (!path)
		return open_loops(h, bytes);
	if (!strcmp(path, "none"))
		return 0;
	return open_path(h, path, bytes);
}

void scratch_close(struct hammer *h)
{
	if (h->scratch >= 0)
		close(h->scratch);
	h->scratch = -1;
}
