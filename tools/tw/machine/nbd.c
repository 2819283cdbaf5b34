// SPDX-License-Identifier: GPL-2.0
/*
 * Block devices that a server of this machine backs: the kernel's nbd. The program
 * nbd-client speaks with server and kernel; it does not stay, since the kernel takes the
 * connections over by netlink.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/text.h"
#include "machine/command.h"
#include "machine/nbd.h"
#include "machine/sysfs.h"

#define DEVICES_MAX	64
#define PATH_LEN	96
/*
 * Seconds that a request may take before the kernel gives the server up; more than the
 * reset of a card takes. Without such a limit, what is under way when a server dies
 * would wait for ever.
 */
#define TIMEOUT		"90"
#define GREETING	"NBDMAGIC"
#define GREETING_WAIT	1	/* second */

static bool is_there(const char *name, const char *file)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "/sys/block/%s%s", name, file);
	return !access(path, F_OK);
}

/* The kernel shows a pid while one is connected, and keeps its size until it is let go. */
static bool is_free(const char *name)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "/sys/block/%s", name);
	return is_there(name, "") && !is_there(name, "/pid") &&
	       !sysfs_u64(0, path, "size");
}

int nbd_find_free(char name[NBD_NAME_LEN], const char *log)
{
	static const char * const modprobe[] = { "modprobe", "nbd", NULL };
	/* Looks at each new device, and has it open meanwhile. */
	static const char * const settle[] = { "udevadm", "settle", "--timeout=5", NULL };
	unsigned int i;

	if (!is_there("nbd0", "") && !command_run(log, modprobe))
		command_run(log, settle);
	for (i = 0; i < DEVICES_MAX; i++) {
		snprintf(name, NBD_NAME_LEN, "nbd%u", i);
		if (is_free(name))
			return 0;
	}
	if (!is_there("nbd0", ""))
		return cli_error("the kernel has no network block devices, by which a card's memory is served. Load them with: modprobe nbd");
	return cli_error("no network block device is free. See: lsblk; to have more: modprobe -r nbd; modprobe nbd nbds_max=%u",
			 DEVICES_MAX);
}

static int failed(int code, const char *what, const char *log)
{
	char said[TEXT_LEN * 4];

	if (code == -ENOENT)
		return cli_error("nbd-client is missing, which connects a server to the kernel. Install it: apt install nbd-client");
	if (code < 0)
		return cli_errno(code, "starting nbd-client");
	command_said(said, sizeof(said), log);
	return cli_error("%s: %s", what, text_shown(said));
}

/*
 * One connection, on which requests are served out of order. The kernel reads the answers
 * of each in a work that does not end. When workers are slow to come, the rescuer of its
 * queue takes all of these, and does only the first: what is asked by the others hangs.
 */
int nbd_connect(const char *name, const char *socket, const char *log)
{
	char dev[PATH_LEN];
	const char * const argv[] = {
		"nbd-client", "-unix", socket, dev, "-b", "4096",
		"-t", TIMEOUT, NULL
	};
	int code;

	snprintf(dev, sizeof(dev), "/dev/%s", name);
	code = command_run(log, argv);
	return code ? failed(code, "connecting the server to the kernel", log) : 0;
}

int nbd_disconnect(const char *name, const char *log)
{
	char dev[PATH_LEN];
	const char * const argv[] = { "nbd-client", "-d", dev, NULL };
	int code;

	if (is_free(name))
		return 0;
	snprintf(dev, sizeof(dev), "/dev/%s", name);
	code = command_run(log, argv);
	/* It may have ended by itself between the look and the call. */
	return code && !is_free(name) ?
		failed(code, "disconnecting the server", log) : 0;
}

int nbd_answers(const char *socket_path)
{
	const struct timeval wait = { .tv_sec = GREETING_WAIT };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char got[sizeof(GREETING) - 1];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 0;

	if (fd < 0)
		return 0;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", socket_path);
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) &&
	    !connect(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
	    recv(fd, got, sizeof(got), MSG_WAITALL) == (ssize_t)sizeof(got))
		yes = !memcmp(got, GREETING, sizeof(got));
	close(fd);
	return yes;
}
