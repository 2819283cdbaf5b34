/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library's files share. */
#ifndef _TW_INTERNAL_H
#define _TW_INTERNAL_H

#include "tw.h"

#define TW_API __attribute__((visibility("default")))

/*
 * Pages per call for a region that came without a struct tw. Every driver
 * takes as many.
 */
#define TW_FALLBACK_MAX_PAGES	256

struct tw {
	int fd;
	__u32 page_size;
	__u32 max_pages;
	__u32 stats_size;
	const struct tw_stats *stats;	/* set once, atomically */
};

struct tw_agent {
	int fd;
	__u64 id;
};

struct tw_region {
	int fd;
	__u32 page_size;
	__u32 max_pages;
	void *addr;
	__u64 size;
	__u64 id;
};

struct tw_stream {
	int fd;
	__u32 nr_rings;
	__u32 turn;		/* ring that is being read */
	__u32 turns_left;	/* events until it is the next one's turn */
	const struct tw_stream_header *header;
	size_t map_size;
	struct tw_stream_ctl *ctl;
	size_t ctl_size;
	struct tw_ring ring[];
};

int tw_ioctl(int fd, unsigned long cmd, void *arg);
/*
 * A call whose struct goes to a caller with another header: @in is the library's
 * own with the inputs, @out the caller's of @size bytes, or NULL. What either the
 * library or the caller knows of is asked for. -EINVAL, -E2BIG: no such @size.
 */
int tw_ioctl_out(int fd, unsigned long cmd, const void *in, size_t in_size,
		 void *out, size_t size);
/* Fills the caller's struct: the part that it has; more than we have is zero. */
void tw_give(void *to, size_t size, const void *from, size_t have);
void tw_close_fd(int fd);
int tw_map_ro(int fd, size_t size, const void **map);

/*
 * A range for TW_IOC_MIGRATE_RANGE: @fd is the device and @start an address,
 * or a region and an offset.
 */
int tw_migrate_range_fd(int fd, __u32 page_size, __u32 max_pages, __u64 start,
			__u64 length, int to, int from, int reason,
			__s32 *status, size_t nr, struct tw_move_sum *sum,
			size_t size);

#endif /* _TW_INTERNAL_H */
