/* SPDX-License-Identifier: GPL-2.0 */
/*
 * seal.h - what a region's holders can no longer do to each other
 *
 * For the doors of region files and mappings. seal.c describes the locks.
 */
#ifndef _TW_SEAL_H
#define _TW_SEAL_H

#include <linux/atomic.h>

#include "pages/region.h"

struct tw_region_seal;

/*
 * Frees pages [@idx, @idx + @nr) for a caller, as tw_space_discard() does, or returns
 * -EPERM if the region is sealed against that. Sleeps.
 */
long tw_region_discard(struct tw_region *r, unsigned long idx, unsigned long nr);

/* Whether no mapping that is made from now on may write. */
static inline bool tw_region_write_sealed(const struct tw_region *r)
{
	return READ_ONCE(r->seals) & TW_SEAL_WRITE;
}

/* TW_IOC_REGION_SEAL through @file. Sleeps. 0 or -errno as in uapi. */
int tw_region_seal_ioctl(struct file *file, struct tw_region_seal *arg);

#endif
