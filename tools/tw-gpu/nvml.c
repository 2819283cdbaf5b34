// SPDX-License-Identifier: GPL-2.0
/*
 * nvml.c - how much memory of an NVIDIA card is free
 *
 * OpenCL does not tell, so the maker's own library is opened, where it is installed. Which
 * of its cards it is, the PCI address says. What is asked for are three of its functions.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "nvml.h"

#define LIBRARY		"libnvidia-ml.so.1"
/* Of cl_nv_device_attribute_query */
#define NV_PCI_BUS	0x4008
#define NV_PCI_SLOT	0x4009
#define NV_PCI_DOMAIN	0x400a
#define BUS_LEN		32

/* As nvmlMemory_t is laid out. */
struct memory {
	unsigned long long total;
	unsigned long long free;
	unsigned long long used;
};

typedef int call(void);
typedef int by_bus(const char *bus, void **device);
typedef int memory_of(void *device, struct memory *memory);

/**
 * struct nvml - a card, as the library knows it
 * @library: the library
 * @end: its nvmlShutdown()
 * @memory: its nvmlDeviceGetMemoryInfo()
 * @device: the card
 */
struct nvml {
	void *library;
	call *end;
	memory_of *memory;
	void *device;
};

static int find_bus(cl_device_id device, char bus[BUS_LEN])
{
	cl_uint number, slot, domain = 0;

	if (clGetDeviceInfo(device, NV_PCI_BUS, sizeof(number), &number, NULL) ||
	    clGetDeviceInfo(device, NV_PCI_SLOT, sizeof(slot), &slot, NULL))
		return -1;
	clGetDeviceInfo(device, NV_PCI_DOMAIN, sizeof(domain), &domain, NULL);
	snprintf(bus, BUS_LEN, "%08x:%02x:%02x.%x", domain, number & 0xff, slot >> 3 & 0x1f,
		 slot & 7);
	return 0;
}

/* The library is open: begins it and finds the card of that address. */
static int begin(struct nvml *n, const char *bus)
{
	call *init = (call *)dlsym(n->library, "nvmlInit_v2");
	by_bus *find = (by_bus *)dlsym(n->library, "nvmlDeviceGetHandleByPciBusId_v2");

	n->memory = (memory_of *)dlsym(n->library, "nvmlDeviceGetMemoryInfo");
	n->end = (call *)dlsym(n->library, "nvmlShutdown");
	if (!init || !find || !n->memory || !n->end || init())
		return -1;
	if (!find(bus, &n->device))
		return 0;
	n->end();
	return -1;
}

struct nvml *nvml_open(cl_device_id device)
{
	char bus[BUS_LEN];
	struct nvml *n;

	if (find_bus(device, bus))
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (n->library && !begin(n, bus))
		return n;
	if (n->library)
		dlclose(n->library);
	free(n);
	return NULL;
}

void nvml_close(struct nvml *n)
{
	if (!n)
		return;
	n->end();
	dlclose(n->library);
	free(n);
}

int nvml_free(const struct nvml *n, uint64_t *bytes)
{
	struct memory memory;

	if (!n || n->memory(n->device, &memory))
		return -1;
	*bytes = memory.free;
	return 0;
}
