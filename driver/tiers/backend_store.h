/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backend_store.h - tiers that are stores: block devices
 *
 * Only bind.c takes the table; see tier_ops.h for the locks of its members.
 */
#ifndef _TW_BACKEND_STORE_H
#define _TW_BACKEND_STORE_H

#include "tiers/tier_ops.h"

extern const struct tw_tier_ops tw_store_ops;

#endif
