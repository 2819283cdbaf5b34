// SPDX-License-Identifier: GPL-2.0
/*
 * A process's name and user, for messages and tables, and its memory of files.
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

/* Two lines of /proc/PID/status. Returns which of them it was, or 0. */
static unsigned int memory_line(const char *line, struct process_memory *m)
{
	unsigned long long kib;

	if (sscanf(line, "RssFile: %llu kB", &kib) == 1) {
		m->file = kib << 10;
		return 1;
	}
	if (sscanf(line, "RssShmem: %llu kB", &kib) == 1) {
		m->shared = kib << 10;
		return 2;
	}
	return 0;
}

int process_memory(__u32 pid, struct process_memory *m)
{
	char path[PROC_PATH_LEN], line[128];
	unsigned int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (found != 3 && fgets(line, sizeof(line), f))
		found |= memory_line(line, m);
	fclose(f);
	return found == 3 ? 0 : -ENODATA;
}
