/* SPDX-License-Identifier: GPL-2.0 */
/* Files as block devices. */
#ifndef _TW_LOOP_H
#define _TW_LOOP_H

#include "machine/sysfs.h"

/*
 * Makes a loop device with direct I/O of @file, into @dev. It goes away when
 * the last who has it open closes it, and the fd returned is the first; so a
 * tier that is bound to it keeps it. Below 0: it failed, *@code is the exit
 * code and it has said why.
 */
int loop_attach(const char *file, char dev[DEVICE_NAME_LEN], int *code);

/* Could it be done? Changes nothing. 0 or the exit code. */
int loop_check(const char *file);

#endif /* _TW_LOOP_H */
