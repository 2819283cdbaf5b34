/* SPDX-License-Identifier: GPL-2.0 */
/* Programs that tw starts: their output goes to a file, for what is said of a failure. */
#ifndef _TW_COMMAND_H
#define _TW_COMMAND_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Starts a program that is found in PATH, in a session of its own, with no input; it
 * outlives tw. @log: file that its output is appended to. Its process, or -errno:
 * -ENOENT if there is no such program.
 */
pid_t command_start(const char *log, const char *const argv[]);
/* Starts it and waits. Its exit code, 128 for a signal; or -errno as above. */
int command_run(const char *log, const char *const argv[]);
/* The last line of the log that is not empty, or "" */
void command_said(char *buf, size_t len, const char *log);

#endif /* _TW_COMMAND_H */
