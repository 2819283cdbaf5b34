/* SPDX-License-Identifier: GPL-2.0 */
/* Whether memory can take back what is swapped out. */
#ifndef _TW_SWAP_MEMORY_H
#define _TW_SWAP_MEMORY_H

struct swap_look;

/*
 * Of the swap device, which is on: 0, or EXIT_FAILURE and it has said what is missing,
 * how much, and what can be done.
 */
int swap_memory_holds(const struct swap_look *l);

#endif /* _TW_SWAP_MEMORY_H */
