// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attachments: programs that know nothing of tiers and whose memory is watched.
 */
#include <errno.h>
#include <poll.h>
#include <sys/pidfd.h>

#include "internal.h"

/*
 * The driver is told a number, which is another process's once the one that the caller
 * means has been waited for. A descriptor stays that process's: if it still runs after
 * the call, the number was its own all the time.
 */
static int open_process(pid_t pid)
{
	int fd = pidfd_open(pid, 0);

	if (fd >= 0)
		return fd;
	/* That is what kernels say of a thread, and of numbers that no process has. */
	return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

/* A process's descriptor becomes readable when the process ends. */
static bool has_ended(int process)
{
	struct pollfd p = { .fd = process, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

TW_API int tw_attach(struct tw *tw, pid_t pid, __u64 *id)
{
	struct tw_attach arg = {
		.size = sizeof(arg),
		.pid = pid,
	};
	int err, process = -1;

	if (pid) {
		process = open_process(pid);
		if (process < 0)
			return process;
	}
	err = tw_ioctl(tw->fd, TW_IOC_ATTACH, &arg);
	if (process >= 0 && has_ended(process)) {
		if (!err)
			tw_detach(tw, arg.id);
		err = -ESRCH;
	}
	tw_close_fd(process);
	if (id && (!err || err == -EEXIST))
		*id = arg.id;
	return err;
}

TW_API int tw_detach(struct tw *tw, __u64 id)
{
	struct tw_detach arg = {
		.size = sizeof(arg),
		.id = id,
	};

	return tw_ioctl(tw->fd, TW_IOC_DETACH, &arg);
}

TW_API int tw_attached_v1(struct tw *tw, __u64 id, unsigned int flags,
			  struct tw_attached *attached, size_t size)
{
	const struct tw_attached in = {
		.flags = flags,
		.id = id,
	};

	return tw_ioctl_out(tw->fd, TW_IOC_ATTACHED, &in, sizeof(in), attached, size);
}
