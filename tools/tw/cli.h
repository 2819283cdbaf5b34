/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands of tw share. */
#ifndef _TW_CLI_H
#define _TW_CLI_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

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

/* Room for any of the text_...() below */
#define TEXT_LEN	32
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

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

/* help.c */
void help_cmd(FILE *f, const char *above, const struct cli_cmd *c);
void help_all(FILE *f, const struct cli_cmd *list);

int cmd_tier_list(int argc, char **argv);
int cmd_tier_format(int argc, char **argv);
int cmd_tier_bind(int argc, char **argv);
int cmd_tier_unbind(int argc, char **argv);
int cmd_tier_detect(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_agent_list(int argc, char **argv);
int cmd_agent_show(int argc, char **argv);
int cmd_agent_limit(int argc, char **argv);
int cmd_policy_show(int argc, char **argv);
int cmd_policy_set(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_heatmap(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_pressure(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_page(int argc, char **argv);

/* struct cli_cmd.more, each beside its command */
extern const char tier_list_more[], tier_format_more[], tier_bind_more[],
	tier_unbind_more[], tier_detect_more[], apply_more[];
extern const char trace_more[], record_more[], heatmap_more[], top_more[],
	bench_more[];
extern const char status_more[], agent_list_more[], agent_show_more[];
extern const char agent_limit_more[], page_more[], migrate_more[];
extern const char policy_show_more[], policy_set_more[], pressure_more[];
extern const char metrics_more[];

/* text.c */

/*
 * What came from elsewhere - names, labels, paths - as text that a terminal can
 * be given: each byte that is of no whole letter in UTF-8, or of one that would
 * command the terminal, becomes a "?". In place; returns @s.
 */
char *text_clean(char *s);
/* Is it text as it is? */
bool text_is_clean(const char *s);
/* The same as text_clean() in memory of its own, until the eighth call after. */
const char *text_shown(const char *s);
/* Only what is no UTF-8 becomes a "?". In place; returns @s. */
char *text_utf8(char *s);

/* util.c */

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

/* suggest.c */

/* Letters to change, insert, leave out or swap to get from @a to @b. */
unsigned int suggest_distance(const char *a, const char *b);
/* The name that @word is closest to, or NULL when it is close to none. */
const char *suggest(const char *word, const char * const *names, size_t nr);

/* term.c */

enum cli_color {
	COLOR_BOLD,
	COLOR_DIM,
	COLOR_GOOD,
	COLOR_WARN,
	COLOR_BAD,
};

/* --human: text_count() uses units. JSON is never affected. */
extern bool cli_human;
/* --color: 0 or -EINVAL. */
int color_parse(const char *when);
/* Does @f get colours? Asked for, or a terminal and NO_COLOR is not set. */
bool color_wanted(FILE *f);
/*
 * What to print before and after a coloured word; "" without colours. It takes
 * no room on the screen, so put the widths on the word, not on these.
 */
const char *color_on(FILE *f, enum cli_color color);
const char *color_off(FILE *f);
/* Of an enum tw_level */
enum cli_color color_of_level(int level);
/* A number of pages, faults, ...: with --human "12.3M" */
const char *text_count(char *buf, __u64 n);

/*
 * number.c: these return 0 or -EINVAL, -ERANGE, and then leave what there was.
 * Numbers are decimal.
 */
int parse_size(const char *s, __u64 *bytes);
int parse_u64(const char *s, __u64 *value);
int parse_within(const char *s, __u64 least, __u64 most, __u64 *value);
/* "800x600" */
int parse_pair(const char *s, char between, __u64 *a, __u64 *b);
/* Of a page or in memory: hexadecimal after 0x, or decimal. */
int parse_addr(const char *s, __u64 *value);
int parse_nodes(const char *s, __u64 *nodes);
/* Says what is wrong; returns 0 or EXIT_USAGE. */
int parse_pid(const char *s, __u32 *pid);

/* util.c: 0 or -EINVAL */
int parse_events(const char *s, __u64 *mask);
/* Says what is wrong; returns 0 or EXIT_USAGE. */
int parse_tier_arg(const char *s, int *tier);

/* Into @buf, which is returned. */
const char *text_bytes(char *buf, __u64 bytes);
const char *text_ns(char *buf, __u64 ns);
const char *text_page(char *buf, __u64 page);
/* "0,2-3" into a buffer of 256 bytes */
#define NODES_LEN	256
const char *text_nodes(char *buf, __u64 nodes);

/*
 * json.c: a document at a time. Key NULL within a list. A NULL string is null;
 * json_end() writes the document to stdout, as one line.
 */
void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_u64(const char *key, __u64 value);
void json_s64(const char *key, __s64 value);
void json_double(const char *key, double value);
void json_bool(const char *key, bool value);
void json_str(const char *key, const char *value);
void json_page(const char *key, __u64 page);
void json_end(void);

/* super.c */

#define UUID_LEN	37
#define LABEL_LEN	65

/**
 * struct super - what a signature says
 * @bytes: size of the device when it was signed
 * @tier: that it was signed for; TW_TIER_NONE: for any
 * @uuid: as text
 * @label: as it was given; or empty
 */
struct super {
	__u64 bytes;
	int tier;
	char uuid[UUID_LEN];
	char label[LABEL_LEN];
};

__u32 super_crc32c(const void *data, size_t len);
/*
 * Fills the TW_STORE_SUPER_SIZE bytes at @block. Label: up to 63 bytes, or
 * NULL. Tier: what it is for, or TW_TIER_NONE.
 */
void super_make(void *block, __u64 bytes, const __u8 uuid[16],
		const char *label, int tier);
/* Was it meant as a signature? */
bool super_is_ours(const void *block);
/* False, and what it says is nothing: it is damaged, or none of this version. */
bool super_read(struct super *to, const void *block);
void super_uuid(char text[UUID_LEN], const __u8 uuid[16]);
/* A store by "UUID=..." or "LABEL=...": well said? And is it this one's? */
bool store_tag_ok(const char *tag);
bool store_tag_is(const char *tag, const struct super *super);

#endif /* _TW_CLI_H */
