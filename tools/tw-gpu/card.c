// SPDX-License-Identifier: GPL-2.0
/*
 * card.c - memory of a card, by OpenCL
 *
 * Owns the context, the segments and the lanes. A lane is a pinned buffer of host memory
 * and a queue of its own: copies of different lanes end in any order. Only card_copy() is
 * called by several threads, each with a lane that no other has.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calc.h"
#include "card.h"
#include "nvml.h"

#define NAME_LEN	128
#define CARDS_MAX	32
#define PAGE_BYTES	4096UL
/* Of AMD's extension; others answer with an error. */
#define AMD_FREE_MEMORY	0x4039

/**
 * struct lane - one copy at a time
 * @queue: in order
 * @host: the pinned buffer, as OpenCL knows it
 * @mem: where it is mapped
 */
struct lane {
	cl_command_queue queue;
	cl_mem host;
	void *mem;
};

struct card {
	char name[NAME_LEN];
	cl_device_id device;
	cl_context context;
	cl_command_queue queue;		/* for what is no copy */
	struct nvml *nvml;
	uint64_t bytes;			/* at most */
	size_t segment_size;
	size_t nr_segments;
	cl_mem *segment;
	unsigned int nr_lanes;
	size_t lane_bytes;
	struct lane *lane;
};

/* -- which card -------------------------------------------------------------- */

static int __attribute__((format(printf, 3, 4)))
say(char *why, size_t len, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, len, fmt, args);
	va_end(args);
	return -1;
}

static cl_ulong device_number(cl_device_id device, cl_device_info what)
{
	cl_ulong value = 0;

	clGetDeviceInfo(device, what, sizeof(value), &value, NULL);
	return value;
}

static bool device_is_cpu(cl_device_id device)
{
	cl_device_type type = 0;

	clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof(type), &type, NULL);
	return type & CL_DEVICE_TYPE_CPU;
}

static int find_given(struct card *c, const struct card_wish *w, cl_platform_id *platforms,
		      cl_uint nr, char *why, size_t len)
{
	cl_device_id devices[CARDS_MAX];
	cl_uint found = 0;

	if (w->platform >= nr)
		return say(why, len, "there is no OpenCL platform %u. See: tw tier detect",
			   w->platform);
	clGetDeviceIDs(platforms[w->platform], CL_DEVICE_TYPE_ALL, CARDS_MAX, devices, &found);
	if (found > CARDS_MAX)
		found = CARDS_MAX;
	if (w->device >= found)
		return say(why, len, "OpenCL platform %u has no device %u. See: tw tier detect",
			   w->platform, w->device);
	c->device = devices[w->device];
	return 0;
}

static int find_best(struct card *c, cl_platform_id *platforms, cl_uint nr, char *why,
		     size_t len)
{
	cl_device_id devices[CARDS_MAX];
	cl_ulong best = 0, bytes;
	cl_uint p, d, found;

	for (p = 0; p < nr; p++) {
		found = 0;
		clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, CARDS_MAX, devices, &found);
		for (d = 0; d < found && d < CARDS_MAX; d++) {
			bytes = device_number(devices[d], CL_DEVICE_GLOBAL_MEM_SIZE);
			if (device_is_cpu(devices[d]) || bytes <= best)
				continue;
			best = bytes;
			c->device = devices[d];
		}
	}
	if (best)
		return 0;
	return say(why, len, "OpenCL knows no card here but CPUs, whose memory is memory already. To use one all the same, name it: PLATFORM:DEVICE");
}

static int find_device(struct card *c, const struct card_wish *w, char *why, size_t len)
{
	cl_platform_id platforms[CARDS_MAX];
	cl_uint nr = 0;

	if (clGetPlatformIDs(CARDS_MAX, platforms, &nr) || !nr)
		return say(why, len, "there is no OpenCL here: install the package of the card's maker that has it (nvidia-opencl-icd, mesa-opencl-icd, intel-opencl-icd)");
	if (nr > CARDS_MAX)
		nr = CARDS_MAX;
	if (w->given ? find_given(c, w, platforms, nr, why, len) :
	    find_best(c, platforms, nr, why, len))
		return -1;
	clGetDeviceInfo(c->device, CL_DEVICE_NAME, sizeof(c->name) - 1, c->name, NULL);
	return 0;
}

/* -- lanes -------------------------------------------------------------------- */

static int make_lanes(struct card *c, const struct card_wish *w, char *why, size_t len)
{
	struct lane *lane;
	cl_int err;

	c->lane_bytes = w->lane_bytes;
	c->lane = calloc(w->lanes, sizeof(*c->lane));
	if (!c->lane)
		return say(why, len, "no memory for %u lanes", w->lanes);
	for (c->nr_lanes = 0; c->nr_lanes < w->lanes; c->nr_lanes++) {
		lane = &c->lane[c->nr_lanes];
		lane->queue = clCreateCommandQueue(c->context, c->device, 0, &err);
		if (!err)
			lane->host = clCreateBuffer(c->context, CL_MEM_READ_WRITE |
						    CL_MEM_ALLOC_HOST_PTR, c->lane_bytes,
						    NULL, &err);
		if (!err)
			lane->mem = clEnqueueMapBuffer(lane->queue, lane->host, CL_TRUE,
						       CL_MAP_READ | CL_MAP_WRITE, 0,
						       c->lane_bytes, 0, NULL, NULL, &err);
		if (err) {
			c->nr_lanes++;
			return say(why, len, "%s gives no pinned buffer of %zu bytes (OpenCL error %d)",
				   c->name, c->lane_bytes, err);
		}
		memset(lane->mem, 0, c->lane_bytes);
	}
	return 0;
}

/* -- memory ------------------------------------------------------------------- */

static size_t segment_bytes(const struct card *c, size_t nr)
{
	uint64_t left = c->bytes - (uint64_t)nr * c->segment_size;

	return left < c->segment_size ? left : c->segment_size;
}

/* Waits; what became of a copy its event tells, and clFinish() need not. */
static cl_int how_it_ended(cl_event *copy)
{
	cl_int err = clWaitForEvents(1, copy);

	clReleaseEvent(*copy);
	return err;
}

/* Drivers take a card's memory when it is first used: now, not under a request. */
static cl_int clear(struct card *c, size_t nr, size_t bytes)
{
	const cl_ulong zero = 0;
	cl_event ended;
	cl_int err;

	err = clEnqueueFillBuffer(c->queue, c->segment[nr], &zero, sizeof(zero), 0, bytes, 0,
				  NULL, &ended);
	return err ? err : how_it_ended(&ended);
}

static cl_int add_segment(struct card *c)
{
	size_t nr = c->nr_segments, bytes = segment_bytes(c, nr);
	cl_int err;

	c->segment[nr] = clCreateBuffer(c->context, CL_MEM_READ_WRITE, bytes, NULL, &err);
	if (err)
		return err;
	err = clear(c, nr, bytes);
	if (err)
		clReleaseMemObject(c->segment[nr]);
	else
		c->nr_segments++;
	return err;
}

static void keep_segments(struct card *c, size_t nr)
{
	while (c->nr_segments > nr)
		clReleaseMemObject(c->segment[--c->nr_segments]);
	clFinish(c->queue);
}

int card_resize(struct card *c, uint64_t bytes, char *why, size_t len)
{
	size_t before = c->nr_segments, wanted = gpu_segments(bytes, c->segment_size), got;
	cl_int err = 0;

	while (c->nr_segments < wanted && !err)
		err = add_segment(c);
	got = c->nr_segments;
	keep_segments(c, err ? before : wanted);
	if (!err)
		return 0;
	return say(why, len, "%s has not so much memory free: it gave %llu of %llu MiB (OpenCL error %d). Take a smaller size, or end what uses it",
		   c->name, (unsigned long long)(got * c->segment_size) >> 20,
		   (unsigned long long)bytes >> 20, err);
}

int card_free(const struct card *c, uint64_t *bytes)
{
	size_t kib[2] = { 0 };

	if (!clGetDeviceInfo(c->device, AMD_FREE_MEMORY, sizeof(kib), kib, NULL)) {
		*bytes = (uint64_t)kib[0] << 10;
		return 0;
	}
	return nvml_free(c->nvml, bytes);
}

static int make_segments(struct card *c, const struct card_wish *w, char *why, size_t len)
{
	cl_ulong there = device_number(c->device, CL_DEVICE_GLOBAL_MEM_SIZE);
	cl_ulong most = device_number(c->device, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
	size_t wanted;

	if (w->bytes > there)
		return say(why, len, "%s has %llu MiB of memory, less than the %llu that are asked for. Take a smaller --size",
			   c->name, (unsigned long long)there >> 20,
			   (unsigned long long)w->bytes >> 20);
	c->bytes = w->bytes;
	c->segment_size = gpu_segment_size(most, gpu_segment_wish(w->bytes), PAGE_BYTES);
	if (!c->segment_size)
		return say(why, len, "%s gives no memory at all", c->name);
	wanted = gpu_segments(w->bytes, c->segment_size);
	c->segment = calloc(wanted, sizeof(*c->segment));
	if (!c->segment)
		return say(why, len, "no memory for %zu segments", wanted);
	return card_resize(c, w->bytes, why, len);
}

/* -- opening and closing ------------------------------------------------------- */

struct card *card_open(const struct card_wish *wish, char *why, size_t len)
{
	struct card *c = calloc(1, sizeof(*c));
	cl_int err = 0;

	if (!c) {
		say(why, len, "no memory");
		return NULL;
	}
	if (find_device(c, wish, why, len))
		goto fail;
	c->nvml = nvml_open(c->device);
	c->context = clCreateContext(NULL, 1, &c->device, NULL, NULL, &err);
	if (!err)
		c->queue = clCreateCommandQueue(c->context, c->device, 0, &err);
	if (err) {
		say(why, len, "%s can't be used (OpenCL error %d)", c->name, err);
		goto fail;
	}
	if (make_lanes(c, wish, why, len) || make_segments(c, wish, why, len))
		goto fail;
	return c;

fail:
	card_close(c);
	return NULL;
}

static void lane_end(struct lane *lane)
{
	if (lane->mem) {
		clEnqueueUnmapMemObject(lane->queue, lane->host, lane->mem, 0, NULL, NULL);
		clFinish(lane->queue);
	}
	if (lane->host)
		clReleaseMemObject(lane->host);
	if (lane->queue)
		clReleaseCommandQueue(lane->queue);
}

void card_close(struct card *c)
{
	if (!c)
		return;
	if (c->queue)
		keep_segments(c, 0);
	while (c->nr_lanes)
		lane_end(&c->lane[--c->nr_lanes]);
	if (c->queue)
		clReleaseCommandQueue(c->queue);
	if (c->context)
		clReleaseContext(c->context);
	nvml_close(c->nvml);
	free(c->segment);
	free(c->lane);
	free(c);
}

const char *card_name(const struct card *c)
{
	return c->name;
}

/* -- copying ------------------------------------------------------------------- */

void *card_lane(struct card *c, unsigned int lane)
{
	return c->lane[lane].mem;
}

int card_copy(struct card *c, unsigned int lane, uint64_t offset, size_t bytes, bool write)
{
	struct lane *l = &c->lane[lane];
	char *mem = l->mem;
	cl_event ended;
	cl_int err = 0;

	while (bytes && !err) {
		struct gpu_part p = gpu_part(offset, bytes, c->segment_size);

		err = write ? clEnqueueWriteBuffer(l->queue, c->segment[p.segment], CL_FALSE,
						   p.at, p.bytes, mem, 0, NULL, &ended) :
			      clEnqueueReadBuffer(l->queue, c->segment[p.segment], CL_FALSE,
						  p.at, p.bytes, mem, 0, NULL, &ended);
		if (!err)
			err = how_it_ended(&ended);
		mem += p.bytes;
		offset += p.bytes;
		bytes -= p.bytes;
	}
	/* What was begun is waited for in any case: it may still write to the lane. */
	if (clFinish(l->queue) || err)
		return -EIO;
	return 0;
}
