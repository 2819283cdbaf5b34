/* SPDX-License-Identifier: GPL-2.0 */
/*
 * unbind.h - a tier is unbound: everything in it goes elsewhere first
 *
 * The table of ioctls calls it, with no lock held.
 */
#ifndef _TW_UNBIND_H
#define _TW_UNBIND_H

struct tw_tier_unbind;

int tw_tier_unbind(struct tw_tier_unbind *arg);

#endif
