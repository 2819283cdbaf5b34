/* SPDX-License-Identifier: GPL-2.0 */
/* A JSON document, written as it goes. */
#ifndef _TW_JSON_H
#define _TW_JSON_H

#include <stdbool.h>
#include <linux/types.h>

/*
 * A document at a time. Key NULL within a list. A NULL string is null;
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

#endif /* _TW_JSON_H */
