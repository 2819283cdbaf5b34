/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backend_store.h - tiers that are stores: block devices
 */
#ifndef _TW_BACKEND_STORE_H
#define _TW_BACKEND_STORE_H

#include <linux/types.h>

struct tw_tier_bind;
struct tw_tier_s;

int tw_store_bind(struct tw_tier_s *t, const struct tw_tier_bind *arg);
void tw_store_unbind(struct tw_tier_s *t);	/* no slots in use */

/* Pages written to the store must not change under I/O. */
bool tw_store_stable(struct tw_tier_s *t);
/* Device number as st_rdev has it, 0 when no store is bound. */
u32 tw_store_dev(struct tw_tier_s *t);
/* The device has gone or failed a write lately: avoid it for new pages. */
bool tw_store_failing(struct tw_tier_s *t);

#endif
