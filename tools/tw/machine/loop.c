// SPDX-License-Identifier: GPL-2.0
/*
 * A file becomes a block device. Direct I/O, so that a page that goes to a store
 * does not stay in the page cache; autoclear, so that the device goes away with
 * the tier's binding, also when that ends without tw.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <linux/loop.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cli.h"
#include "machine/loop.h"
#include "machine/sysfs.h"

/* Others may take the free device between the question and its use. */
#define TRIES	16

static int control_error(void)
{
	if (errno == EACCES || errno == EPERM)
		return cli_no_permission("no permission to set up a loop device. Be root");
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return cli_error("the kernel has no loop devices. Load them with: modprobe loop");
	return cli_errno(-errno, "/dev/loop-control");
}

/* Its fd, or -errno. */
static int open_free(int control, char dev[DEVICE_NAME_LEN])
{
	int nr = ioctl(control, LOOP_CTL_GET_FREE), fd;

	if (nr < 0)
		return -errno;
	snprintf(dev, DEVICE_NAME_LEN, "/dev/loop%d", nr);
	fd = open(dev, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int configure(int fd, int backing, const char *file)
{
	struct loop_config config = {
		.fd = backing,
		/* Stores are read and written in pages. */
		.block_size = sysconf(_SC_PAGESIZE),
		.info.lo_flags = LO_FLAGS_DIRECT_IO | LO_FLAGS_AUTOCLEAR,
	};

	snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", file);
	return ioctl(fd, LOOP_CONFIGURE, &config) ? -errno : 0;
}

static int no_direct(const char *file)
{
	return cli_error("the file system of %s can't do direct I/O, so each page would take memory twice. Move the file to one that can, as ext4, xfs and btrfs, or use a block device",
			 file);
}

/* The kernel quietly goes without what the file system can't do. */
static int check_direct(int fd, const char *file)
{
	struct loop_info64 info;

	if (ioctl(fd, LOOP_GET_STATUS64, &info))
		return cli_errno(-errno, "asking for the loop device of %s",
				 file);
	return info.lo_flags & LO_FLAGS_DIRECT_IO ? 0 : no_direct(file);
}

int loop_check(const char *file)
{
	struct stat st;
	int fd;

	fd = open(file, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return errno == EINVAL ? no_direct(file) :
					 cli_errno(-errno, "%s", file);
	if (fstat(fd, &st)) {
		close(fd);
		return cli_errno(-errno, "%s", file);
	}
	close(fd);
	if ((__u64)st.st_blocks * 512 >= (__u64)st.st_size)
		return 0;
	/* They are filled when written to, unless there is no room then. */
	return cli_error("%s has holes: a full file system would lose pages. Fill them with: fallocate -l %llu %s",
			 file, (unsigned long long)st.st_size, file);
}

static int attach(int control, int backing, const char *file,
		  char dev[DEVICE_NAME_LEN], int *code)
{
	int i, fd, err = -EBUSY;

	for (i = 0; i < TRIES && err == -EBUSY; i++) {
		fd = open_free(control, dev);
		if (fd < 0) {
			*code = cli_errno(fd, "a free loop device");
			return -1;
		}
		err = configure(fd, backing, file);
		if (err)
			close(fd);
	}
	if (err) {
		*code = cli_errno(err, "a loop device for %s", file);
		return -1;
	}
	*code = check_direct(fd, file);
	if (*code) {
		close(fd);
		return -1;
	}
	return fd;
}

int loop_attach(const char *file, char dev[DEVICE_NAME_LEN], int *code)
{
	int control, backing, fd = -1;

	*code = loop_check(file);
	if (*code)
		return -1;
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0) {
		*code = control_error();
		return -1;
	}
	backing = open(file, O_RDWR | O_CLOEXEC);
	if (backing < 0) {
		*code = cli_errno(-errno, "%s", file);
		goto out;
	}
	fd = attach(control, backing, file, dev, code);
	close(backing);
out:
	close(control);
	return fd;
}
