// SPDX-License-Identifier: GPL-2.0
/*
 * Disks that are in another machine: NVMe over a network, and network block devices.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine/remote.h"
#include "machine/sysfs.h"

#define BLOCK		4096
/* An odd number; few, since each may take as long as a slow network does. */
#define READS		9

bool remote_is_nbd(const char *name)
{
	return !strncmp(name, "nbd", 3);
}

static void look_at_nbd(struct remote *r, const char *name)
{
	char pid[16];

	strcpy(r->transport, "nbd");
	r->is = true;
	r->down = sysfs_line(pid, sizeof(pid), "/sys/block/%s/pid", name) != 0;
}

struct controllers {
	struct remote *r;
	const char *dir;
	bool live;
};

/* A controller is in the folder of its subsystem, or is that folder itself (@name "."). */
static int look_at_controller(const char *name, void *arg)
{
	struct controllers *all = arg;
	struct remote *r = all->r;
	char transport[sizeof(r->transport)];

	if (strcmp(name, ".") && strncmp(name, "nvme", 4))
		return 0;
	if (sysfs_line(transport, sizeof(transport), "%s/%s/transport", all->dir,
		       name))
		return 0;
	/* Of several ways to it one in another machine is what matters. */
	if (r->is)
		return 0;
	strcpy(r->transport, transport);
	r->is = strcmp(transport, "pcie") && strcmp(transport, "loop");
	if (r->is)
		sysfs_line(r->address, sizeof(r->address), "%s/%s/address",
			   all->dir, name);
	return 0;
}

static int look_at_state(const char *name, void *arg)
{
	struct controllers *all = arg;
	char state[16];

	if (strcmp(name, ".") && strncmp(name, "nvme", 4))
		return 0;
	if (!sysfs_line(state, sizeof(state), "%s/%s/state", all->dir, name))
		all->live |= !strcmp(state, "live");
	return 0;
}

void remote_look(struct remote *r, const char *name)
{
	char dir[NAME_MAX + 32];
	struct controllers all = { .r = r, .dir = dir };

	memset(r, 0, sizeof(*r));
	if (remote_is_nbd(name)) {
		look_at_nbd(r, name);
		return;
	}
	snprintf(dir, sizeof(dir), "/sys/block/%s/device", name);
	look_at_controller(".", &all);
	if (!*r->transport)
		sysfs_each(dir, look_at_controller, &all);
	if (!r->is)
		return;
	look_at_state(".", &all);
	sysfs_each(dir, look_at_state, &all);
	r->down = !all.live;
}

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

__u64 remote_read_ns(const char *path, __u64 bytes)
{
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC), i;
	__u64 blocks = bytes / BLOCK, took[READS], begin, median = 0;
	void *buf = NULL;

	if (fd < 0)
		return 0;
	if (!blocks || posix_memalign(&buf, BLOCK, BLOCK))
		goto out;
	for (i = 0; i < READS; i++) {
		begin = now_ns();
		if (pread(fd, buf, BLOCK, blocks * i / READS * BLOCK) != BLOCK)
			goto out;
		took[i] = now_ns() - begin;
	}
	qsort(took, READS, sizeof(*took), by_value);
	median = took[READS / 2];
out:
	free(buf);
	close(fd);
	return median;
}
