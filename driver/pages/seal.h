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
 * Frees pages [@idx, @idx + @nr) on somebody's behalf, as tw_space_discard(), or
 * -EPERM: it is sealed. Sleeps.
 */
long tw_region_discard(struct tw_region *r, unsigned long idx, unsigned long nr);

/* No mapping made from now on may write. */
static inline bool tw_region_write_sealed(const struct tw_region *r)
{
	return READ_ONCE(r->seals) & TW_SEAL_WRITE;
}

/* TW_IOC_REGION_SEAL through @file. Sleeps. 0 or -errno as in uapi. */
int tw_region_seal_ioctl(struct file *file, struct tw_region_seal *arg);

#endif
