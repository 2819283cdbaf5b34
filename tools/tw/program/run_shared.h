/* SPDX-License-Identifier: GPL-2.0 */
/* Shared anonymous memory of a command that is run becomes regions. */
#ifndef _TW_RUN_SHARED_H
#define _TW_RUN_SHARED_H

#include <linux/types.h>
#include <stdbool.h>

/*
 * The command, once it is executed, has what is in libtw-preload.so, for mappings of
 * at least @least bytes, with pages of 2 MiB if @huge. Changes the environment. 0, or
 * the exit code and it has said what is wrong.
 */
int run_shared(__u64 least, bool huge);

#endif /* _TW_RUN_SHARED_H */
