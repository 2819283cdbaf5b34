// SPDX-License-Identifier: GPL-2.0
/*
 * Files that tw writes. It runs as root and from timers, so what a path leads to
 * is found out first, once, and what is then written or replaced is just that.
 *
 * A recording is written in place and has a lock (flock(2)) for as long as its
 * descriptor lives. A file that is replaced needs none: each of two writers has
 * a file of its own, and the later one's stays.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/output.h"

#define FD_PATH_LEN	32

/**
 * struct place - where a file is or will be
 * @dir: its folder
 * @name: its name there, no symbolic link
 * @there: it exists
 * @st: then, what it is
 * @path: room for @name
 */
struct place {
	int dir;
	const char *name;
	bool there;
	struct stat st;
	char path[PATH_MAX];
};

static void fd_path(char buf[FD_PATH_LEN], int fd)
{
	snprintf(buf, FD_PATH_LEN, "/proc/self/fd/%d", fd);
}

/* Splits ->path and opens the folder. */
static int open_folder(struct place *p)
{
	char *slash = strrchr(p->path, '/');
	const char *folder = ".";

	p->name = p->path;
	if (slash) {
		*slash = '\0';
		p->name = slash + 1;
		folder = slash == p->path ? "/" : p->path;
	}
	if (!*p->name)
		return -EISDIR;
	p->dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return p->dir < 0 ? -errno : 0;
}

/*
 * The file itself, behind links that the kernel has followed by its own rules
 * (protected_symlinks). Where it is, is only believed when it is there.
 */
static int find_target(struct place *p, int fd)
{
	char link[FD_PATH_LEN];
	struct stat st;
	ssize_t n;
	int err;

	fd_path(link, fd);
	n = readlink(link, p->path, sizeof(p->path) - 1);
	if (n < 0)
		return -errno;
	p->path[n] = '\0';
	/* What the file's own mode forbids is not to be had by replacing it. */
	if (faccessat(AT_FDCWD, link, W_OK, AT_EACCESS))
		return -errno;
	err = open_folder(p);
	if (err)
		return err;
	if (fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) ||
	    st.st_dev != p->st.st_dev || st.st_ino != p->st.st_ino)
		return -ESTALE;
	return 0;
}

/* Where a new file goes: not through a link that leads nowhere. */
static int find_new(struct place *p, const char *path)
{
	struct stat st;
	int err;

	if (strlen(path) >= sizeof(p->path))
		return -ENAMETOOLONG;
	strcpy(p->path, path);
	err = open_folder(p);
	if (!err && !fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW))
		err = S_ISLNK(st.st_mode) ? -ENOLINK : -EEXIST;
	return err;
}

static int find_place(struct place *p, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC), err = 0;

	p->dir = -1;
	if (fd < 0)
		return errno == ENOENT ? find_new(p, path) : -errno;
	p->there = true;
	if (fstat(fd, &p->st))
		err = -errno;
	else if (S_ISREG(p->st.st_mode))
		err = find_target(p, fd);
	close(fd);
	return err;
}

static int complain(int err, const char *path)
{
	switch (err) {
	case -ENOLINK:
		return cli_error("%s is a symbolic link that leads to no file. Remove it, or choose another name",
				 path);
	case -ENOTBLK:
		return cli_error("%s is a block device, which is not written over",
				 path);
	case -EWOULDBLOCK:
		return cli_error("%s is being written by another tw. Choose another name with --output",
				 path);
	default:
		return cli_errno(err, "writing %s, which is as it was", path);
	}
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	for (; len; data += n, len -= n) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n ? -errno : -EIO;
	}
	return 0;
}

/* -- in place of the old one ------------------------------------------------- */

/* A name that nobody can have prepared, hidden and with no known ending. */
static int random_name(char *buf, size_t len, const char *name)
{
	unsigned long long r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		return -EIO;
	/* The longest name has no room for more. */
	snprintf(buf, len, ".%.200s.%016llx", name, r);
	return 0;
}

/* What takes a place must be whole: full disks tell some of it late. */
static int fill(const struct place *p, int fd, const void *data, size_t len)
{
	int err = write_all(fd, data, len);

	if (err)
		return err;
	if (p->there) {
		/* Of another owner only root can keep it; the mode comes after. */
		if (fchown(fd, p->st.st_uid, p->st.st_gid) &&
		    fchown(fd, -1, p->st.st_gid))
			errno = 0;
		if (fchmod(fd, p->st.st_mode & 0777))
			return -errno;
	}
	return fsync(fd) ? -errno : 0;
}

static int replace(const struct place *p, const void *data, size_t len)
{
	char temporary[NAME_MAX + 1];
	int fd, err;

	err = random_name(temporary, sizeof(temporary), p->name);
	if (err)
		return err;
	fd = openat(p->dir, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    p->there ? 0600 : 0666);
	if (fd < 0)
		return -errno;
	err = fill(p, fd, data, len);
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(p->dir, temporary, p->dir, p->name))
		err = -errno;
	if (err)
		unlinkat(p->dir, temporary, 0);
	return err;
}

/* -- as it is ---------------------------------------------------------------- */

/* A disk may hold what cannot be made again: it is not written to by this. */
static int open_special(const char *path, const struct stat *st)
{
	int fd;

	if (S_ISBLK(st->st_mode))
		return -ENOTBLK;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_special(const char *path, const struct stat *st,
			 const void *data, size_t len)
{
	int fd = open_special(path, st), err;

	if (fd < 0)
		return fd;
	err = write_all(fd, data, len);
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* /dev/stdout may be a file that the shell has opened, perhaps to append. */
static bool is_stdout(const struct stat *st)
{
	struct stat out;

	return !fstat(STDOUT_FILENO, &out) && out.st_dev == st->st_dev &&
	       out.st_ino == st->st_ino;
}

int output_write(const char *path, const void *data, size_t len)
{
	struct place p = { 0 };
	int err = find_place(&p, path);

	if (err)
		;
	else if (p.there && is_stdout(&p.st))
		err = fflush(stdout) ? -errno :
		      write_all(STDOUT_FILENO, data, len);
	else if (p.there && !S_ISREG(p.st.st_mode))
		err = write_special(path, &p.st, data, len);
	else
		err = replace(&p, data, len);
	if (p.dir >= 0)
		close(p.dir);
	return err ? complain(err, path) : 0;
}

/* 0: it may be emptied; 1: it is something else. */
static int check_magic(int fd, const void *magic, size_t len)
{
	char begin[16];
	ssize_t n;

	if (len > sizeof(begin))
		return -EINVAL;
	n = pread(fd, begin, len, 0);
	if (n < 0)
		return -errno;
	return n && (n != (ssize_t)len || memcmp(begin, magic, len));
}

/* The lock first: what another one writes is neither looked at nor emptied. */
static int open_regular(const struct place *p, const void *magic, size_t len)
{
	int fd, err;

	fd = openat(p->dir, p->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC |
		    (p->there ? 0 : O_CREAT | O_EXCL), 0666);
	if (fd < 0)
		return errno == EEXIST ? -EWOULDBLOCK : -errno;
	err = flock(fd, LOCK_EX | LOCK_NB) ? -errno :
	      check_magic(fd, magic, len);
	if (!err && ftruncate(fd, 0))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err > 0 ? -EBADMSG : err;
}

int output_open(const char *path, const void *magic, size_t len)
{
	struct place p = { 0 };
	int fd = find_place(&p, path);

	if (!fd)
		fd = p.there && !S_ISREG(p.st.st_mode) ?
		     open_special(path, &p.st) : open_regular(&p, magic, len);
	if (p.dir >= 0)
		close(p.dir);
	if (fd == -EBADMSG)
		return -cli_error("%s is not a recording: it is not written over. Remove it, or choose another name with --output",
				  path);
	return fd < 0 ? -complain(fd, path) : fd;
}
