/* SPDX-License-Identifier: GPL-2.0 */
/* Where what belongs to this command lies, seen from its own folder. */
#ifndef _TW_INSTALLED_H
#define _TW_INSTALLED_H

#include <limits.h>
#include <stddef.h>

/*
 * The first of the @nr @places that there is, each relative to the folder of this
 * program's file. 0 and @path, absolute and without links; or -errno: -ENOENT when
 * there is none.
 */
int installed_find(const char * const *places, size_t nr, char path[PATH_MAX]);

#endif /* _TW_INSTALLED_H */
