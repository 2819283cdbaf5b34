// SPDX-License-Identifier: GPL-2.0
/*
 * The reader of /proc/PID/maps, and which regions processes have mapped: it says
 * the regions' device and, as the inode, the region's number.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "machine/maps.h"
#include "machine/process.h"
#include "tw.h"

bool map_line_parse(const char *line, __u32 region_dev, struct map_line *m)
{
	unsigned long long start, end, offset, inode;
	unsigned int maj, min;

	if (sscanf(line, "%llx-%llx %*4s %llx %x:%x %llu", &start, &end,
		   &offset, &maj, &min, &inode) != 6)
		return false;
	*m = (struct map_line){ start, end, offset, makedev(maj, min), inode };
	return region_dev && m->dev == region_dev;
}

static int add_map(struct map_list *l, const struct map_region *map)
{
	struct map_region *more = realloc(l->map, (l->nr + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	l->map = more;
	more[l->nr++] = *map;
	return 0;
}

int maps_line(struct map_list *l, __u32 pid, const char *name, const char *line,
	      __u64 page_size)
{
	struct map_region m = { .pid = pid };
	struct map_line map;

	if (!map_line_parse(line, l->dev, &map))
		return 0;
	m.id = map.inode;
	m.addr = map.start - map.offset;
	m.pages = (map.offset + map.end - map.start) / page_size;
	snprintf(m.name, sizeof(m.name), "%s", name);
	return add_map(l, &m);
}

static int add_attached(struct map_list *l, const struct tw_attached *attached)
{
	struct map_region m = { .id = attached->id, .pid = attached->pid };
	int t;

	for (t = 0; t < TW_NR_TIERS; t++)
		m.pages += attached->pages[t];
	process_name(m.pid, m.name);
	return add_map(l, &m);
}

int maps_attached(struct map_list *l, struct tw *tw, __u32 pid)
{
	struct tw_attached attached = { .id = 0 };
	int err;

	while (!(err = tw_attached(tw, attached.id, TW_ATTACHED_NEXT, &attached))) {
		if (pid && (__u32)attached.pid != pid)
			continue;
		err = add_attached(l, &attached);
		if (err)
			return err;
	}
	/* An older driver has none. */
	return err == -ENOENT || err == -ENOTTY ? 0 : err;
}

int maps_each(__u32 pid, int (*fn)(const char *line, void *arg), void *arg)
{
	char path[64], *line = NULL;
	size_t room = 0;
	int err = 0, nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	/* Permission is asked for when it is read, and the process may end then. */
	errno = 0;
	while (!err && getline(&line, &room, f) > 0) {
		err = fn(line, arg);
		nr++;
	}
	if (!err && ferror(f))
		err = errno ? -errno : -EIO;
	free(line);
	fclose(f);
	return err ? err : nr;
}

/**
 * struct maps_add - whose lines are added to what
 * @list: the list
 * @pid: the process
 * @page_size: bytes
 * @name: what the process is called
 */
struct maps_add {
	struct map_list *list;
	__u32 pid;
	__u64 page_size;
	char name[PROCESS_NAME_LEN];
};

static int add_line(const char *line, void *arg)
{
	const struct maps_add *add = arg;

	return maps_line(add->list, add->pid, add->name, line, add->page_size);
}

int maps_of(struct map_list *l, __u32 pid, __u64 page_size)
{
	struct maps_add add = { .list = l, .pid = pid, .page_size = page_size };
	int nr;

	process_name(pid, add.name);
	nr = maps_each(pid, add_line, &add);
	/* A process that has ended and is still to be waited for has no lines. */
	if (!nr)
		return -ENOENT;
	return nr < 0 ? nr : 0;
}

int maps_of_all(struct map_list *l, __u64 page_size)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int err = 0;

	if (!dir)
		return -errno;
	while (err != -ENOMEM && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			err = maps_of(l, strtoul(entry->d_name, NULL, 10),
				      page_size);
	}
	closedir(dir);
	return err == -ENOMEM ? err : 0;
}

const struct map_region *maps_find(const struct map_list *l, __u64 id)
{
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (l->map[i].id == id)
			return &l->map[i];
	return NULL;
}

void maps_free(struct map_list *l)
{
	free(l->map);
	l->map = NULL;
	l->nr = 0;
}
