// SPDX-License-Identifier: GPL-2.0
/*
 * Finding what belongs to this command: it lies elsewhere as built than as installed,
 * and where that is depends on the prefix it was installed under.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/installed.h"

int installed_find(const char * const *places, size_t nr, char path[PATH_MAX])
{
	char exe[PATH_MAX], near[PATH_MAX + 64];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	size_t i;

	if (len < 0)
		return -errno;
	exe[len] = '\0';
	*(strrchr(exe, '/') + 1) = '\0';
	for (i = 0; i < nr; i++) {
		snprintf(near, sizeof(near), "%s%s", exe, places[i]);
		if (realpath(near, path))
			return 0;
	}
	return -ENOENT;
}
