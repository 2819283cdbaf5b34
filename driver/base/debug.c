// SPDX-License-Identifier: GPL-2.0
/*
 * debug.c - the module parameter debug
 *
 * Owns tw_debug, which tw_dbg() of tw.h reads. No locks.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/module.h>

#include "base/tw.h"

bool tw_debug;
module_param_named(debug, tw_debug, bool, 0644);
MODULE_PARM_DESC(debug, "debug logging: 0 off, 1 on");
