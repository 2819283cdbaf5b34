/* SPDX-License-Identifier: GPL-2.0 */
/* Block devices, files as such, and what is on them. */
#ifndef _TW_DEVICE_H
#define _TW_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "cli.h"
#include "tw.h"

#define DEVICE_NAME_LEN	64
#define USERS_LEN	256

/* sysfs.c */
int sysfs_line(char *buf, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int sysfs_path(char *buf, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
__u64 sysfs_u64(__u64 otherwise, const char *dir, const char *name);
int sysfs_nodes(const char *which, __u64 *nodes);
int sysfs_cpu_nodes(__u64 *nodes);
__u64 sysfs_node_bytes(unsigned int node);
int sysfs_each(const char *dir, int (*fn)(const char *name, void *arg),
	       void *arg);
int device_name(char name[DEVICE_NAME_LEN], __u32 dev);
void device_text(char *buf, size_t len, __u32 dev);
int device_file(char *buf, size_t len, __u32 dev);

/* users.c */

/*
 * What uses a block device or a partition of it, into @buf: "mounted on /home",
 * "swap", "part of dm-0 (vg-root)", "bound to the nvme tier". False: nothing
 * that can be found.
 */
bool device_users(char *buf, size_t len, __u32 dev);
/* The loop device that a file is behind, or 0. */
__u32 file_loop(const struct stat *st);

/* contents.c */

enum contents {
	CONTENTS_NONE,
	CONTENTS_STORE,		/* signed for us */
	CONTENTS_OTHER,
	CONTENTS_UNKNOWN,	/* it can't be read */
};

/* What is on an open device or file; @what: in a word or two. */
#define CONTENTS_LEN	128
enum contents contents_of(int fd, char what[CONTENTS_LEN]);
/* Takes all signatures away; 0 or -EIO. */
int contents_wipe(int fd);

/* format.c: signs a device or a file; 0 or the exit code. Quiet on success. */
#define FORMAT_FORCE	(1U << 0)	/* whatever is there */
#define FORMAT_DRY_RUN	(1U << 1)	/* say what would be in the way */

struct format_result {
	__u64 bytes;
	char uuid[UUID_LEN];
};

/* @label: or NULL; @tier: that it is for, or TW_TIER_NONE. */
int format_store(const char *path, const char *label, int tier,
		 unsigned int flags, struct format_result *result);

/* loop.c */

/*
 * Makes a loop device with direct I/O of @file, into @dev. It goes away when
 * the last who has it open closes it, and the fd returned is the first; so a
 * tier that is bound to it keeps it. Below 0: it failed, *@code is the exit
 * code and it has said why.
 */
int loop_attach(const char *file, char dev[DEVICE_NAME_LEN], int *code);

/* Could it be done? Changes nothing. 0 or the exit code. */
int loop_check(const char *file);

/* bind.c */

/**
 * struct binding - what a tier is to be made of
 * @tier: enum tw_tier
 * @path: a block device or a file; NULL: NUMA nodes
 * @capacity: pages; 0: all there is
 * @nodes: a bit each; 0: all that fit
 * @flags: TW_BIND_*
 */
struct binding {
	int tier;
	const char *path;
	__u64 capacity;
	__u64 nodes;
	unsigned int flags;
};

/* They return 0 or the exit code and have said why. */
int binding_make(struct tw *tw, const struct binding *b);
int binding_undo(struct tw *tw, int tier, unsigned int flags, __u64 *moved);
/* "/dev/sda", "/dev/loop0 (/srv/store)", "nodes 0-1"; "" when not bound */
#define WHERE_LEN	512
void binding_text(char buf[WHERE_LEN], const struct tw_tier_info *t);
void tier_json(const struct tw_tier_info *t, __u32 page_size);

/*
 * emptying.c: on a terminal, how many pages a tier still has, while it is
 * unbound. NULL when there is no terminal.
 */
struct emptying;
struct emptying *emptying_show(struct tw *tw, int tier);
void emptying_end(struct emptying *e);

/* Percent of a node that a memory tier leaves to others, at most. */
#define LEAVE_MAX	90U

/* TW_BIND_* for so many percent; 0: none is left. */
static inline unsigned int leave_flags(unsigned int percent)
{
	return percent ? TW_BIND_LEAVE(percent) : 0;
}

static inline bool is_store(int tier)
{
	return tier >= TW_TIER_NVME;
}

#endif /* _TW_DEVICE_H */
