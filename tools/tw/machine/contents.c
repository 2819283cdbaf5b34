// SPDX-License-Identifier: GPL-2.0
/*
 * What is on a device, by libblkid, and taking it away.
 */
#include <blkid/blkid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/contents.h"
#include "machine/super.h"
#include "tw.h"

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

static void describe(blkid_probe pr, char what[CONTENTS_LEN])
{
	const char *type = NULL, *label = NULL;

	if (blkid_probe_lookup_value(pr, "TYPE", &type, NULL) &&
	    !blkid_probe_lookup_value(pr, "PTTYPE", &type, NULL)) {
		snprintf(what, CONTENTS_LEN, "a partition table (%s)", type);
		return;
	}
	blkid_probe_lookup_value(pr, "LABEL", &label, NULL);
	snprintf(what, CONTENTS_LEN, "%s%s%s%s", type ? type : "unknown",
		 label ? " \"" : "", label ? label : "", label ? "\"" : "");
	text_clean(what);
}

/*
 * Data without a signature that libblkid knows, and yet somebody wants it back: a
 * file, or a disk encrypted without a header. A file that was made for this has
 * zeroes where the signature goes; a disk has them, or whatever one byte its maker
 * or an erasure has left in all of it.
 */
static bool has_data(int fd)
{
	static char block[64 << 10];
	struct stat st;
	off_t at;
	ssize_t n;

	if (fstat(fd, &st))
		return true;
	for (at = 0; at < TW_STORE_DATA; at += n) {
		n = pread(fd, block, sizeof(block), at);
		if (n <= 0)
			return n < 0;
		if ((*block && S_ISREG(st.st_mode)) ||
		    memcmp(block, block + 1, n - 1))
			return true;
	}
	return false;
}

enum contents contents_of(int fd, char what[CONTENTS_LEN])
{
	enum contents found = CONTENTS_UNKNOWN;
	char block[TW_STORE_SUPER_SIZE];
	blkid_probe pr;

	snprintf(what, CONTENTS_LEN, "it can't be read");
	if (pread(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
		return CONTENTS_UNKNOWN;
	if (super_is_ours(block)) {
		snprintf(what, CONTENTS_LEN, "a store");
		return CONTENTS_STORE;
	}
	pr = new_probe(fd);
	if (!pr)
		return CONTENTS_UNKNOWN;
	switch (blkid_do_safeprobe(pr)) {
	case 1:
		if (has_data(fd)) {
			snprintf(what, CONTENTS_LEN, "unknown data");
			found = CONTENTS_OTHER;
			break;
		}
		snprintf(what, CONTENTS_LEN, "nothing");
		found = CONTENTS_NONE;
		break;
	case 0:
		describe(pr, what);
		found = CONTENTS_OTHER;
		break;
	case -2:
		snprintf(what, CONTENTS_LEN, "more than one kind of contents");
		found = CONTENTS_OTHER;
		break;
	}
	blkid_free_probe(pr);
	return found;
}

/*
 * Wherever on the device they are: otherwise it still looks like, say, a RAID
 * member to others.
 */
int contents_wipe(int fd)
{
	blkid_probe pr = new_probe(fd);
	int err = 0;

	if (!pr)
		return -EIO;
	while (!err && blkid_do_probe(pr) == 0)
		err = blkid_do_wipe(pr, 0);
	blkid_free_probe(pr);
	return err ? -EIO : 0;
}
