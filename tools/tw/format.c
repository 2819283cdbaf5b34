// SPDX-License-Identifier: GPL-2.0
/*
 * tw tier format: sign a block device, or a file, so that a store may use it.
 */
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli.h"
#include "device.h"

static int open_error(const char *path, const struct stat *st)
{
	char users[USERS_LEN];

	switch (errno) {
	case EBUSY:
		if (device_users(users, sizeof(users), st->st_rdev))
			return cli_error("%s is in use: %s. See: lsblk %s",
					 path, users, path);
		return cli_error("%s is in use. See: lsblk %s", path, path);
	case EACCES:
	case EPERM:
		return cli_no_permission("no permission to write to %s. Be root",
					 path);
	default:
		return cli_errno(-errno, "%s", path);
	}
}

/* Nobody may use it meanwhile: 0 or the exit code. */
static int open_target(const char *path, struct stat *st, int *fd)
{
	char loop[DEVICE_NAME_LEN], users[USERS_LEN];
	__u32 dev;

	if (stat(path, st))
		return cli_errno(-errno, "%s", path);
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		return cli_error("%s is neither a block device nor a file",
				 path);
	dev = S_ISREG(st->st_mode) ? file_loop(st) : 0;
	if (dev) {
		device_text(loop, sizeof(loop), dev);
		device_users(users, sizeof(users), dev);
		return cli_error("%s is in use: behind %s%s%s. See: losetup -l",
				 path, loop, *users ? ", " : "", users);
	}
	/* Exclusive: not what is mounted, swapped to or bound. */
	*fd = open(path, O_RDWR | O_CLOEXEC |
		   (S_ISBLK(st->st_mode) ? O_EXCL : 0));
	return *fd < 0 ? open_error(path, st) : 0;
}

static int target_size(int fd, const char *path, const struct stat *st,
		       __u64 *bytes)
{
	__u64 page = sysconf(_SC_PAGESIZE), least = TW_STORE_DATA + page;

	if (S_ISREG(st->st_mode))
		*bytes = st->st_size / page * page;
	else if (ioctl(fd, BLKGETSIZE64, bytes))
		return cli_errno(-errno, "size of %s", path);
	if (*bytes >= least)
		return 0;
	if (S_ISREG(st->st_mode))
		return cli_error("%s is too small: it has %llu bytes, and a store needs %llu at least. Make it larger: fallocate -l SIZE %s",
				 path, (unsigned long long)*bytes,
				 (unsigned long long)least, path);
	return cli_error("%s is too small: it has %llu bytes, and a store needs %llu at least",
			 path, (unsigned long long)*bytes,
			 (unsigned long long)least);
}

/*
 * A file's holes are filled now: a page that finds the file system full later
 * would be lost. What can't be allocated is not begun.
 */
static int fill_holes(int fd, const char *path, const struct stat *st,
		      bool dry_run)
{
	__u64 have = (__u64)st->st_blocks * 512, need;
	char text[TEXT_LEN], room[TEXT_LEN];
	struct statvfs fs;

	if (!S_ISREG(st->st_mode) || have >= (__u64)st->st_size)
		return 0;
	need = st->st_size - have;
	if (fstatvfs(fd, &fs))
		return cli_errno(-errno, "%s", path);
	if (need > (__u64)fs.f_bavail * fs.f_frsize)
		return cli_error("the file system of %s is full: %s of the file are not allocated yet, and it has room for %s",
				 path, text_bytes(text, need),
				 text_bytes(room, (__u64)fs.f_bavail *
					    fs.f_frsize));
	if (dry_run || !fallocate(fd, 0, 0, st->st_size) || errno == EOPNOTSUPP)
		return 0;
	return cli_errno(-errno, "allocating the blocks of %s", path);
}

static int refuse_contents(int fd, const char *path)
{
	char what[CONTENTS_LEN];

	switch (contents_of(fd, what)) {
	case CONTENTS_NONE:
		return 0;
	case CONTENTS_STORE:
		return cli_error("%s is a store already. To sign it again: tw tier format --force %s",
				 path, path);
	case CONTENTS_OTHER:
		return cli_error("%s holds something: %s. To overwrite it, which can't be undone: tw tier format --force %s",
				 path, what, path);
	default:
		return cli_error("can't look at what is on %s", path);
	}
}

static int write_super(int fd, const char *path, const char *label,
		       struct format_result *result)
{
	char block[TW_STORE_SUPER_SIZE];
	__u8 u[16];

	if (getrandom(u, sizeof(u), 0) != (ssize_t)sizeof(u))
		return cli_errno(-errno, "random numbers");
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
	super_make(block, result->bytes, u, label);
	if (pwrite(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
		return cli_errno(errno ? -errno : -EIO, "writing %s", path);
	if (fsync(fd))
		return cli_errno(-errno, "writing %s", path);
	snprintf(result->uuid, sizeof(result->uuid),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15]);
	return 0;
}

int format_store(const char *path, const char *label, unsigned int flags,
		 struct format_result *result)
{
	bool force = flags & FORMAT_FORCE, dry_run = flags & FORMAT_DRY_RUN;
	struct stat st;
	int fd = -1, code;

	code = open_target(path, &st, &fd);
	if (code)
		return code;
	code = target_size(fd, path, &st, &result->bytes);
	if (!code && !force)
		code = refuse_contents(fd, path);
	if (!code)
		code = fill_holes(fd, path, &st, dry_run);
	if (!code && force && !dry_run && contents_wipe(fd))
		code = cli_error("can't wipe what is on %s", path);
	if (!code && !dry_run)
		code = write_super(fd, path, label, result);
	/* An error of the last write may come with the close. */
	if (close(fd) && !code)
		code = cli_errno(-errno, "writing %s", path);
	return code;
}

const char tier_format_more[] =
"DEV is a block device or a file, which is allocated in full.\n"
"  --force        take away what is there, which can't be undone\n"
"  --label LABEL  a name of up to 63 bytes\n"
"  --json         what was made, as one document\n";

int cmd_tier_format(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "label", required_argument, NULL, 'L' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned int flags = 0;
	bool json = false;
	const char *label = NULL, *path;
	struct format_result result;
	char size[TEXT_LEN];
	int c, code;

	while ((c = getopt_long(argc, argv, "fL:j", opts, NULL)) != -1) {
		switch (c) {
		case 'f':
			flags |= FORMAT_FORCE;
			break;
		case 'L':
			label = optarg;
			break;
		case 'j':
			json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 1)
		return cli_usage("tier format takes one device or file");
	if (label && strlen(label) > 63)
		return cli_usage("a label has 63 bytes at most");
	if (label && !text_is_clean(label))
		return cli_usage("a label is text, in UTF-8 and without control characters");
	path = argv[optind];
	code = format_store(path, label, flags, &result);
	if (code)
		return code;
	if (json) {
		json_open(NULL, '{');
		json_str("path", path);
		json_u64("bytes", result.bytes - TW_STORE_DATA);
		json_str("uuid", result.uuid);
		json_str("label", label);
		json_close('}');
		json_end();
		return cli_flush(EXIT_SUCCESS);
	}
	printf("%s: store of %s, uuid %s%s%s\n", text_shown(path),
	       text_bytes(size, result.bytes - TW_STORE_DATA), result.uuid,
	       label ? ", label " : "", label ? label : "");
	return cli_flush(EXIT_SUCCESS);
}
