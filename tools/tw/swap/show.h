/* SPDX-License-Identifier: GPL-2.0 */
/* The swap device as it is shown. */
#ifndef _TW_SWAP_SHOW_H
#define _TW_SWAP_SHOW_H

#include "swap/look.h"

/* "on: 16.0 MiB on /dev/twswap, priority 5", a line without its end. */
void swap_print(const struct swap_look *l);
/* Is it a tier whose figures are shown: a store, or gpu where that is one? */
bool swap_shows(const struct tw_stats *stats, int tier);
/* All that there is to say, as one document. */
void swap_json(const struct swap_look *l, const struct tw_stats *stats);
/*
 * What on and off end with: how it is now, as a line that @already says was so before,
 * or as the document. The exit code.
 */
int swap_show(struct tw *tw, bool already, bool json);

#endif /* _TW_SWAP_SHOW_H */
