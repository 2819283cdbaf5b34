// SPDX-License-Identifier: GPL-2.0
/*
 * How much room the cgroups of programs have.
 *
 * A program is held by its cgroup and by each one above, so the one with the least room
 * counts. As for a node, what is free and pages of files that the kernel would drop
 * first are room. A limit's line is its headroom above it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"

#define CGROUPS		"/sys/fs/cgroup"

static const struct td_group unlimited = {
	.room = { .free = TD_NO_LIMIT },
	.swap = TD_NO_LIMIT,
};

/* -- what files say -------------------------------------------------------- */

__u64 td_group_droppable(FILE *stat)
{
	unsigned long long bytes, file = 0, unwritten = 0;
	char line[128], what[64];

	while (fgets(line, sizeof(line), stat)) {
		if (sscanf(line, "%63s %llu", what, &bytes) != 2)
			continue;
		if (!strcmp(what, "inactive_file"))
			file = bytes;
		else if (!strcmp(what, "file_dirty") ||
			 !strcmp(what, "file_writeback"))
			unwritten += bytes;
	}
	return file > unwritten ? file - unwritten : 0;
}

static FILE *open_of(const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return NULL;
	return fopen(path, "re");
}

/* A file with one number, or "max", which is @none as well as a file that is not there. */
static __u64 amount_of(const char *dir, const char *name, __u64 none)
{
	FILE *f = open_of(dir, name);
	unsigned long long bytes;

	if (!f)
		return none;
	if (fscanf(f, "%llu", &bytes) != 1)
		bytes = none;
	fclose(f);
	return bytes;
}

static void read_level(struct td_charge *l, const char *dir)
{
	__u64 max = amount_of(dir, "memory.max", TD_NO_LIMIT);
	FILE *stat;

	*l = (struct td_charge){ .limit = amount_of(dir, "memory.high", max) };
	if (max < l->limit)
		l->limit = max;
	l->swap_limit = amount_of(dir, "memory.swap.max", TD_NO_LIMIT);
	l->swap_current = amount_of(dir, "memory.swap.current", 0);
	if (l->limit == TD_NO_LIMIT)
		return;
	l->current = amount_of(dir, "memory.current", 0);
	stat = open_of(dir, "memory.stat");
	if (!stat)
		return;
	l->droppable = td_group_droppable(stat);
	fclose(stat);
}

/* -- what that means ------------------------------------------------------- */

static __u64 less(__u64 from, __u64 pages)
{
	return from > pages ? from - pages : 0;
}

void td_group_narrow(struct td_group *g, const struct td_charge *l,
		     __u32 permille, __u32 page_size)
{
	__u64 limit = l->limit / page_size, headroom, swap;
	__u64 used = less(l->current, l->droppable) / page_size;

	if (l->limit != TD_NO_LIMIT) {
		headroom = limit / 1000 * permille + limit % 1000 * permille / 1000;
		/* Of two limits that with the least room above its line. */
		if (!g->limited || (__s64)(less(limit, used) - headroom) <
		    (__s64)(g->room.free - g->room.line))
			g->room = (struct td_node){
				.free = less(limit, used),
				.line = headroom,
				.headroom = headroom,
			};
		g->limited = true;
	}
	if (l->swap_limit == TD_NO_LIMIT)
		return;
	swap = less(l->swap_limit, l->swap_current) / page_size;
	if (swap < g->swap)
		g->swap = swap;
}

/* The cgroup and all above it; the root has no limits. */
static void read_group(struct td_group *g, const char *path, __u32 permille,
		       __u32 page_size)
{
	char dir[PATH_MAX];
	struct td_charge l;
	char *end;

	*g = unlimited;
	if (snprintf(dir, sizeof(dir), CGROUPS "%s", path) >= (int)sizeof(dir))
		return;
	while (strlen(dir) > strlen(CGROUPS)) {
		read_level(&l, dir);
		td_group_narrow(g, &l, permille, page_size);
		end = strrchr(dir, '/');
		*end = '\0';
	}
}

/* -- whose it is ----------------------------------------------------------- */

/* Into @path, which has room for PATH_MAX. False: it has none that we can see. */
static bool path_of(int pid, char *path)
{
	char name[32], line[PATH_MAX + 8];
	bool found = false;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	f = fopen(name, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		/* That of the second version; above our own namespace is "/..". */
		if (strncmp(line, "0::/", 4) || !strncmp(line, "0::/..", 6) ||
		    strlen(line + 3) >= PATH_MAX)
			continue;
		strcpy(path, line + 3);
		found = true;
	}
	fclose(f);
	return found;
}

/* Its index, or -ENOMEM. */
static int add(struct td_groups *g, const char *path)
{
	struct td_group *group;
	char **paths;

	group = realloc(g->group, (g->nr + 1) * sizeof(*group));
	if (!group)
		return -ENOMEM;
	g->group = group;
	paths = realloc(g->path, (g->nr + 1) * sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	g->path = paths;
	paths[g->nr] = NULL;
	if (path) {
		paths[g->nr] = strdup(path);
		if (!paths[g->nr])
			return -ENOMEM;
	}
	group[g->nr] = unlimited;
	return g->nr++;
}

static int index_of(struct td_groups *g, const char *path)
{
	size_t i;

	for (i = 1; i < g->nr; i++)
		if (!strcmp(g->path[i], path))
			return i;
	return add(g, path);
}

int td_groups_read(struct td_groups *g, struct td_programs *programs,
		   __u32 permille)
{
	char path[PATH_MAX];
	size_t i, known;
	int at;

	td_groups_free(g);
	if (add(g, NULL) < 0)
		return -ENOMEM;
	for (i = 0; i < programs->nr; i++) {
		struct td_program *p = &programs->program[i];

		p->group = 0;
		if (!p->pid || !path_of(p->pid, path))
			continue;
		known = g->nr;
		at = index_of(g, path);
		if (at < 0)
			return at;
		if ((size_t)at >= known)
			read_group(&g->group[at], path, permille,
				   programs->page_size);
		p->group = at;
	}
	return 0;
}

void td_groups_free(struct td_groups *g)
{
	size_t i;

	for (i = 0; i < g->nr; i++)
		free(g->path[i]);
	free(g->path);
	free(g->group);
	*g = (struct td_groups){ 0 };
}
