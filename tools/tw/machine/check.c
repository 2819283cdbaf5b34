// SPDX-License-Identifier: GPL-2.0
/*
 * Can a device or a file be a store, and if not, why? tier format, bind and
 * detect and apply all ask here, so that they say the same of the same device,
 * and that what they let through the driver takes.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/text.h"
#include "machine/check.h"
#include "machine/contents.h"
#include "machine/super.h"
#include "machine/sysfs.h"
#include "machine/users.h"

static void set_text(char *to, size_t len, const char *fmt, va_list ap)
{
	vsnprintf(to, len, fmt, ap);
	text_clean(to);
}

static bool wrong(struct device_wrong *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Always false, so that who asks whether all is well returns it. */
static bool wrong(struct device_wrong *w, const char *fmt, ...)
{
	va_list ap;

	w->code = EXIT_FAILURE;
	w->next[0] = '\0';
	va_start(ap, fmt);
	set_text(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	return false;
}

static bool next_step(struct device_wrong *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A sentence behind the reason; false, too. */
static bool next_step(struct device_wrong *w, const char *fmt, ...)
{
	va_list ap;

	strcpy(w->next, ". ");
	va_start(ap, fmt);
	set_text(w->next + 2, sizeof(w->next) - 2, fmt, ap);
	va_end(ap);
	return false;
}

/* -- what there is to know without opening it ------------------------------- */

static void look_at_file(struct device_look *l)
{
	struct statvfs fs;

	l->bytes = l->st.st_size;
	l->read_only = !statvfs(l->path, &fs) && fs.f_flag & ST_RDONLY;
}

/* A partition has the queue of its disk. */
static void look_at_queue(struct device_look *l, const char *dir)
{
	char queue[96], zoned[32];

	snprintf(queue, sizeof(queue), "%s/queue", dir);
	if (access(queue, F_OK))
		snprintf(queue, sizeof(queue), "%s/../queue", dir);
	l->block = sysfs_u64(0, queue, "logical_block_size");
	l->zoned = !sysfs_line(zoned, sizeof(zoned), "%s/zoned", queue) &&
		   *zoned && strcmp(zoned, "none");
}

static bool look_outside(struct device_look *l, struct device_wrong *w)
{
	char dir[64];

	if (stat(l->path, &l->st)) {
		wrong(w, "is not there: %s", strerror(errno));
		w->absent = errno == ENOENT || errno == ENOTDIR ||
			    errno == ENXIO || errno == ENODEV;
		return false;
	}
	if (S_ISREG(l->st.st_mode)) {
		look_at_file(l);
		return true;
	}
	if (!S_ISBLK(l->st.st_mode))
		return wrong(w, "is neither a block device nor a file");
	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u",
		 major(l->st.st_rdev), minor(l->st.st_rdev));
	l->read_only = sysfs_u64(0, dir, "ro");
	l->bytes = sysfs_u64(~0ULL >> 9, dir, "size") << 9;
	look_at_queue(l, dir);
	return true;
}

/* -- what makes it unfit ---------------------------------------------------- */

static bool too_small(const struct device_look *l, __u64 least,
		      struct device_wrong *w)
{
	wrong(w, "is too small: it has %llu bytes, and a store needs %llu at least",
	      (unsigned long long)l->bytes, (unsigned long long)least);
	return S_ISREG(l->st.st_mode) ?
	       next_step(w, "Make it larger: fallocate -l SIZE %s", l->path) :
	       false;
}

bool device_fits(const struct device_look *l, struct device_wrong *w)
{
	__u64 page = sysconf(_SC_PAGESIZE);
	__u64 least = TW_STORE_DATA + TW_STORE_PAGES_MIN * page;

	if (l->read_only && S_ISREG(l->st.st_mode))
		return wrong(w, "is on a file system that is read-only");
	if (l->read_only) {
		wrong(w, "is read-only");
		return next_step(w, "If it need not be: blockdev --setrw %s",
				 l->path);
	}
	if (l->zoned)
		return wrong(w, "is zoned, and a store is written in any order");
	if (l->block > page)
		return wrong(w, "has blocks of %llu bytes, larger than pages of %llu",
			     (unsigned long long)l->block,
			     (unsigned long long)page);
	if (l->bytes < least)
		return too_small(l, least, w);
	return true;
}

/* The signature against the device that it is on. */
static bool store_fits(const struct device_look *l, struct device_wrong *w)
{
	char was[TEXT_LEN], is[TEXT_LEN];

	if (!l->whole) {
		wrong(w, "has a signature that is damaged, or of another version");
		return next_step(w, "To sign it again: tw tier format --force %s",
				 l->path);
	}
	if (l->super.bytes <= l->bytes)
		return true;
	wrong(w, "has shrunk since it was signed, from %s to %s: it may not be the device that it was",
	      text_bytes(was, l->super.bytes), text_bytes(is, l->bytes));
	return next_step(w, "To sign it again: tw tier format --force %s",
			 l->path);
}

static bool contents_fit(const struct device_look *l, unsigned int flags,
			 struct device_wrong *w)
{
	const char *path = l->path;

	switch (l->contents) {
	case CONTENTS_STORE:
		if (flags & CHECK_STORE)
			return store_fits(l, w);
		if (!(flags & CHECK_EMPTY))
			return true;
		wrong(w, "is a store already");
		return next_step(w, "To sign it again: tw tier format --force %s",
				 path);
	case CONTENTS_NONE:
		if (flags & CHECK_EMPTY || !(flags & CHECK_STORE))
			return true;
		wrong(w, "is not signed");
		w->empty = true;
		return next_step(w, "Sign it with: tw tier format %s", path);
	case CONTENTS_OTHER:
		if (!(flags & (CHECK_EMPTY | CHECK_STORE)))
			return true;
		wrong(w, "holds %s", l->what);
		return next_step(w, "To overwrite it, which can't be undone: tw tier format --force %s",
				 path);
	default:
		return wrong(w, "can't be read");
	}
}

bool device_has_room(const struct device_look *l, __u64 bytes,
		     struct device_wrong *w)
{
	__u64 page = sysconf(_SC_PAGESIZE), least = TW_STORE_PAGES_MIN * page;
	__u64 there = (l->bytes - TW_STORE_DATA) / page * page;
	char want[TEXT_LEN], have[TEXT_LEN];

	if (bytes && bytes < least)
		return wrong(w, "can't be used for %llu bytes: a store has %llu at least",
			     (unsigned long long)bytes,
			     (unsigned long long)least);
	if (bytes <= there)
		return true;
	return wrong(w, "has room for %s, less than the capacity asked for, %s",
		     text_bytes(have, there), text_bytes(want, bytes));
}

/* -- opening ---------------------------------------------------------------- */

static bool in_use(const struct device_look *l, __u32 loop,
		   struct device_wrong *w)
{
	char users[USERS_LEN], dev[DEVICE_NAME_LEN];

	device_users(users, sizeof(users), loop ? loop : l->st.st_rdev);
	if (loop) {
		device_text(dev, sizeof(dev), loop);
		wrong(w, "is in use: behind %s%s%s", dev, *users ? ", " : "",
		      users);
		return next_step(w, "See: losetup -l");
	}
	wrong(w, "is in use%s%s", *users ? ": " : "", users);
	return next_step(w, "See: lsblk %s; tw tier list", l->path);
}

static bool not_permitted(const struct device_look *l, unsigned int flags,
			  struct device_wrong *w)
{
	const char *what = flags & CHECK_WRITE ? "written to" : "read";

	if (geteuid()) {
		wrong(w, "can't be %s: no permission", what);
		next_step(w, "Be root");
		w->code = EXIT_NO_PERMISSION;
		return false;
	}
	wrong(w, "can't be %s, not even by root", what);
	return S_ISREG(l->st.st_mode) ?
	       next_step(w, "It may be immutable: lsattr %s", l->path) :
	       next_step(w, "A container may be denied it: see its device cgroup");
}

static bool open_failed(const struct device_look *l, unsigned int flags,
			struct device_wrong *w)
{
	switch (errno) {
	case EBUSY:
		return in_use(l, 0, w);
	case EACCES:
	case EPERM:
		return not_permitted(l, flags, w);
	case EROFS:
		return wrong(w, "is read-only");
	default:
		wrong(w, "can't be opened: %s", strerror(errno));
		w->absent = errno == ENXIO || errno == ENODEV ||
			    errno == ENOMEDIUM;
		return false;
	}
}

/* For writing: nobody else may use it meanwhile. Below 0: @w says why. */
static int open_it(const struct device_look *l, unsigned int flags,
		   struct device_wrong *w)
{
	bool file = S_ISREG(l->st.st_mode);
	__u32 loop = file && flags & CHECK_WRITE ? file_loop(&l->st) : 0;
	int fd;

	if (loop) {
		in_use(l, loop, w);
		return -1;
	}
	/* Exclusive: not what is mounted, swapped to or bound. */
	fd = open(l->path, O_CLOEXEC | (!(flags & CHECK_WRITE) ? O_RDONLY :
					O_RDWR | (file ? 0 : O_EXCL)));
	if (fd < 0)
		open_failed(l, flags, w);
	return fd;
}

static void look_inside(struct device_look *l, int fd)
{
	char block[TW_STORE_SUPER_SIZE];

	if (S_ISBLK(l->st.st_mode))
		ioctl(fd, BLKGETSIZE64, &l->bytes);
	l->contents = contents_of(fd, l->what);
	if (l->contents == CONTENTS_STORE)
		l->whole = pread(fd, block, sizeof(block), 0) ==
			   (ssize_t)sizeof(block) &&
			   super_read(&l->super, block);
}

bool device_find(struct device_look *l, const char *path,
		 struct device_wrong *w)
{
	memset(l, 0, sizeof(*l));
	l->path = path;
	w->absent = false;
	w->empty = false;
	return look_outside(l, w);
}

int device_check(struct device_look *l, const char *path, unsigned int flags,
		 struct device_wrong *w)
{
	int fd;

	if (!device_find(l, path, w) || !device_fits(l, w))
		return -1;
	fd = open_it(l, flags, w);
	if (fd < 0)
		return -1;
	look_inside(l, fd);
	if (device_fits(l, w) && contents_fit(l, flags, w))
		return fd;
	close(fd);
	return -1;
}

int device_refuse(const char *path, const struct device_wrong *w)
{
	cli_error("%s %s%s", path, w->why, w->next);
	return w->code;
}
