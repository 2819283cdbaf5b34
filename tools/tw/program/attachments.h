/* SPDX-License-Identifier: GPL-2.0 */
/* Attached programs: which there are, and how one comes to be. */
#ifndef _TW_ATTACHMENTS_H
#define _TW_ATTACHMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "tw.h"

/**
 * struct attachments - those that the caller may see; begins as zeroes
 * @one: by rising id
 * @nr: how many
 */
struct attachments {
	struct tw_attached *one;
	size_t nr;
};

/* 0 or -errno: -ENOTTY of an older driver. Free them in any case. */
int attachments_list(struct tw *tw, struct attachments *a);
/* The same; 0, or the exit code and it has said what is wrong. */
int attachments_load(struct tw *tw, struct attachments *a);
void attachments_free(struct attachments *a);
/* Those with the most memory first, wherever it is. */
void attachments_sort(struct tw *tw, struct attachments *a);
/* That of a process, or NULL. */
const struct tw_attached *attachments_find(const struct attachments *a,
					   __u32 pid);

/*
 * What tw_attach() has failed with, and what is to be done about it; the exit code. An
 * error that @pid has nothing to do with would be that of any other process, too.
 */
int attach_failed(__u32 pid, int err);
/* "process 4711 redis-server"; into a buffer of PROCESS_TEXT_LEN, which is returned. */
#define PROCESS_TEXT_LEN	64
const char *text_process(char *buf, __u32 pid);

#endif /* _TW_ATTACHMENTS_H */
