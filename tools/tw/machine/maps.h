/* SPDX-License-Identifier: GPL-2.0 */
/* Which regions processes have mapped, from /proc, and which programs are attached. */
#ifndef _TW_MAPS_H
#define _TW_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct tw;

/**
 * struct map_line - a line of /proc/PID/maps
 * @start: first address
 * @end: one past the last
 * @offset: of @start in the file, bytes
 * @dev: of the file
 * @inode: of the file, and a region's number
 */
struct map_line {
	__u64 start;
	__u64 end;
	__u64 offset;
	__u32 dev;
	__u64 inode;
};

/*
 * Takes a line apart. True when it is a region's: a file of the device of all
 * regions, tw_info.region_dev. Its name says nothing, a file may have any.
 */
bool map_line_parse(const char *line, __u32 region_dev, struct map_line *m);

/*
 * Calls @fn with each line of /proc/@pid/maps, until it returns less than 0.
 * Returns how many lines there were, or -errno: @fn's or that of reading.
 */
int maps_each(__u32 pid, int (*fn)(const char *line, void *arg), void *arg);

/**
 * struct map_region - a mapping of a region
 * @id: the region
 * @addr: where its first byte is, or would be
 * @pages: up to the mapping's end
 * @pid: the process
 * @name: what the process is called
 */
struct map_region {
	__u64 id;
	__u64 addr;
	__u64 pages;
	__u32 pid;
	char name[16];
};

/**
 * struct map_list - mappings of regions
 * @dev: the regions' device
 * @map: in the order they were found in
 * @nr: how many
 */
struct map_list {
	__u32 dev;
	struct map_region *map;
	size_t nr;
};

/*
 * Adds the attachments of programs that the caller may see, all or only that of process
 * @pid; each is as a mapping from address 0 on. Returns 0 or -errno.
 */
int maps_attached(struct map_list *l, struct tw *tw, __u32 pid);
/* Adds a line of /proc/PID/maps if it is a region's. Returns 0 or -ENOMEM. */
int maps_line(struct map_list *l, __u32 pid, const char *name, const char *line,
	      __u64 page_size);
/*
 * Adds a process's. Returns 0 or -errno: -ENOENT no such process,
 * or it has ended.
 */
int maps_of(struct map_list *l, __u32 pid, __u64 page_size);
/* Adds those of all processes that may be looked at. Returns 0 or -ENOMEM. */
int maps_of_all(struct map_list *l, __u64 page_size);
/* The region's first mapping, or NULL. */
const struct map_region *maps_find(const struct map_list *l, __u64 id);
void maps_free(struct map_list *l);

#endif /* _TW_MAPS_H */
