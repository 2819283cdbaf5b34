// SPDX-License-Identifier: GPL-2.0
/*
 * How much room nodes and swap have.
 *
 * Free is what /sys/devices/system/node/nodeN/meminfo says is free, and the pages of
 * files that were not used lately and need not be written: the kernel drops these
 * before it swaps anything. A node's line is the sum of its zones' high watermarks,
 * below which the kernel reclaims by itself, and its headroom; its headroom is the
 * share of the node that the policy keeps free of regions' pages.
 *
 * /proc/zoneinfo is long, some lines for each CPU in each zone.
 */
#include <errno.h>
#include <string.h>

#include "room.h"

void td_room_meminfo(struct td_rooms *r, FILE *f)
{
	unsigned long long kib, total = 0, free = 0, file = 0, unwritten = 0;
	char line[128], what[32];
	unsigned int node = TD_NODES;
	struct td_node *n;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %u %31[^:]: %llu", &node, what, &kib) != 3)
			continue;
		if (!strcmp(what, "MemTotal"))
			total = kib;
		else if (!strcmp(what, "MemFree"))
			free = kib;
		else if (!strcmp(what, "Inactive(file)"))
			file = kib;
		else if (!strcmp(what, "Dirty") || !strcmp(what, "Writeback"))
			unwritten += kib;
	}
	if (node >= TD_NODES)
		return;
	n = &r->node[node];
	if (file > unwritten)
		free += file - unwritten;
	n->free = (free << 10) / r->page_size;
	n->headroom = (total << 10) / r->page_size * r->free_permille / 1000;
	n->line = r->mark[node] + n->headroom;
}

void td_room_zoneinfo(struct td_rooms *r, FILE *f)
{
	unsigned int node = TD_NODES, now;
	unsigned long long pages;
	char line[128];

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %u, zone", &now) == 1)
			node = now;
		/* "high:" is another thing, a CPU's. */
		else if (node < TD_NODES &&
			 sscanf(line, " high %llu", &pages) == 1)
			r->mark[node] += pages;
	}
}

void td_room_buddyinfo(struct td_rooms *r, FILE *f)
{
	unsigned long long blocks;
	char line[256], *at;
	unsigned int node, order;
	int used;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %u, zone %*s%n", &node, &used) != 1 ||
		    node >= TD_NODES)
			continue;
		at = line + used;
		for (order = 0; sscanf(at, " %llu%n", &blocks, &used) == 1;
		     order++, at += used)
			if (1U << order >= r->huge)
				r->node[node].huge +=
					blocks * ((1U << order) / r->huge);
	}
}

void td_room_swap(struct td_rooms *r, FILE *f)
{
	unsigned long long kib;
	char line[128];

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "SwapFree: %llu kB", &kib) == 1)
			r->swap = (kib << 10) / r->page_size;
}

static int read_one(struct td_rooms *r, const char *path,
		    void (*fn)(struct td_rooms *r, FILE *f))
{
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	fn(r, f);
	fclose(f);
	return 0;
}

int td_room_read(struct td_rooms *r, __u64 nodes, bool marks)
{
	char path[64];
	int i, err = 0;

	memset(r->node, 0, sizeof(r->node));
	r->swap = 0;
	if (marks) {
		memset(r->mark, 0, sizeof(r->mark));
		err = read_one(r, "/proc/zoneinfo", td_room_zoneinfo);
	}
	if (!err)
		err = read_one(r, "/proc/buddyinfo", td_room_buddyinfo);
	if (!err)
		err = read_one(r, "/proc/meminfo", td_room_swap);
	for (i = 0; i < TD_NODES && !err; i++) {
		if (!(nodes >> i & 1))
			continue;
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/node%d/meminfo", i);
		err = read_one(r, path, td_room_meminfo);
	}
	return err;
}
