// SPDX-License-Identifier: GPL-2.0
/*
 * command.c - running one ioctl
 *
 * Owns how an ioctl's argument is copied in by its own size, passed to the ioctl's
 * function, and copied back. An ioctl that makes an object installs its fd last, when
 * nothing can fail any more. The tables of ioctls are in chardev.c and region_file.c,
 * which call this.
 *
 * Locks: none.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/string.h>

#include "base/usercopy.h"
#include "doors/command.h"

/* Makes the object, copies its fd out, and only then installs the fd. */
static int tw_ioctl_make(const struct tw_ioctl *ioctl, struct file *on,
			 union tw_arg *arg, void __user *user)
{
	struct file *file;
	s32 *fd;
	int nr;

	nr = get_unused_fd_flags(O_CLOEXEC);
	if (nr < 0)
		return nr;
	file = ioctl->make(on, arg, &fd);
	if (IS_ERR(file)) {
		put_unused_fd(nr);
		return PTR_ERR(file);
	}
	*fd = nr;
	if (tw_copy_out(user, arg, ioctl->ksize)) {
		fput(file);
		put_unused_fd(nr);
		return -EFAULT;
	}
	fd_install(nr, file);
	return 0;
}

/*
 * An ioctl that returns -EINTR has done nothing, unless it is @begun, so it can be
 * restarted. The caller may have been woken by the freezer, which it should not notice,
 * or by a signal whose handler restarts calls.
 */
static long tw_ioctl_restart(const struct tw_ioctl *ioctl, int err)
{
	return err == -EINTR && !ioctl->begun ? -ERESTARTSYS : err;
}

/**
 * tw_ioctl_run - run one ioctl
 * @ioctl: entry of its table
 * @file: file that it was called on
 * @user: the argument in user memory
 *
 * Return: 0; -EFAULT, -EINVAL or -E2BIG of tw_copy_in(); or what its function returns.
 */
long tw_ioctl_run(const struct tw_ioctl *ioctl, struct file *file,
		  void __user *user)
{
	union tw_arg arg;
	int err;

	memset(&arg, 0, sizeof(arg));
	err = tw_copy_in(&arg, ioctl->ksize, ioctl->min, user);
	if (err)
		return err;
	if (ioctl->make)
		return tw_ioctl_make(ioctl, file, &arg, user);
	/* Memory that cannot take the answer is noticed before anything is done. */
	if (!ioctl->in_only && tw_copy_out(user, &arg, ioctl->ksize))
		return -EFAULT;
	err = ioctl->fn(file, &arg);
	if (ioctl->in_only)
		return tw_ioctl_restart(ioctl, err);
	if ((!err || err == -EMSGSIZE || ioctl->always) &&
	    tw_copy_out(user, &arg, ioctl->ksize))
		return -EFAULT;
	return tw_ioctl_restart(ioctl, err);
}
