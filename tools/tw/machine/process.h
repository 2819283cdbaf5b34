/* SPDX-License-Identifier: GPL-2.0 */
/* What a process is called, and whose it is, from /proc. */
#ifndef _TW_PROCESS_H
#define _TW_PROCESS_H

#include <linux/types.h>

/* What the kernel keeps of a name, and its end. */
#define PROCESS_NAME_LEN	16

/* Fit to be shown; empty if there is no such process. */
void process_name(__u32 pid, char name[PROCESS_NAME_LEN]);
/* The user that it runs as, into @uid. 0 or -errno. */
int process_uid(__u32 pid, __u32 *uid);

#endif /* _TW_PROCESS_H */
