/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hibernate.h - stores stand still while an image of memory is made
 *
 * Every caller that gives out slots or writes them asks here. It takes no lock; the
 * barriers are explained in hibernate.c.
 */
#ifndef _TW_HIBERNATE_H
#define _TW_HIBERNATE_H

#include <linux/types.h>

int tw_hibernate_init(void);
void tw_hibernate_exit(void);
/* Whether an image of memory is being made, so that no slot is given out or written. */
bool tw_stores_still(void);
/*
 * These two go around each write of slots. If the first returns false, nothing may be
 * written now, and the second is called all the same.
 */
bool tw_write_begin(void);
void tw_write_end(void);

#endif
