/* SPDX-License-Identifier: GPL-2.0 */
/* The disks of a machine, and which tier each is for. */
#ifndef _TW_DISKS_H
#define _TW_DISKS_H

#include <stdbool.h>
#include <linux/types.h>

#include "machine/remote.h"
#include "machine/super.h"
#include "machine/users.h"

/* Names that stay the same over boots. */
#define BY_ID	"/dev/disk/by-id/"

/**
 * struct disk - a disk of the machine
 * @dev: its number
 * @tier: the store tier it is for, by how it is attached and whether it turns; of one in
 *	another machine, by how long a read takes
 * @bytes: its size
 * @is_signed: it is a store already, by ...
 * @super: ... this signature
 * @denied: it could not be read for want of a right
 * @remote: how it is attached, as far as is known
 * @read_ns: of one in another machine that may be used: what a read takes
 * @path: the most stable name there is
 * @model: what the maker calls it; or empty
 * @why: why it should be left alone; empty: it may be used
 */
struct disk {
	__u32 dev;
	int tier;
	__u64 bytes;
	bool is_signed;
	struct super super;
	bool denied;
	struct remote remote;
	__u64 read_ns;
	char path[256];
	char model[64];
	char why[USERS_LEN + 160];
};

struct disks {
	unsigned int nr;
	struct disk *disk;
};

/* 0 or -ENOMEM. Free in any case. */
int disks_find(struct disks *all);
void disks_free(struct disks *all);

#endif /* _TW_DISKS_H */
