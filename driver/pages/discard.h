/* SPDX-License-Identifier: GPL-2.0 */
/*
 * discard.h - pages of a region are freed, one by one or all at its end
 */
#ifndef _TW_DISCARD_H
#define _TW_DISCARD_H

struct tw_region;

/* How many pages were freed, -EPERM: it is sealed, or -EINTR. Sleeps. */
long tw_region_discard(struct tw_region *r, unsigned long idx, unsigned long nr);
/* Its last file has gone and it is hidden. May be the end of @r. Sleeps. */
void tw_region_end(struct tw_region *r);

#endif
