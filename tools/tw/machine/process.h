/* SPDX-License-Identifier: GPL-2.0 */
/* What a process is called, whose it is, and what memory it has mapped, from /proc. */
#ifndef _TW_PROCESS_H
#define _TW_PROCESS_H

#include <linux/types.h>

/* What the kernel keeps of a name, and its end. */
#define PROCESS_NAME_LEN	16

/* Fit to be shown; empty if there is no such process. */
void process_name(__u32 pid, char name[PROCESS_NAME_LEN]);
/* The user that it runs as, into @uid. 0 or -errno. */
int process_uid(__u32 pid, __u32 *uid);

/**
 * struct process_memory - what a process has in memory beside its own anonymous pages
 * @file: bytes of files that it has mapped, its program and libraries among them
 * @shared: bytes of shared memory: tmpfs, System V's, and shared anonymous mappings
 */
struct process_memory {
	__u64 file;
	__u64 shared;
};

/*
 * As the kernel counts them: what several processes have mapped counts for each. 0 or
 * -errno; -ENODATA: it has no memory, having ended or being the kernel's.
 */
int process_memory(__u32 pid, struct process_memory *m);

#endif /* _TW_PROCESS_H */
