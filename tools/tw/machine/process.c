// SPDX-License-Identifier: GPL-2.0
/*
 * A process's name and user, for messages and tables.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "machine/process.h"

#define PROC_PATH_LEN	64

void process_name(__u32 pid, char name[PROCESS_NAME_LEN])
{
	char path[PROC_PATH_LEN];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	name[0] = '\0';
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, PROCESS_NAME_LEN, f))
		name[strcspn(name, "\n")] = '\0';
	text_clean(name);
	fclose(f);
}

int process_uid(__u32 pid, __u32 *uid)
{
	char path[PROC_PATH_LEN];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	if (stat(path, &st))
		return -errno;
	*uid = st.st_uid;
	return 0;
}
