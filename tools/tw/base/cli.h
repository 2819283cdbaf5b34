/* SPDX-License-Identifier: GPL-2.0 */
/* What all commands of tw share: exit codes, errors, and the device. */
#ifndef _TW_CLI_H
#define _TW_CLI_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

#include "tw.h"

/*
 * Exit codes, also in tw(1). 0 and 1 (something failed) are stdlib.h's; these
 * say what to do: read the help, load the driver, get a right.
 */
#define EXIT_USAGE		2
#define EXIT_NO_DEVICE		3
#define EXIT_NO_PERMISSION	4
/* As a shell says of a program that SIGINT ended: 128 + SIGINT. */
#define EXIT_INTERRUPTED	130

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What errors begin with: "tw", unless another program says its name. */
extern const char *cli_program;
/* --device, or NULL for the one there normally is. */
extern const char *cli_device;
/* The command that runs ("tier bind"), for whose help cli_usage() sends. */
extern const char *cli_command;

/**
 * struct cli_cmd - a command
 * @name: what the user types
 * @usage: its arguments
 * @help: one line
 * @run: gets its own arguments, argv[0] is for error messages; returns the exit code
 * @sub: or commands below it, ended by a NULL name
 * @more: its options, a line of at most 79 characters each, all ending in a
 *	newline and no more than 16; or NULL
 */
struct cli_cmd {
	const char *name;
	const char *usage;
	const char *help;
	int (*run)(int argc, char **argv);
	const struct cli_cmd *sub;
	const char *more;
};

/* "tw: ..." to stderr. Returns EXIT_FAILURE. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * "tw: ...: strerror(-err)". Returns EXIT_FAILURE, or EXIT_NO_PERMISSION for
 * -EPERM and -EACCES.
 */
int cli_errno(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "tw: ...", which names the right that is missing. EXIT_NO_PERMISSION. */
int cli_no_permission(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
/* "tw: ..." and where to find help. Returns EXIT_USAGE. */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Opens the device, or says what to do; returns 0 or the exit code. */
int cli_open(struct tw **tw);
/* All output is out: returns @code, or EXIT_FAILURE when writing failed. */
int cli_flush(int code);

/* 0 or -EINVAL */
int parse_events(const char *s, __u64 *mask);
/* Says what is wrong; returns 0 or EXIT_USAGE. */
int parse_tier_arg(const char *s, int *tier);

#endif /* _TW_CLI_H */
