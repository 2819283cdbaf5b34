// SPDX-License-Identifier: GPL-2.0
/*
 * Disks that are in another machine: NVMe over a network, network block devices, and SCSI
 * over iSCSI or Fibre Channel.
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

static void look_at_nbd(struct remote *r, const char *sys, const char *name)
{
	char pid[16];

	strcpy(r->transport, "nbd");
	r->is = true;
	r->down = sysfs_line(pid, sizeof(pid), "%s/block/%s/pid", sys, name) != 0;
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

/* -- SCSI ------------------------------------------------------------------ */

/*
 * The folder in the path of a disk whose name begins with @kind, as session3 or rport-5:0-0:
 * the way to its other side, which is above it. *@end: the path's part up to it.
 */
static bool find_way(const char *real, const char *kind, char *way, size_t len, size_t *end)
{
	const char *at = real;
	size_t n;

	while ((at = strchr(at, '/'))) {
		at++;
		n = strcspn(at, "/");
		/* "session" alone would also be the name of something else. */
		if (strncmp(at, kind, strlen(kind)) || n >= len ||
		    strcspn(at, "0123456789") != strlen(kind))
			continue;
		snprintf(way, len, "%.*s", (int)n, at);
		*end = at + n - real;
		return true;
	}
	return false;
}

/**
 * struct connection - one of an iSCSI session
 * @name: of it; empty: none was found
 */
struct connection {
	char name[NAME_MAX + 1];
};

static int find_connection(const char *name, void *arg)
{
	struct connection *c = arg;

	if (strncmp(name, "connection", strlen("connection")))
		return 0;
	snprintf(c->name, sizeof(c->name), "%s", name);
	return 1;
}

static void look_at_session(struct remote *r, const char *sys, const char *session,
			    const char *dir)
{
	struct connection c = { "" };
	char line[72], address[40], port[8];

	strcpy(r->transport, "iscsi");
	r->is = true;
	/* LOGGED_IN, FAILED until replacement_timeout is over, then FREE. */
	sysfs_line(line, sizeof(line), "%s/class/iscsi_session/%s/state", sys, session);
	r->down = strcmp(line, "LOGGED_IN") != 0;
	sysfs_line(line, sizeof(line), "%s/class/iscsi_session/%s/targetname", sys, session);
	sysfs_each(dir, find_connection, &c);
	if (!*c.name ||
	    sysfs_line(address, sizeof(address), "%s/class/iscsi_connection/%s/address", sys,
		       c.name) ||
	    sysfs_line(port, sizeof(port), "%s/class/iscsi_connection/%s/port", sys, c.name))
		snprintf(r->address, sizeof(r->address), "%s", line);
	else
		snprintf(r->address, sizeof(r->address), "%s,%s %s", address, port, line);
}

static void look_at_port(struct remote *r, const char *sys, const char *port)
{
	char state[16];

	strcpy(r->transport, "fc");
	r->is = true;
	sysfs_line(state, sizeof(state), "%s/class/fc_remote_ports/%s/port_state", sys, port);
	r->down = strcmp(state, "Online") != 0;
	sysfs_line(r->address, sizeof(r->address), "%s/class/fc_remote_ports/%s/port_name", sys,
		   port);
}

/* Both are told by where the disk hangs: below a session, or below a remote port. */
static void look_at_scsi(struct remote *r, const char *sys, const char *device)
{
	char real[PATH_MAX], way[NAME_MAX + 1];
	size_t end;

	if (!realpath(device, real))
		return;
	if (find_way(real, "session", way, sizeof(way), &end)) {
		real[end] = '\0';
		look_at_session(r, sys, way, real);
	} else if (find_way(real, "rport-", way, sizeof(way), &end)) {
		look_at_port(r, sys, way);
	}
}

/* -- all ------------------------------------------------------------------- */

void remote_look(struct remote *r, const char *sys, const char *name)
{
	char dir[PATH_MAX];
	struct controllers all = { .r = r, .dir = dir };

	memset(r, 0, sizeof(*r));
	if (remote_is_nbd(name)) {
		look_at_nbd(r, sys, name);
		return;
	}
	snprintf(dir, sizeof(dir), "%s/block/%s/device", sys, name);
	if (strncmp(name, "nvme", 4)) {
		look_at_scsi(r, sys, dir);
		return;
	}
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
