/* SPDX-License-Identifier: GPL-2.0 */
/*
 * seal.h - what a region's holders can no longer do to each other
 */
#ifndef _TW_SEAL_H
#define _TW_SEAL_H

#include <linux/atomic.h>

#include "pages/region.h"

struct tw_region_seal;

/*
 * Around freeing pages on somebody's behalf. False: it is sealed. What has begun
 * keeps the seal away, and the other way round, as writable mappings of a file
 * and their denial do (i_mmap_writable).
 */
static inline bool tw_discard_begin(struct tw_region *r)
{
	return atomic_inc_unless_negative(&r->discards);
}

static inline void tw_discard_end(struct tw_region *r)
{
	atomic_dec(&r->discards);
}

/* No mapping made from now on may write. */
static inline bool tw_region_write_sealed(const struct tw_region *r)
{
	return READ_ONCE(r->seals) & TW_SEAL_WRITE;
}

/* TW_IOC_REGION_SEAL through @file. Sleeps. 0 or -errno as in uapi. */
int tw_region_seal_ioctl(struct file *file, struct tw_region_seal *arg);

#endif
