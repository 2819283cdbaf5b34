/* SPDX-License-Identifier: GPL-2.0 */
/*
 * resize.h - a store that is bound gets larger or smaller
 *
 * The table of ioctls calls it, with no lock held.
 */
#ifndef _TW_RESIZE_H
#define _TW_RESIZE_H

struct tw_tier_resize;

int tw_tier_resize(struct tw_tier_resize *arg);

#endif
