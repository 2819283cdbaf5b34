// SPDX-License-Identifier: GPL-2.0
/*
 * The cgroup of a run: where it can be made, that it goes again, and that those go
 * which a run has left behind that was killed.
 *
 * A cgroup has either processes or cgroups below it that have controllers, but for the
 * root. So it is made below the cgroup that tw is in if that is the root, or if tw is
 * alone there and can go aside into one below it, as it is in a scope of its own. Else
 * it is made below the nearest cgroup above that gives its cgroups these controllers
 * anyway, if tw may, and if no limit of those in between is left behind by that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/agent_cgroup.h"
#include "base/cli.h"
#include "base/stop.h"
#include "machine/sysfs.h"
#include "program/procs.h"
#include "program/run_group.h"

/* What begins like this is a run's. */
#define NAME		"tw-run-"
/* Names that are tried: of some the processes have outlived their run. */
#define MOST_NAMES	100
/* How long a cgroup may take to become empty once its command has ended. */
#define PATIENCE_NS	(NS_PER_SEC / 2)
#define STEP_US		10000

static const struct {
	unsigned int bit;
	const char *name;
} controllers[] = {
	{ RUN_MEMORY, "memory" },
	{ RUN_CPUSET, "cpuset" },
};

/* -- files of a cgroup ------------------------------------------------------- */

static int write_at(int dir, const char *file, const char *value)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int write_file(const char *folder, const char *file, const char *value)
{
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), err;

	if (dir < 0)
		return -errno;
	err = write_at(dir, file, value);
	close(dir);
	return err;
}

static int join(char out[PATH_MAX], const char *folder, const char *name)
{
	return snprintf(out, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX ?
	       -ENAMETOOLONG : 0;
}

/* Those of @wanted that a list of names has. */
static unsigned int listed(const char *folder, const char *file,
			   unsigned int wanted)
{
	char line[512], *word, *rest = line;
	unsigned int found = 0;
	size_t i;

	sysfs_line(line, sizeof(line), "%s/%s", folder, file);
	while ((word = strsep(&rest, " ")))
		for (i = 0; i < ARRAY_SIZE(controllers); i++)
			if (!strcmp(word, controllers[i].name))
				found |= controllers[i].bit;
	return found & wanted;
}

/* Turns controllers of cgroups below @folder on (+) or off (-). 0 or -errno. */
static int turn(const char *folder, char sign, unsigned int which)
{
	char words[64];
	size_t len = 0, i;

	for (i = 0; i < ARRAY_SIZE(controllers); i++)
		if (which & controllers[i].bit)
			len += snprintf(words + len, sizeof(words) - len,
					"%c%s ", sign, controllers[i].name);
	return len ? write_file(folder, "cgroup.subtree_control", words) : 0;
}

/* -- where it can be made ---------------------------------------------------- */

/* The folder of the cgroup that this process is in; 0 or -errno. */
static int find_own(char own[PATH_MAX])
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		/* Other lines are of version 1; /.. is out of sight from here. */
		if (strncmp(line, "0::/", 4) || !strncmp(line, "0::/..", 6))
			continue;
		line[strcspn(line, "\n")] = '\0';
		err = snprintf(own, PATH_MAX, CGROUPS "%s",
			       line[4] ? line + 3 : "") >= PATH_MAX ?
		      -ENAMETOOLONG : 0;
	}
	fclose(f);
	return err;
}

static bool is_alone(const char *folder)
{
	struct procs p = { 0 };
	/* It does not count the calling process. */
	bool alone = !procs_of_cgroup(&p, folder + strlen(CGROUPS)) && !p.nr;

	procs_free(&p);
	return alone;
}

/* Makes room for controllers below ->own by going aside. 0 or -errno. */
static int go_aside(struct run_group *g, unsigned int which)
{
	char name[64];
	int err;

	snprintf(name, sizeof(name), NAME "%d-itself", getpid());
	err = join(g->aside, g->own, name);
	if (!err && mkdir(g->aside, 0755))
		err = -errno;
	if (err) {
		g->aside[0] = '\0';
		return err;
	}
	err = write_file(g->aside, "cgroup.procs", "0");
	if (!err)
		err = turn(g->own, '+', which);
	if (!err)
		g->controllers = which;
	return err;
}

static void come_back(struct run_group *g)
{
	if (!*g->aside)
		return;
	/* As long as cgroups there have controllers none may come in. */
	turn(g->own, '-', g->controllers);
	if (!write_file(g->own, "cgroup.procs", "0"))
		rmdir(g->aside);
	g->aside[0] = '\0';
}

/* Whether a cgroup can be made below the one that this process is in; 0 or -errno. */
static int below_own(struct run_group *g, unsigned int wanted)
{
	unsigned int on = listed(g->own, "cgroup.subtree_control", wanted);
	int err;

	if (access(g->own, W_OK))
		return -errno;
	if (listed(g->own, "cgroup.controllers", wanted) != wanted)
		return -ENODEV;
	err = turn(g->own, '+', wanted & ~on);
	if (err == -EBUSY && is_alone(g->own)) {
		err = go_aside(g, wanted & ~on);
		if (err)
			come_back(g);
	}
	return err;
}

/* Does it set limits to what is in it? */
static bool has_limits(const char *folder)
{
	static const char * const files[] = {
		"memory.max", "memory.high", "memory.swap.max", "cpuset.mems",
	};
	char line[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		sysfs_line(line, sizeof(line), "%s/%s", folder, files[i]);
		if (*line && strcmp(line, "max"))
			return true;
	}
	return false;
}

/* Finds one above ->own, into @parent. 0 or -errno. */
static int above_own(const struct run_group *g, unsigned int wanted,
		     char parent[PATH_MAX])
{
	char *slash;

	strcpy(parent, g->own);
	for (;;) {
		if (has_limits(parent) || !strcmp(parent, CGROUPS))
			return -EBUSY;
		slash = strrchr(parent, '/');
		*slash = '\0';
		if (access(parent, W_OK))
			return -errno;
		if (listed(parent, "cgroup.subtree_control", wanted) == wanted)
			return 0;
		/* The root may have both, processes and cgroups with controllers. */
		if (!strcmp(parent, CGROUPS))
			return turn(parent, '+', wanted);
	}
}

static int nowhere(const struct run_group *g, int err)
{
	bool right = err == -EACCES || err == -EPERM || err == -EROFS;

	cli_error("limits and tiers take a cgroup, and none can be made below %s: %s. Have one made: systemd-run%s --scope -p Delegate=yes tw run ...",
		  g->own, err == -EBUSY ?
		  "other processes are in it, or limits would be left behind" :
		  err == -ENODEV ? "it has not the controllers for that" :
		  strerror(-err), geteuid() ? " --user" : "");
	return right ? EXIT_NO_PERMISSION : EXIT_FAILURE;
}

/* 0, or the exit code and it has said what to do. */
static int find_parent(struct run_group *g, unsigned int wanted,
		       char parent[PATH_MAX])
{
	struct statfs fs;
	int err;

	if (statfs(CGROUPS, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		return cli_error("limits and tiers take a cgroup of version 2, and " CGROUPS " is none. Mount it there, or boot with systemd.unified_cgroup_hierarchy=1");
	err = find_own(g->own);
	if (err)
		return cli_errno(err, "the cgroup of this process");
	err = below_own(g, wanted);
	if (!err)
		strcpy(parent, g->own);
	else if (!above_own(g, wanted, parent))
		err = 0;
	return err ? nowhere(g, err) : 0;
}

/* -- its life ---------------------------------------------------------------- */

/* Opens the folder and locks it, unless somebody else has. The descriptor or -errno. */
static int lock(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* One that nothing is in goes; the kernel keeps the others. */
static int remove_stale(const char *name, void *arg)
{
	const char *parent = arg;
	char folder[PATH_MAX];
	int fd;

	if (strncmp(name, NAME, strlen(NAME)) || join(folder, parent, name))
		return 0;
	fd = lock(folder);
	if (fd >= 0) {
		rmdir(folder);
		close(fd);
	}
	return 0;
}

/* Makes the folder and locks it; 0 or -errno. */
static int make_below(struct run_group *g, const char *parent)
{
	char name[64];
	int i, err;

	for (i = 0; i < MOST_NAMES; i++) {
		snprintf(name, sizeof(name), NAME "%d-%d", getpid(), i);
		err = join(g->path, parent, name);
		if (err)
			break;
		if (mkdir(g->path, 0755)) {
			err = -errno;
			if (err == -EEXIST)
				continue;
			break;
		}
		g->fd = lock(g->path);
		if (g->fd >= 0 &&
		    !faccessat(g->fd, "cgroup.procs", F_OK, 0))
			return 0;
		/* Another run may have taken it for one that was left behind. */
		err = g->fd < 0 ? g->fd : -ENOENT;
		if (g->fd >= 0)
			close(g->fd);
		if (err != -ENOENT && err != -EWOULDBLOCK)
			break;
	}
	g->path[0] = '\0';
	return err;
}

int run_group_make(struct run_group *g, unsigned int wanted)
{
	char parent[PATH_MAX];
	int code, err;

	code = find_parent(g, wanted, parent);
	if (code)
		return code;
	sysfs_each(parent, remove_stale, parent);
	err = make_below(g, parent);
	if (!err)
		return 0;
	come_back(g);
	return nowhere(g, err);
}

int run_group_set(const struct run_group *g, const char *file,
		  const char *value)
{
	return write_at(g->fd, file, value);
}

int run_group_enter(const struct run_group *g)
{
	return *g->path ? write_at(g->fd, "cgroup.procs", "0") : 0;
}

void run_group_remove(struct run_group *g)
{
	__u64 until = now_ns() + PATIENCE_NS;
	bool gone;

	if (!*g->path)
		return;
	/* Processes of a command that was killed take a moment. */
	while (!(gone = !rmdir(g->path)) && errno == EBUSY && now_ns() < until)
		usleep(STEP_US);
	close(g->fd);
	if (gone)
		come_back(g);
	else
		cli_error("processes that it has started still run: their cgroup %s stays, and goes with a later tw run",
			  g->path);
	g->path[0] = '\0';
}
