/* SPDX-License-Identifier: GPL-2.0 */
/* A JSON document, written as it goes. */
#ifndef _TW_JSON_H
#define _TW_JSON_H

#include <stdbool.h>
#include <linux/types.h>

/*
 * What documents there are. Their names and versions are in json.c, and each has
 * a schema in docs/json; docs/json.md says what may change without a new version.
 */
enum json_schema {
	JSON_AGENT,
	JSON_AGENT_LIMIT,
	JSON_APPLY,
	JSON_ATTACHMENTS,
	JSON_BENCH,
	JSON_GROUP_LIMIT,
	JSON_HEATMAP,
	JSON_METRIC,
	JSON_MIGRATE,
	JSON_PAGE,
	JSON_PAGE_REGION,
	JSON_POLICY,
	JSON_PRESSURE,
	JSON_PRESSURE_SET,
	JSON_RECORD,
	JSON_STATS,
	JSON_STATUS,
	JSON_SWAP,
	JSON_TIER,
	JSON_TIER_DETECT,
	JSON_TIER_FORMAT,
	JSON_TIER_RESIZE,
	JSON_TIER_UNBIND,
	JSON_TIERWATCHD,
	JSON_TOP,
	JSON_TRACE,
	JSON_NR_SCHEMAS,
};

#define JSON_SCHEMA_LEN	64

/* What the first member of such an object says: tierwatch/NAME/VERSION. */
const char *json_schema(char buf[JSON_SCHEMA_LEN], enum json_schema schema);

/*
 * A document at a time. Its outermost object, or each object of its outermost
 * list, begins with json_begin() and says what it is; those within begin with
 * json_open(). Key NULL within a list. A NULL string is null; json_end() writes
 * the document to stdout, as one line.
 */
void json_begin(enum json_schema schema);
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
