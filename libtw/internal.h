/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Declarations that the library's files share. */
#ifndef _TW_INTERNAL_H
#define _TW_INTERNAL_H

#include "tw.h"

#define TW_API __attribute__((visibility("default")))

/*
 * Pages of one call for a region that was opened without a struct tw, which would
 * know tw_info.max_pages. Every driver takes as many.
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
	__u32 turn;		/* number of the ring that is being read */
	__u32 turns_left;	/* events until the next ring's turn */
	const struct tw_stream_header *header;
	size_t map_size;
	struct tw_stream_ctl *ctl;
	size_t ctl_size;
	struct tw_ring ring[];
};

int tw_ioctl(int fd, unsigned long cmd, void *arg);
/*
 * Makes a call whose struct goes to a caller that may have another header. @in is the
 * library's own struct with the inputs; @out is the caller's of @size bytes, or NULL.
 * The driver is asked for the longer one of the two. -EINVAL and -E2BIG: @size is too
 * small or too large for any struct.
 */
int tw_ioctl_out(int fd, unsigned long cmd, const void *in, size_t in_size,
		 void *out, size_t size);
/*
 * Fills the caller's struct of @size bytes from the library's of @have bytes: as far as
 * it goes, and with zeros at its end if it is longer.
 */
void tw_give(void *to, size_t size, const void *from, size_t have);
void tw_close_fd(int fd);
int tw_map_ro(int fd, size_t size, const void **map);

/*
 * Moves a range in as many calls of TW_IOC_MIGRATE_RANGE as needed. @fd is the device
 * and @start an address, or @fd is a region and @start an offset. See
 * tw_migrate_addr_v1().
 */
int tw_migrate_range_fd(int fd, __u32 page_size, __u32 max_pages, __u64 start,
			__u64 length, int to, int from, int reason,
			__s32 *status, size_t nr, struct tw_move_sum *sum,
			size_t size);

#endif /* _TW_INTERNAL_H */
