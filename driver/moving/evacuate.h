/* SPDX-License-Identifier: GPL-2.0 */
/*
 * evacuate.h - everything off a tier, off the end of a store, or off a range of frames
 *
 * For unbind.c and resize.c, under tw_tier_mutex, and for offline.c. All functions sleep
 * and take the locks of movers.
 */
#ifndef _TW_EVACUATE_H
#define _TW_EVACUATE_H

#include <linux/types.h>

struct tw_tier_desc;

/*
 * Moves all pages off @t, which is LEAVING, and frees kept copies there. With @force it
 * gives up unreadable pages. Counts moved pages in *@moved. Returns 0, -ENOMEM,
 * -ENOSPC, -EBUSY, -EIO or -EINTR.
 */
int tw_evacuate_tier(struct tw_tier_desc *t, bool force, u64 *moved);
/*
 * The same for slots of the store of @t from its end, @first, on, once: what was busy is
 * there still. Pages go to slots below that as far as there are any.
 */
int tw_evacuate_slots(struct tw_tier_desc *t, u32 first, u64 *moved);
/* Moves all pages in frames [pfn, pfn + nr) elsewhere. Returns 0 or -errno, likewise. */
int tw_evacuate_pfns(unsigned long pfn, unsigned long nr);

#endif
