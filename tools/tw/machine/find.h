/* SPDX-License-Identifier: GPL-2.0 */
/* A store by what its signature says. */
#ifndef _TW_FIND_H
#define _TW_FIND_H

#include <stddef.h>

#include "machine/check.h"

/*
 * The device of the store that is "UUID=..." or "LABEL=...", into @path. 0,
 * or -1 and @w says why there is not one.
 */
int store_find(const char *tag, char *path, size_t len, struct device_wrong *w);

#endif /* _TW_FIND_H */
