// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/tierwatch.h>

#include "fake.h"

struct fake fake;

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
int __real_fstat(int fd, struct stat *st);
int __real_fcntl(int fd, int cmd, ...);
void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t offset);
int __real_munmap(void *addr, size_t len);
void *__real_calloc(size_t nr, size_t size);

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_fcntl(int fd, int cmd, ...);
int __wrap_ioctl(int fd, unsigned long cmd, ...);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t offset);
int __wrap_munmap(void *addr, size_t len);
int __real_ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		 const sigset_t *mask);
int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout);
int __wrap_ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		 const sigset_t *mask);
void *__wrap_calloc(size_t nr, size_t size);
int __wrap_pidfd_open(pid_t pid, unsigned int flags);

static int block_fd = -1;

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.fl = O_RDWR;
	block_fd = -1;
}

int fake_new_fd(void)
{
	int i;

	for (i = 0; i < FAKE_MAX_FDS; i++) {
		if (!fake.open[i]) {
			fake.open[i] = true;
			return FAKE_FD + i;
		}
	}
	abort();
}

unsigned int fake_open_fds(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FAKE_MAX_FDS; i++)
		n += fake.open[i];
	return n;
}

const struct fake_call *fake_last(void)
{
	if (!fake.nr_calls)
		abort();
	return &fake.calls[fake.nr_calls - 1];
}

static bool is_fake(int fd)
{
	return fd >= FAKE_FD && fd < FAKE_FD + FAKE_MAX_FDS;
}

int __wrap_open(const char *path, int flags, ...)
{
	int fd;

	if (strncmp(path, "/fake/", 6) && strcmp(path, TW_DEVICE)) {
		va_list ap;
		int mode;

		va_start(ap, flags);
		mode = flags & O_CREAT ? va_arg(ap, int) : 0;
		va_end(ap);
		return __real_open(path, flags, mode);
	}
	/* Nothing of the library's is for programs that are exec'd. */
	if (!(flags & O_CLOEXEC))
		abort();
	if (fake.open_errno) {
		errno = fake.open_errno;
		return -1;
	}
	fd = fake_new_fd();
	if (!strcmp(path, FAKE_BLOCK))
		block_fd = fd;
	return fd;
}

int __wrap_close(int fd)
{
	if (!is_fake(fd))
		return __real_close(fd);
	/* Closing twice is a bug. */
	if (!fake.open[fd - FAKE_FD])
		abort();
	fake.open[fd - FAKE_FD] = false;
	if (fd == block_fd)
		block_fd = -1;
	return 0;
}

int __wrap_fstat(int fd, struct stat *st)
{
	if (!is_fake(fd))
		return __real_fstat(fd, st);
	memset(st, 0, sizeof(*st));
	st->st_mode = fd == block_fd ? S_IFBLK : S_IFREG;
	return 0;
}

int __wrap_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	if (is_fake(fd) && cmd == F_GETFL)
		return fake.fl;
	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return __real_fcntl(fd, cmd, arg);
}

int __wrap_ioctl(int fd, unsigned long cmd, ...)
{
	struct fake_call *call;
	va_list ap;
	void *arg;
	__u32 size;
	int err = 0;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!is_fake(fd) || !fake.open[fd - FAKE_FD]) {
		errno = EBADF;
		return -1;
	}
	if (fake.nr_calls == FAKE_MAX_CALLS)
		abort();
	call = &fake.calls[fake.nr_calls++];
	call->fd = fd;
	call->cmd = cmd;
	/* Every struct starts with its size. */
	memcpy(&size, arg, sizeof(size));
	if (size < 8 || size > sizeof(call->arg))
		abort();
	memcpy(call->arg, arg, size);
	if (fake.answer)
		err = fake.answer(fd, cmd, arg);
	if (err < 0) {
		errno = -err;
		return -1;
	}
	return err;
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t offset)
{
	void *m;

	if (!is_fake(fd))
		return __real_mmap(addr, len, prot, flags, fd, offset);
	if (fake.mmap_fail && !--fake.mmap_fail) {
		errno = fake.mmap_errno;
		return MAP_FAILED;
	}
	m = fake.map ? fake.map(fd, len, prot, flags, offset) : NULL;
	if (!m)
		m = aligned_alloc(4096, (len + 4095) & ~4095UL);
	if (!m)
		abort();
	fake.maps++;
	return m;
}

int __wrap_munmap(void *addr, size_t len)
{
	(void)len;
	/* Only what the library maps comes here, and that is all fake. */
	if (!fake.maps)
		abort();
	fake.maps--;
	free(addr);
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	(void)nr;
	fake.polls++;
	fake.poll_timeout = timeout;
	if (fake.poll_errno) {
		errno = fake.poll_errno;
		return -1;
	}
	fds[0].revents = fake.poll_revents;
	return fake.poll_result;
}

int __wrap_pidfd_open(pid_t pid, unsigned int flags)
{
	fake.pidfd_pid = pid;
	if (flags)
		abort();
	if (fake.pidfd_errno) {
		errno = fake.pidfd_errno;
		return -1;
	}
	return fake_new_fd();
}

int __wrap_ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		 const sigset_t *mask)
{
	if (nr && fds[0].fd >= FAKE_FD)
		return __wrap_poll(fds, nr, timeout ? timeout->tv_sec : -1);
	return __real_ppoll(fds, nr, timeout, mask);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	if (fake.calloc_fail && !--fake.calloc_fail) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_calloc(nr, size);
}
