/* SPDX-License-Identifier: GPL-2.0 */
/* How much memory of an NVIDIA card is free: its maker's library, if it is there. */
#ifndef _TW_GPU_NVML_H
#define _TW_GPU_NVML_H

#include <CL/cl.h>
#include <stdint.h>

struct nvml;

/* NULL: it is no card of theirs, or the library is not installed. */
struct nvml *nvml_open(cl_device_id device);
void nvml_close(struct nvml *n);
/* 0, or -1: it is not known. @n may be NULL. */
int nvml_free(const struct nvml *n, uint64_t *bytes);

#endif
