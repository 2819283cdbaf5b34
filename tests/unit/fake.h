/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device that isn't there: system calls of the library are caught
 * (-Wl,--wrap), written down and answered by the test.
 */
#ifndef _FAKE_H
#define _FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Descriptors from here on are the fake's. */
#define FAKE_FD		1000
#define FAKE_MAX_FDS	64
#define FAKE_MAX_CALLS	128
#define FAKE_DEVICE	"/fake/tierwatch"
#define FAKE_BLOCK	"/fake/block"
#define FAKE_FILE	"/fake/file"

struct fake_call {
	int fd;
	unsigned long cmd;
	char arg[512];
};

struct fake {
	/* ioctls made, with their structs as they went in */
	struct fake_call calls[FAKE_MAX_CALLS];
	unsigned int nr_calls;
	/* Answers an ioctl: 0 or -errno; NULL: always 0. */
	int (*answer)(int fd, unsigned long cmd, void *arg);

	/* open() of the fake paths: fails with this errno. */
	int open_errno;
	/* mmap(): the nth from now fails (1 is the next), 0 none does. */
	unsigned int mmap_fail;
	int mmap_errno;
	/* What is mapped of fake descriptors. */
	void *(*map)(int fd, size_t length, int prot, int flags, off_t offset);
	unsigned int maps;
	/* fcntl(F_GETFL) */
	int fl;
	/* poll() */
	int poll_result;
	int poll_errno;
	short poll_revents;
	int poll_timeout;
	unsigned int polls;
	/* pidfd_open(): of which process, and the errno that it fails with */
	pid_t pidfd_pid;
	int pidfd_errno;
	/* malloc: the nth calloc() from now fails, 0 none does. */
	unsigned int calloc_fail;

	bool open[FAKE_MAX_FDS];
};

extern struct fake fake;

void fake_reset(void);
/* A new open descriptor. */
int fake_new_fd(void);
unsigned int fake_open_fds(void);
const struct fake_call *fake_last(void);

#endif /* _FAKE_H */
