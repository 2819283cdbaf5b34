/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scanner.h - who touches what: all spaces, again and again
 */
#ifndef _TW_SCANNER_H
#define _TW_SCANNER_H

int tw_scanner_init(void);
void tw_scanner_exit(void);
/* The knobs have changed. */
void tw_scanner_wake(void);
/* A region was made, and can be found: a scanner that had none looks soon. */
void tw_scanner_watch(void);

#endif
