// SPDX-License-Identifier: GPL-2.0
/*
 * Borrowing regions' files. A page's number alone gives nobody anything: the
 * driver asks for the region's file. pidfd_getfd(2) hands it over to whoever may
 * trace the process, by all the rules that the kernel has for that.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/tierwatch.h>

#include "machine/borrow.h"
#include "tw.h"

/* What the link in /proc/PID/fd says; anybody can name a file so. */
#define NAME	"/[tierwatch] (deleted)"

/* The kernel's PROC_USER_INIT_INO, which is fixed. */
#define INITIAL_USER_NS	0xeffffffdU

/* False for root of the initial user namespace. */
static bool needed(void)
{
	struct stat st;

	return geteuid() || stat("/proc/self/ns/user", &st) ||
	       st.st_ino != INITIAL_USER_NS;
}

/* Only a look: what is not one of ours is left alone. */
static bool may_be_region(int dir, const char *name)
{
	char link[sizeof(NAME) + 1];
	ssize_t n = readlinkat(dir, name, link, sizeof(link));

	return n == (ssize_t)strlen(NAME) && !memcmp(link, NAME, n);
}

static bool is_region(int fd)
{
	struct tw_region_info info = { .size = sizeof(info) };

	return !ioctl(fd, TW_IOC_REGION_INFO, &info);
}

static int keep(struct borrowed *b, int fd)
{
	size_t room = b->room ? 2 * b->room : 16;
	int *more;

	if (b->nr == b->room) {
		more = realloc(b->fd, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		b->fd = more;
		b->room = room;
	}
	b->fd[b->nr++] = fd;
	return 0;
}

static int borrow(struct borrowed *b, int pidfd, DIR *fds)
{
	struct dirent *entry;
	int err = 0;

	while (!err && (entry = readdir(fds))) {
		int fd;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !may_be_region(dirfd(fds), entry->d_name))
			continue;
		fd = syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
		if (fd < 0)
			continue;	/* refused, or closed by now */
		if (!is_region(fd))
			close(fd);
		else
			err = keep(b, fd);
		if (err)
			close(fd);
	}
	return err;
}

int borrow_of(struct borrowed *b, unsigned int pid)
{
	char path[64];
	DIR *fds = NULL;
	int err = 0, pidfd;

	if (pid == (unsigned int)getpid() || !needed())
		return 0;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return 0;	/* it has gone, or is only a thread */
	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	fds = opendir(path);
	if (fds) {
		err = borrow(b, pidfd, fds);
		closedir(fds);
	}
	close(pidfd);
	return err;
}

int borrow_of_all(struct borrowed *b)
{
	struct dirent *entry;
	DIR *dir;
	int err = 0;

	if (!needed())
		return 0;
	dir = opendir("/proc");
	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			err = borrow_of(b, strtoul(entry->d_name, NULL, 10));
	}
	closedir(dir);
	return err;
}

void borrow_return(struct borrowed *b)
{
	while (b->nr)
		close(b->fd[--b->nr]);
	free(b->fd);
	memset(b, 0, sizeof(*b));
}
