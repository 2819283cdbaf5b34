/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands of tw share. */
#ifndef _TW_CLI_H
#define _TW_CLI_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "tw.h"

#define EXIT_USAGE	2
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* --device, or NULL for the one there normally is. */
extern const char *cli_device;

/**
 * struct cli_cmd - a command
 * @name: what the user types
 * @usage: its arguments
 * @help: one line
 * @run: gets its own arguments, argv[0] is the name; returns the exit code
 * @sub: or commands below it, ended by a NULL name
 * @more: its options, a line of at most 79 characters each; or NULL
 */
struct cli_cmd {
	const char *name;
	const char *usage;
	const char *help;
	int (*run)(int argc, char **argv);
	const struct cli_cmd *sub;
	const char *more;
};

int cmd_tier_list(int argc, char **argv);
int cmd_tier_format(int argc, char **argv);
int cmd_tier_bind(int argc, char **argv);
int cmd_tier_unbind(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_heatmap(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_agent_stats(int argc, char **argv);
int cmd_pressure(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_page(int argc, char **argv);

/* struct cli_cmd.more, each beside its command */
extern const char trace_more[], record_more[], heatmap_more[], top_more[],
	bench_more[];

/* util.c */

/* "tw: ..." to stderr. Returns EXIT_FAILURE. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "tw: ...: strerror(-err)". Returns EXIT_FAILURE. */
int cli_errno(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "tw: ..." and where to find help. Returns EXIT_USAGE. */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Opens the device, or says what to do; returns 0 or the exit code. */
int cli_open(struct tw **tw);
/* All output is out: returns @code, or EXIT_FAILURE when writing failed. */
int cli_flush(int code);

/* These return 0 or -EINVAL, -ERANGE. */
int parse_size(const char *s, __u64 *bytes);
int parse_u64(const char *s, __u64 *value);
int parse_nodes(const char *s, __u64 *nodes);
int parse_events(const char *s, __u64 *mask);
/* Says what is wrong; returns 0 or EXIT_USAGE. */
int parse_tier_arg(const char *s, int *tier);

/* Into @buf, which is returned. */
#define TEXT_LEN	32
const char *text_bytes(char *buf, __u64 bytes);
const char *text_ns(char *buf, __u64 ns);
const char *text_page(char *buf, __u64 page);
/* "0,2-3" into a buffer of 256 bytes */
#define NODES_LEN	256
const char *text_nodes(char *buf, __u64 nodes);

/* json.c: writes to stdout, puts the commas. Key NULL within a list. */
void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_u64(const char *key, __u64 value);
void json_s64(const char *key, __s64 value);
void json_bool(const char *key, bool value);
void json_str(const char *key, const char *value);
void json_page(const char *key, __u64 page);
/* Ends the document with a newline. */
void json_end(void);

/* super.c */
__u32 super_crc32c(const void *data, size_t len);
/*
 * Fills the TW_STORE_SUPER_SIZE bytes at @block. Label: up to 63 bytes, or
 * NULL.
 */
void super_make(void *block, __u64 bytes, const __u8 uuid[16],
		const char *label);
bool super_is_ours(const void *block);

#endif /* _TW_CLI_H */
