/* SPDX-License-Identifier: GPL-2.0 */
/*
 * evacuate.h - everything off a tier, or off a range of frames
 */
#ifndef _TW_EVACUATE_H
#define _TW_EVACUATE_H

#include <linux/types.h>

struct tw_tier_desc;

/*
 * Move everything off @t (LEAVING): spaces, kept copies. 0, -ENOSPC, -EBUSY,
 * -EIO, -EINTR. With @force unreadable pages are given up. *@moved counts.
 */
int tw_evacuate_tier(struct tw_tier_desc *t, bool force, u64 *moved);
/* Move every page within [pfn, pfn + nr) elsewhere; 0 or -EBUSY/-ENOSPC. */
int tw_evacuate_pfns(unsigned long pfn, unsigned long nr);

#endif
