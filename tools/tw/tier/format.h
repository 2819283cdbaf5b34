/* SPDX-License-Identifier: GPL-2.0 */
/* Signing a store. */
#ifndef _TW_FORMAT_H
#define _TW_FORMAT_H

#include <linux/types.h>

#include "machine/super.h"

#define FORMAT_FORCE	(1U << 0)	/* whatever is there */
#define FORMAT_DRY_RUN	(1U << 1)	/* say what would be in the way */

struct format_result {
	__u64 bytes;
	char uuid[UUID_LEN];
};

/*
 * Signs a device or a file; 0 or the exit code. Quiet on success. @label: or
 * NULL; @tier: that it is for, or TW_TIER_NONE.
 */
int format_store(const char *path, const char *label, int tier,
		 unsigned int flags, struct format_result *result);

#endif /* _TW_FORMAT_H */
