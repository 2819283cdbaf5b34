/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scanner.h - which pages are touched: scans of all spaces, again and again
 *
 * policy.c and region_file.c call it. The last two functions may be called under any
 * lock.
 */
#ifndef _TW_SCANNER_H
#define _TW_SCANNER_H

int tw_scanner_init(void);
void tw_scanner_exit(void);
/* Has the scanner look at the knobs, which have changed. */
void tw_scanner_wake(void);
/* Has a scanner that had no space look soon, since one was made and can be found. */
void tw_scanner_watch(void);

#endif
