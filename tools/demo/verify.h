/* SPDX-License-Identifier: GPL-2.0 */
/*
 * verify.h - read pages back from each tier and compare them
 */
#ifndef _VERIFY_H
#define _VERIFY_H

#include <stdint.h>
#include "tw.h"

/**
 * struct verify - what came of one tier
 * @pages: pages that were found there
 * @reread: of these, read and compared
 * @wrong: of these, with other bytes
 * @first_wrong: page index of the first
 */
struct verify {
	uint64_t pages;
	uint64_t reread;
	uint64_t wrong;
	uint64_t first_wrong;
};

/*
 * Compare at most @most pages of each tier with @bytes bytes at @reference.
 * A page counts for the tier where it is right before it is touched.
 */
int verify_tiers(struct tw_region *region, const unsigned char *reference,
		 uint64_t bytes, uint64_t most, uint32_t page_size,
		 struct verify verify[TW_NR_TIERS]);

#endif
