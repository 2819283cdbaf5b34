/* SPDX-License-Identifier: GPL-2.0 */
/* Regions of another process. */
#ifndef _TW_PROCMAP_H
#define _TW_PROCMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/maps.h"
#include "tw.h"

/**
 * struct proc_map - a mapping of a region
 * @at: where, and of which region
 * @known: @info is there
 * @info: the region
 */
struct proc_map {
	struct map_line at;
	bool known;
	struct tw_region_info info;
};

/**
 * struct proc_maps - a process's mappings of regions
 * @pid: the process
 * @attached: the id of its attachment, whose pages the addresses outside of regions are;
 *	0: these are no pages
 * @map: the mappings, by address
 * @nr: how many
 */
struct proc_maps {
	unsigned int pid;
	__u64 attached;
	struct proc_map *map;
	size_t nr;
};

/* These return 0, or say what is wrong and return the exit code. */
int proc_maps_read(struct proc_maps *maps, struct tw *tw, unsigned int pid);
/* Asks for the regions that the process has a descriptor of. */
int proc_maps_learn(struct proc_maps *maps, struct tw *tw);
void proc_maps_free(struct proc_maps *maps);

#endif /* _TW_PROCMAP_H */
