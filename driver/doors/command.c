// SPDX-License-Identifier: GPL-2.0
/*
 * command.c - one ioctl, in and out
 *
 * Owns how a command comes in and goes out: copied in by its own size, checked,
 * handed to its function, copied back. A command that makes an object installs the fd
 * last, when nothing can fail any more. The tables are chardev.c's and
 * region_file.c's.
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

/* Makes the object, tells its fd, and only then lets it be seen. */
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
 * With -EINTR nothing has been done. What woke the caller up may be no signal at
 * all but the freezer, which callers shall not hear of, or one that restarts calls.
 */
static long tw_ioctl_restart(const struct tw_ioctl *ioctl, int err)
{
	return err == -EINTR && !ioctl->begun ? -ERESTARTSYS : err;
}

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
	/* Memory that cannot take the answer is found out before it is due. */
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
