/* SPDX-License-Identifier: GPL-2.0 */
/* Disks that are in another machine: how they are attached, how long a read takes. */
#ifndef _TW_REMOTE_H
#define _TW_REMOTE_H

#include <stdbool.h>
#include <linux/types.h>

/**
 * struct remote - how a disk is attached, as far as the kernel tells
 * @transport: pcie, tcp, rdma, fc or loop of an NVMe disk, nbd, iscsi or fc of a SCSI disk;
 *	empty: another one
 * @address: where its other side is; empty: not known
 * @is: that is in another machine, or may be
 * @down: there is no connection
 */
struct remote {
	char transport[16];
	char address[128];
	bool is;
	bool down;
};

/* Of the block device @name; @sys is where /sys is. */
void remote_look(struct remote *r, const char *sys, const char *name);
/* Is it one of nbd, which are there without a server, too? */
bool remote_is_nbd(const char *name);
/* What most reads of 4 KiB of @path take at most; 0: none was read. */
__u64 remote_read_ns(const char *path, __u64 bytes);

#endif /* _TW_REMOTE_H */
