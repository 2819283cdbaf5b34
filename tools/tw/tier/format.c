// SPDX-License-Identifier: GPL-2.0
/*
 * tw tier format: sign a block device, or a file, so that a store may use it.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/text.h"
#include "machine/check.h"
#include "machine/contents.h"
#include "machine/super.h"
#include "tier/commands.h"
#include "tier/format.h"
#include "tier/tier.h"

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

static int write_super(int fd, const char *path, const char *label, int tier,
		       struct format_result *result)
{
	char block[TW_STORE_SUPER_SIZE];
	__u8 u[16];

	if (getrandom(u, sizeof(u), 0) != (ssize_t)sizeof(u))
		return cli_errno(-errno, "random numbers");
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
	super_make(block, result->bytes, u, label, tier);
	if (pwrite(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
		return cli_errno(errno ? -errno : -EIO, "writing %s", path);
	if (fsync(fd))
		return cli_errno(-errno, "writing %s", path);
	super_uuid(result->uuid, u);
	return 0;
}

int format_store(const char *path, const char *label, int tier,
		 unsigned int flags, struct format_result *result)
{
	bool force = flags & FORMAT_FORCE, dry_run = flags & FORMAT_DRY_RUN;
	__u64 page = sysconf(_SC_PAGESIZE);
	struct device_wrong wrong;
	struct device_look look;
	int fd, code;

	fd = device_check(&look, path, CHECK_WRITE | (force ? 0 : CHECK_EMPTY),
			  &wrong);
	if (fd < 0)
		return device_refuse(path, &wrong);
	result->bytes = S_ISREG(look.st.st_mode) ? look.bytes / page * page :
						   look.bytes;
	code = fill_holes(fd, path, &look.st, dry_run);
	if (!code && force && !dry_run && contents_wipe(fd))
		code = cli_error("can't wipe what is on %s", path);
	if (!code && !dry_run)
		code = write_super(fd, path, label, tier, result);
	/* An error of the last write may come with the close. */
	if (close(fd) && !code)
		code = cli_errno(-errno, "writing %s", path);
	return code;
}

const char tier_format_more[] =
"DEV is a block device or a file, which is allocated in full.\n"
"  --force        take away what is there, which can't be undone\n"
"  --label LABEL  a name of up to 63 bytes\n"
"  --tier TIER    tw apply takes it for this tier only\n"
"  --json         what was made, as one document\n";

int cmd_tier_format(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "label", required_argument, NULL, 'L' },
		{ "tier", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned int flags = 0;
	bool json = false;
	const char *label = NULL, *path;
	struct format_result result;
	char size[TEXT_LEN];
	int c, code, tier = TW_TIER_NONE;

	while ((c = getopt_long(argc, argv, "fL:t:j", opts, NULL)) != -1) {
		switch (c) {
		case 'f':
			flags |= FORMAT_FORCE;
			break;
		case 'L':
			label = optarg;
			break;
		case 't':
			code = parse_tier_arg(optarg, &tier);
			if (code)
				return code;
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
	if (tier != TW_TIER_NONE && !can_be_store(tier))
		return cli_usage("the %s tier is made of NUMA nodes, not of a device",
				 tw_tier_name(tier));
	if (label && strlen(label) > 63)
		return cli_usage("a label has 63 bytes at most");
	if (label && !text_is_clean(label))
		return cli_usage("a label is text, in UTF-8 and without control characters");
	path = argv[optind];
	code = format_store(path, label, tier, flags, &result);
	if (code)
		return code;
	if (json) {
		json_begin(JSON_TIER_FORMAT);
		json_str("path", path);
		json_u64("bytes", result.bytes - TW_STORE_DATA);
		json_str("uuid", result.uuid);
		json_str("label", label);
		json_str("tier", tier == TW_TIER_NONE ? NULL :
			 tw_tier_name(tier));
		json_close('}');
		json_end();
		return cli_flush(EXIT_SUCCESS);
	}
	printf("%s: store of %s, uuid %s%s%s%s%s\n", text_shown(path),
	       text_bytes(size, result.bytes - TW_STORE_DATA), result.uuid,
	       label ? ", label " : "", label ? label : "",
	       tier == TW_TIER_NONE ? "" : ", for ",
	       tier == TW_TIER_NONE ? "" : tw_tier_name(tier));
	return cli_flush(EXIT_SUCCESS);
}
