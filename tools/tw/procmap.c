// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of another process: where they are mapped and which they are. The
 * kernel's own rules say who may: it takes what attaching a debugger takes.
 *
 * A mapping's inode is its region's number. What else there is to know of the
 * region takes a descriptor of it, got with pidfd_getfd(2).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pages.h"

static int no_process(int err, unsigned int pid)
{
	if (err == -ENOENT || err == -ESRCH || err == -EINVAL)
		return cli_error("there is no process %u", pid);
	if (err == -EACCES || err == -EPERM)
		return cli_no_permission("no permission to look into process %u: be its user, or root",
					 pid);
	return cli_errno(err, "process %u", pid);
}

/* One line of maps: 0 or -ENOMEM. */
static int add_map(struct proc_maps *maps, __u32 region_dev, const char *line)
{
	struct map_line at;
	struct proc_map *m;

	if (!map_line_parse(line, region_dev, &at))
		return 0;
	m = realloc(maps->map, (maps->nr + 1) * sizeof(*m));
	if (!m)
		return -ENOMEM;
	maps->map = m;
	m[maps->nr++] = (struct proc_map){ .at = at };
	return 0;
}

static int read_maps(struct proc_maps *maps, __u32 region_dev)
{
	char path[64], *line = NULL;
	size_t size = 0;
	int err = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", maps->pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	errno = 0;
	while (!err && getline(&line, &size, f) > 0)
		err = add_map(maps, region_dev, line);
	/* A process that goes or may not be looked at ends here, too. */
	if (!err && ferror(f))
		err = -errno;
	free(line);
	fclose(f);
	return err;
}

static bool wanted(const struct proc_maps *maps, const struct stat *st)
{
	size_t i;

	for (i = 0; i < maps->nr; i++)
		if (maps->map[i].at.dev == st->st_dev &&
		    maps->map[i].at.inode == st->st_ino && !maps->map[i].known)
			return true;
	return false;
}

/* Has all mappings of this file know their region. */
static int learn(struct proc_maps *maps, struct tw *tw, int fd,
		 const struct stat *st)
{
	struct tw_region_info info;
	struct tw_region *region;
	size_t i;
	int err;

	err = tw_region_open_fd(tw, fd, &region);
	if (err) {
		close(fd);
		return err == -ENOTTY ? 0 : err;
	}
	err = tw_region_info(region, &info);
	tw_region_close(region);
	for (i = 0; !err && i < maps->nr; i++) {
		if (maps->map[i].at.dev != st->st_dev ||
		    maps->map[i].at.inode != st->st_ino)
			continue;
		maps->map[i].known = true;
		maps->map[i].info = info;
	}
	return err;
}

static int look_at_fd(struct proc_maps *maps, struct tw *tw, int dir,
		      int pidfd, const char *name)
{
	struct stat st;
	int fd;

	if (*name == '.' || fstatat(dir, name, &st, 0) || !wanted(maps, &st))
		return 0;
	fd = pidfd_getfd(pidfd, atoi(name), 0);
	if (fd < 0)
		return errno == EBADF ? 0 : -errno;
	return learn(maps, tw, fd, &st);
}

static int read_fds(struct proc_maps *maps, struct tw *tw, int pidfd)
{
	struct dirent *e;
	char path[64];
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/fd", maps->pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!err && (e = readdir(dir)))
		err = look_at_fd(maps, tw, dirfd(dir), pidfd, e->d_name);
	closedir(dir);
	return err;
}

int proc_maps_read(struct proc_maps *maps, struct tw *tw, unsigned int pid)
{
	struct tw_info info;
	int err;

	*maps = (struct proc_maps){ .pid = pid };
	err = tw_info(tw, &info);
	if (err)
		return cli_errno(err, "asking the driver");
	err = read_maps(maps, info.region_dev);
	if (!err)
		return 0;
	proc_maps_free(maps);
	return no_process(err, pid);
}

int proc_maps_learn(struct proc_maps *maps, struct tw *tw)
{
	int pidfd, err;

	if (!maps->nr)
		return 0;
	pidfd = pidfd_open(maps->pid, 0);
	if (pidfd < 0)
		return no_process(-errno, maps->pid);
	err = read_fds(maps, tw, pidfd);
	close(pidfd);
	return err ? no_process(err, maps->pid) : 0;
}

void proc_maps_free(struct proc_maps *maps)
{
	free(maps->map);
	maps->map = NULL;
	maps->nr = 0;
}

static int add_part(struct spans *spans, const struct proc_map *m, __u64 from,
		    __u64 to, __u32 page_size)
{
	__u64 index = (m->at.offset + (from - m->at.start)) / page_size;
	struct span s = {
		.page = TW_PAGE(m->at.inode, index),
		.nr = (to - from) / page_size,
		.addr = from,
		.has_addr = true,
	};

	return spans_add(spans, &s);
}

int proc_maps_spans(const struct proc_maps *maps, __u64 from, __u64 to,
		    __u32 page_size, struct spans *spans)
{
	size_t i;
	int c;

	/* maps is in the order of addresses. */
	for (i = 0; from < to && i < maps->nr; i++) {
		const struct proc_map *m = &maps->map[i];
		__u64 end = to < m->at.end ? to : m->at.end;

		if (m->at.end <= from)
			continue;
		if (m->at.start > from)
			break;
		c = add_part(spans, m, from, end, page_size);
		if (c)
			return c;
		from = end;
	}
	/* The very last page would end at 0. */
	if (from < to || !to)
		return cli_error("0x%llx of process %u is not in a region. See: tw page --pid %u",
				 (unsigned long long)from, maps->pid, maps->pid);
	return 0;
}
