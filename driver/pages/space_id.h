/* SPDX-License-Identifier: GPL-2.0 */
/*
 * space_id.h - the ids of owners of pages
 *
 * An id is counted up in 64 bits, so it is given once. Its lower bits are the
 * owner's number in stable page numbers, and are never 0. Nothing here calls the
 * kernel or takes a lock; space.c calls it under tw_space_id_lock.
 */
#ifndef _TW_SPACE_ID_H
#define _TW_SPACE_ID_H

#include <linux/tierwatch.h>

/* The next id after @id, whether or not its number is in use. */
static inline __u64 tw_space_id_next(__u64 id)
{
	id++;
	return TW_PAGE_OWNER(id) ? id : id + 1;
}

#endif
