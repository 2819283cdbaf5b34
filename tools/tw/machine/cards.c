// SPDX-License-Identifier: GPL-2.0
/*
 * Graphics cards, as OpenCL tells of them. The library is opened when it is asked for, so
 * that tw works without it; what a card's link is comes from sysfs.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "machine/cards.h"
#include "machine/sysfs.h"

#define LIBRARY		"libOpenCL.so.1"
#define IDS_MAX		32
/* Of NVIDIA's and of AMD's extensions; others answer with an error. */
#define NV_PCI_BUS	0x4008
#define NV_PCI_SLOT	0x4009
#define NV_PCI_DOMAIN	0x400a
#define AMD_TOPOLOGY	0x4037
#define AMD_FREE_MEMORY	0x4039
#define AMD_TOPOLOGY_PCIE	1

/* struct opencl - what is needed of the library */
struct opencl {
	void *library;
	__typeof__(clGetPlatformIDs) *platforms;
	__typeof__(clGetDeviceIDs) *devices;
	__typeof__(clGetDeviceInfo) *info;
};

/* As cl_device_topology_amd is laid out. */
struct amd_topology {
	cl_uint type;
	cl_uchar unused[17];
	cl_uchar bus;
	cl_uchar device;
	cl_uchar function;
};

static bool open_library(struct opencl *cl)
{
	cl->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!cl->library)
		return false;
	cl->platforms = dlsym(cl->library, "clGetPlatformIDs");
	cl->devices = dlsym(cl->library, "clGetDeviceIDs");
	cl->info = dlsym(cl->library, "clGetDeviceInfo");
	return cl->platforms && cl->devices && cl->info;
}

/* -- a card ---------------------------------------------------------------------- */

static bool ask(const struct opencl *cl, cl_device_id id, cl_device_info what, void *value,
		size_t len)
{
	size_t got = 0;

	return !cl->info(id, what, len, value, &got) && got;
}

static void find_bus(const struct opencl *cl, cl_device_id id, struct gpu_card *card)
{
	cl_uint bus, slot, domain = 0;
	struct amd_topology amd;

	if (ask(cl, id, NV_PCI_BUS, &bus, sizeof(bus)) &&
	    ask(cl, id, NV_PCI_SLOT, &slot, sizeof(slot))) {
		ask(cl, id, NV_PCI_DOMAIN, &domain, sizeof(domain));
		snprintf(card->bus, sizeof(card->bus), "%04x:%02x:%02x.%x", domain, bus & 0xff,
			 slot >> 3 & 0x1f, slot & 7);
	} else if (ask(cl, id, AMD_TOPOLOGY, &amd, sizeof(amd)) &&
		   amd.type == AMD_TOPOLOGY_PCIE) {
		snprintf(card->bus, sizeof(card->bus), "0000:%02x:%02x.%x", amd.bus, amd.device,
			 amd.function & 7);
	}
}

static void find_link(struct gpu_card *card)
{
	char dir[CARD_LINK_LEN * 2];

	if (!*card->bus)
		return;
	snprintf(dir, sizeof(dir), "/sys/bus/pci/devices/%s", card->bus);
	card->width = sysfs_u64(0, dir, "current_link_width");
	if (sysfs_line(card->speed, sizeof(card->speed), "%s/current_link_speed", dir))
		card->speed[0] = '\0';
}

static void find_free(const struct opencl *cl, cl_device_id id, struct gpu_card *card)
{
	size_t kib[2] = { 0 };

	card->free_known = ask(cl, id, AMD_FREE_MEMORY, kib, sizeof(kib));
	if (card->free_known)
		card->free_bytes = (__u64)kib[0] << 10;
}

static void look_at(const struct opencl *cl, cl_device_id id, struct gpu_card *card)
{
	cl_device_type type = 0;
	cl_ulong bytes = 0;

	ask(cl, id, CL_DEVICE_NAME, card->name, sizeof(card->name) - 1);
	ask(cl, id, CL_DEVICE_GLOBAL_MEM_SIZE, &bytes, sizeof(bytes));
	ask(cl, id, CL_DEVICE_TYPE, &type, sizeof(type));
	card->bytes = bytes;
	card->is_cpu = type & CL_DEVICE_TYPE_CPU;
	if (card->is_cpu)
		return;
	find_free(cl, id, card);
	find_bus(cl, id, card);
	find_link(card);
}

/* -- all of them ------------------------------------------------------------------- */

static int add_platform(const struct opencl *cl, cl_platform_id platform, unsigned int number,
			struct gpu_card **cards, size_t *nr)
{
	cl_device_id ids[IDS_MAX];
	struct gpu_card *more;
	cl_uint found = 0, i;

	if (cl->devices(platform, CL_DEVICE_TYPE_ALL, IDS_MAX, ids, &found))
		return 0;
	if (found > IDS_MAX)
		found = IDS_MAX;
	more = reallocarray(*cards, *nr + found + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	*cards = more;
	for (i = 0; i < found; i++) {
		more[*nr] = (struct gpu_card){ .platform = number, .device = i };
		look_at(cl, ids[i], &more[(*nr)++]);
	}
	return 0;
}

int cards_find(struct gpu_card **cards, size_t *nr)
{
	cl_platform_id platforms[IDS_MAX];
	struct opencl cl = { 0 };
	cl_uint found = 0, i;
	int err = 0;

	*cards = NULL;
	*nr = 0;
	/* It is never closed: what it has loaded may have threads. */
	if (!open_library(&cl) || cl.platforms(IDS_MAX, platforms, &found))
		return 0;
	for (i = 0; i < found && i < IDS_MAX && !err; i++)
		err = add_platform(&cl, platforms[i], i, cards, nr);
	return err;
}
