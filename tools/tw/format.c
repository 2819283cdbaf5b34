// SPDX-License-Identifier: GPL-2.0
/*
 * tw tier format: sign a block device.
 */
#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* Returns a file descriptor, or -1 and has said why. */
static int open_device(const char *path, __u64 *bytes)
{
	__u64 least = TW_STORE_DATA + sysconf(_SC_PAGESIZE);
	struct stat st;
	int fd;

	if (stat(path, &st)) {
		cli_errno(-errno, "%s", path);
		return -1;
	}
	if (S_ISREG(st.st_mode)) {
		cli_error("%s is a file. Make a device of it with: losetup --direct-io=on --show -f %s",
			  path, path);
		return -1;
	}
	if (!S_ISBLK(st.st_mode)) {
		cli_error("%s is not a block device", path);
		return -1;
	}
	/* Exclusive: not what is mounted, swapped to or bound. */
	fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0) {
		if (errno == EBUSY)
			cli_error("%s is in use: mounted, swap, part of a RAID or volume group, or bound to a tier. See: lsblk %s; tw tier list",
				  path, path);
		else if (errno == EACCES || errno == EPERM)
			cli_no_permission("no permission to write to %s. Be root",
					  path);
		else
			cli_errno(-errno, "%s", path);
		return -1;
	}
	if (ioctl(fd, BLKGETSIZE64, bytes)) {
		cli_errno(-errno, "size of %s", path);
	} else if (*bytes < least) {
		cli_error("%s is too small: it has %llu bytes, and a store needs %llu at least",
			  path, (unsigned long long)*bytes,
			  (unsigned long long)least);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static blkid_probe new_probe(int fd)
{
	blkid_probe pr = blkid_new_probe();

	if (!pr)
		return NULL;
	if (blkid_probe_set_device(pr, fd, 0, 0) ||
	    blkid_probe_enable_superblocks(pr, 1) ||
	    blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_MAGIC |
					      BLKID_SUBLKS_TYPE |
					      BLKID_SUBLKS_LABEL |
					      BLKID_SUBLKS_BADCSUM) ||
	    blkid_probe_enable_partitions(pr, 1) ||
	    blkid_probe_set_partitions_flags(pr, BLKID_PARTS_MAGIC |
					     BLKID_PARTS_FORCE_GPT)) {
		blkid_free_probe(pr);
		return NULL;
	}
	return pr;
}

/* What is on it? Returns 0 when nothing that is known. */
static int refuse_contents(int fd, const char *path)
{
	const char *type = NULL, *label = NULL;
	char block[TW_STORE_SUPER_SIZE];
	blkid_probe pr;
	int found;

	if (pread(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
		return cli_errno(errno ? -errno : -EIO, "reading %s", path);
	if (super_is_ours(block))
		return cli_error("%s is a store already. To sign it again: tw tier format --force %s",
				 path, path);
	pr = new_probe(fd);
	if (!pr)
		return cli_error("can't look at what is on %s", path);
	found = blkid_do_safeprobe(pr);
	if (found == 1) {
		blkid_free_probe(pr);
		return 0;
	}
	if (found == 0) {
		if (blkid_probe_lookup_value(pr, "TYPE", &type, NULL))
			blkid_probe_lookup_value(pr, "PTTYPE", &type, NULL);
		blkid_probe_lookup_value(pr, "LABEL", &label, NULL);
		cli_error("%s holds something: %s%s%s%s. To overwrite it, which can't be undone: tw tier format --force %s",
			  path, type ? type : "unknown",
			  label ? " \"" : "", label ? label : "",
			  label ? "\"" : "", path);
	} else if (found == -2) {
		cli_error("%s holds more than one kind of contents. To overwrite it, which can't be undone: tw tier format --force %s",
			  path, path);
	} else {
		cli_error("can't look at what is on %s", path);
	}
	blkid_free_probe(pr);
	return EXIT_FAILURE;
}

/*
 * Take the signatures of former contents away, wherever on the device they
 * are: otherwise it still looks like, say, a RAID member to others.
 */
static int wipe_contents(int fd, const char *path)
{
	blkid_probe pr = new_probe(fd);
	int err = 0;

	if (!pr)
		return cli_error("can't look at what is on %s", path);
	while (!err && blkid_do_probe(pr) == 0)
		err = blkid_do_wipe(pr, 0);
	blkid_free_probe(pr);
	if (err)
		return cli_error("can't wipe what is on %s", path);
	return 0;
}

static int write_super(int fd, const char *path, __u64 bytes,
		       const char *label, char uuid_text[37])
{
	char block[TW_STORE_SUPER_SIZE];
	__u8 u[16];

	if (getrandom(u, sizeof(u), 0) != (ssize_t)sizeof(u))
		return cli_errno(-errno, "random numbers");
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
	super_make(block, bytes, u, label);
	if (pwrite(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
		return cli_errno(errno ? -errno : -EIO, "writing %s", path);
	if (fsync(fd))
		return cli_errno(-errno, "writing %s", path);
	snprintf(uuid_text, 37,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15]);
	return 0;
}

const char tier_format_more[] =
"  --force        take away what is there, which can't be undone\n"
"  --label LABEL  a name of up to 63 bytes\n";

int cmd_tier_format(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "label", required_argument, NULL, 'L' },
		{ NULL, 0, NULL, 0 },
	};
	const char *label = NULL, *path;
	char size[TEXT_LEN], uuid[37];
	bool force = false;
	__u64 bytes;
	int c, fd, code;

	while ((c = getopt_long(argc, argv, "fL:", opts, NULL)) != -1) {
		switch (c) {
		case 'f':
			force = true;
			break;
		case 'L':
			label = optarg;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 1)
		return cli_usage("tier format takes one device");
	if (label && strlen(label) > 63)
		return cli_usage("a label has 63 bytes at most");
	path = argv[optind];
	fd = open_device(path, &bytes);
	if (fd < 0)
		return EXIT_FAILURE;
	code = force ? wipe_contents(fd, path) : refuse_contents(fd, path);
	if (!code)
		code = write_super(fd, path, bytes, label, uuid);
	/* An error of the last write may come with the close. */
	if (close(fd) && !code)
		code = cli_errno(-errno, "writing %s", path);
	if (code)
		return code;
	printf("%s: store of %s, uuid %s%s%s\n", path,
	       text_bytes(size, bytes - TW_STORE_DATA), uuid,
	       label ? ", label " : "", label ? label : "");
	return cli_flush(EXIT_SUCCESS);
}
