/* SPDX-License-Identifier: GPL-2.0 */
/* util-linux's mkswap(8). */
#ifndef _TW_MKSWAP_H
#define _TW_MKSWAP_H

#include <limits.h>
#include <stdbool.h>

/* Where it is: in PATH, or where it belongs. */
bool mkswap_find(char path[PATH_MAX]);
/* Puts its signature on @device. 0, or the exit code and it has said why not. */
int mkswap_run(const char *device);

#endif /* _TW_MKSWAP_H */
