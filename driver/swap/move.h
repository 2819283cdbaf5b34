/* SPDX-License-Identifier: GPL-2.0 */
/*
 * move.h - pages of the swap device go from store to store
 */
#ifndef _TW_SWAP_MOVE_H
#define _TW_SWAP_MOVE_H

#include <linux/types.h>

struct tw_swap;
struct tw_tier_desc;

/* 0 or -ENOMEM. */
int tw_swap_mover_init(struct tw_swap *d);
/* Waits for what is under way. */
void tw_swap_mover_exit(struct tw_swap *d);

/* Has the oldest pages of stores with little room moved on. Any context. */
void tw_swap_room_check(struct tw_swap *d);

/*
 * Everything of the swap device leaves @t, which is LEAVING: 0; -ENOSPC: the other
 * stores are full; -EIO: a page cannot be read; -EBUSY: some stay under I/O; -EINTR: a
 * signal came. With @force a page that cannot be read is given up. *@moved counts. Under tw_tier_mutex, sleeps.
 */
int tw_swap_evacuate(struct tw_swap *d, struct tw_tier_desc *t, bool force, u64 *moved);
/*
 * The same for slots of @t from @first on, which are given out no more; pages may go to
 * other slots of @t.
 */
int tw_swap_evacuate_slots(struct tw_swap *d, struct tw_tier_desc *t, u32 first, u64 *moved);

#endif
