/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hibernate.h - stores stand still while an image of memory is made
 */
#ifndef _TW_HIBERNATE_H
#define _TW_HIBERNATE_H

#include <linux/types.h>

int tw_hibernate_init(void);
void tw_hibernate_exit(void);
/* An image of memory is being made: no slot is given out or written. */
bool tw_stores_still(void);
/* Around each write of slots; false: not now. */
bool tw_write_begin(void);
void tw_write_end(void);

#endif
