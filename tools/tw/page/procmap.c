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

#include "base/cli.h"
#include "machine/maps.h"
#include "page/procmap.h"

static int no_process(int err, unsigned int pid)
{
	if (err == -ENOENT || err == -ESRCH || err == -EINVAL)
		return cli_error("there is no process %u", pid);
	if (err == -EACCES || err == -EPERM)
		return cli_no_permission("no permission to look into process %u: be its user, or root",
					 pid);
	return cli_errno(err, "process %u", pid);
}

/**
 * struct maps_add - which lines are added to what
 * @maps: the mappings of a process
 * @region_dev: the regions' device
 */
struct maps_add {
	struct proc_maps *maps;
	__u32 region_dev;
};

/* One line of maps: 0 or -ENOMEM. */
static int add_map(const char *line, void *arg)
{
	const struct maps_add *add = arg;
	struct proc_maps *maps = add->maps;
	struct map_line at;
	struct proc_map *m;

	if (!map_line_parse(line, add->region_dev, &at))
		return 0;
	m = realloc(maps->map, (maps->nr + 1) * sizeof(*m));
	if (!m)
		return -ENOMEM;
	maps->map = m;
	m[maps->nr++] = (struct proc_map){ .at = at };
	return 0;
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
	struct maps_add add = { .maps = maps };
	struct tw_info info;
	int err;

	*maps = (struct proc_maps){ .pid = pid };
	err = tw_info(tw, &info);
	if (err)
		return cli_errno(err, "asking the driver");
	add.region_dev = info.region_dev;
	err = maps_each(pid, add_map, &add);
	if (err >= 0)
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
