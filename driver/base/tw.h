/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tw.h - what every room of the driver shares: messages and parameters
 */
#ifndef _TW_H
#define _TW_H

#include <linux/printk.h>
#include <linux/types.h>

/* Each .c file defines pr_fmt() with "tier_watch: " before its includes. */

extern bool tw_debug;		/* the module parameter debug */

#define tw_dbg(fmt, ...) do {						\
	if (unlikely(READ_ONCE(tw_debug)))				\
		pr_info(fmt, ##__VA_ARGS__);				\
} while (0)

#endif
