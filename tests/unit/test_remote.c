// SPDX-License-Identifier: GPL-2.0
/*
 * test_remote.c - which disks are in another machine, by what /sys says of them
 *
 * A folder stands for /sys, with what kernels write there of each kind of disk.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "machine/remote.h"

static char top[32] = "/tmp/sys-XXXXXX";

/* The folders above @path, and it. */
static void make_folder(const char *path)
{
	char dir[PATH_MAX], *slash;

	snprintf(dir, sizeof(dir), "%s/%s/", top, path);
	for (slash = dir + strlen(top); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		assert_true(!mkdir(dir, 0700) || errno == EEXIST);
		*slash = '/';
	}
}

static void put(const char *path, const char *text)
{
	char file[PATH_MAX];
	FILE *f;

	snprintf(file, sizeof(file), "%s", path);
	*strrchr(file, '/') = '\0';
	make_folder(file);
	snprintf(file, sizeof(file), "%s/%s", top, path);
	f = fopen(file, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	assert_int_equal(fclose(f), 0);
}

/* The disk @name, whose device is the folder @device. */
static void disk(const char *name, const char *device)
{
	char path[PATH_MAX], target[PATH_MAX];

	snprintf(path, sizeof(path), "block/%s", name);
	make_folder(path);
	make_folder(device);
	snprintf(path, sizeof(path), "%s/block/%s/device", top, name);
	snprintf(target, sizeof(target), "%s/%s", top, device);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

static struct remote look(const char *name)
{
	struct remote r;

	remote_look(&r, top, name);
	return r;
}

#define SCSI	"devices/platform/host6/session3/"

static void iscsi(void **state)
{
	struct remote r;

	(void)state;
	disk("sdb", SCSI "target6:0:0/6:0:0:1");
	make_folder(SCSI "connection3:0");
	put("class/iscsi_session/session3/state", "LOGGED_IN");
	put("class/iscsi_session/session3/targetname", "iqn.2003-01.org.example:lent");
	put("class/iscsi_connection/connection3:0/address", "10.0.0.2");
	put("class/iscsi_connection/connection3:0/port", "3260");
	r = look("sdb");
	assert_true(r.is && !r.down);
	assert_string_equal(r.transport, "iscsi");
	assert_string_equal(r.address, "10.0.0.2,3260 iqn.2003-01.org.example:lent");
	/* Another session's state is not its own. */
	put("class/iscsi_session/session30/state", "FAILED");
	assert_false(look("sdb").down);
	put("class/iscsi_session/session3/state", "FAILED");
	assert_true(look("sdb").down);
	put("class/iscsi_session/session3/state", "FREE");
	assert_true(look("sdb").down);
}

/* What a name of 223 bytes, the longest there is, leaves of the address is its beginning. */
static void iscsi_long_name(void **state)
{
	char name[224];
	struct remote r;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	disk("sdg", "devices/platform/host7/session4/target7:0:0/7:0:0:0");
	put("class/iscsi_session/session4/state", "LOGGED_IN");
	put("class/iscsi_session/session4/targetname", name);
	r = look("sdg");
	assert_true(r.is && !r.down);
	assert_int_equal(strspn(r.address, "x"), strlen(r.address));
	assert_true(strlen(r.address) > 60);
}

static void fibre_channel(void **state)
{
	struct remote r;

	(void)state;
	disk("sdc", "devices/pci0000:00/0000:00:03.0/host5/rport-5:0-2/target5:0:0/5:0:0:0");
	put("class/fc_remote_ports/rport-5:0-2/port_state", "Online");
	put("class/fc_remote_ports/rport-5:0-2/port_name", "0x50060e801049cf50");
	r = look("sdc");
	assert_true(r.is && !r.down);
	assert_string_equal(r.transport, "fc");
	assert_string_equal(r.address, "0x50060e801049cf50");
	put("class/fc_remote_ports/rport-5:0-2/port_state", "Blocked");
	assert_true(look("sdc").down);
}

/* Disks of this machine, whatever other names are in their paths. */
static void local(void **state)
{
	static const char * const devices[] = {
		"devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0",
		"devices/pci0000:00/session/host0/target0:0:0/0:0:0:0",
		"devices/pci0000:00/obsession3/target0:0:0/0:0:0:0",
		"devices/pci0000:00/0000:00:05.0/virtio2",
	};
	struct remote r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		disk("sda", devices[i]);
		r = look("sda");
		assert_true(!r.is && !r.down && !*r.transport && !*r.address);
	}
	assert_false(look("nothing").is);
}

static void over_nvme(void **state)
{
	struct remote r;

	(void)state;
	disk("nvme0n1", "devices/pci0000:00/0000:00:04.0/nvme/nvme0");
	put("devices/pci0000:00/0000:00:04.0/nvme/nvme0/transport", "pcie");
	put("devices/pci0000:00/0000:00:04.0/nvme/nvme0/state", "live");
	r = look("nvme0n1");
	assert_true(!r.is && !r.down);
	assert_string_equal(r.transport, "pcie");
	/* The folder of a subsystem, in which its controllers are. */
	disk("nvme1n1", "devices/virtual/nvme-subsystem/nvme-subsys1");
	put("devices/virtual/nvme-subsystem/nvme-subsys1/nvme1/transport", "tcp");
	put("devices/virtual/nvme-subsystem/nvme-subsys1/nvme1/address", "traddr=10.0.0.2");
	put("devices/virtual/nvme-subsystem/nvme-subsys1/nvme1/state", "connecting");
	r = look("nvme1n1");
	assert_true(r.is && r.down);
	assert_string_equal(r.transport, "tcp");
	assert_string_equal(r.address, "traddr=10.0.0.2");
	put("devices/virtual/nvme-subsystem/nvme-subsys1/nvme1/state", "live");
	assert_false(look("nvme1n1").down);
}

static void nbd(void **state)
{
	(void)state;
	make_folder("block/nbd0");
	assert_true(look("nbd0").is && look("nbd0").down);
	put("block/nbd0/pid", "7");
	assert_true(look("nbd0").is && !look("nbd0").down);
	assert_string_equal(look("nbd0").transport, "nbd");
}

static int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int drop_top(void **state)
{
	(void)state;
	return nftw(top, drop, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iscsi),
		cmocka_unit_test(iscsi_long_name),
		cmocka_unit_test(fibre_channel),
		cmocka_unit_test(local),
		cmocka_unit_test(over_nvme),
		cmocka_unit_test(nbd),
	};

	return cmocka_run_group_tests(tests, make_top, drop_top);
}
