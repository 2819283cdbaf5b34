/* SPDX-License-Identifier: GPL-2.0 */
/*
 * chardev.h - /dev/tierwatch
 */
#ifndef _TW_CHARDEV_H
#define _TW_CHARDEV_H

#include <linux/types.h>

struct file;

int tw_chardev_init(void);
void tw_chardev_exit(void);

#endif
