/* SPDX-License-Identifier: GPL-2.0 */
/* Files that tw writes: all of them go through here. */
#ifndef _TW_OUTPUT_H
#define _TW_OUTPUT_H

#include <stddef.h>

/*
 * Writes @len bytes at @data to @path, whole or not at all: a regular file is
 * written aside, in its own folder, and takes the old one's place with its mode
 * and owner; a new one has the mode that umask leaves. A symbolic link stays,
 * what it points to is replaced. What is no regular file (/dev/null, a pipe, a
 * terminal) is written to. Returns 0, or says why not and returns the exit code:
 * then a regular file is as it was.
 */
int output_write(const char *path, const void *data, size_t len);

/*
 * Opens @path to be written as time goes by, and locks it: one writer at a time.
 * A regular file that is there and not empty must begin with @magic, or else is
 * left alone; it is emptied. Returns a descriptor, or says why not and returns
 * minus the exit code.
 */
int output_open(const char *path, const void *magic, size_t len);

#endif /* _TW_OUTPUT_H */
