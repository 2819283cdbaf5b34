// SPDX-License-Identifier: GPL-2.0
/*
 * JSON documents, built and printed by json-c. What is open is kept as a
 * stack; the document is written when it ends, so that a command that fails
 * half-way has printed nothing, and a stream is one document a line.
 */
/* json-c has a type of the name of a function here. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/text.h"

#define MAX_DEPTH	16

static struct json_object *stack[MAX_DEPTH];
static unsigned int depth;
static struct json_object *document;

/* A version is raised when a program that reads the last one would be misled. */
static const struct {
	const char *name;
	unsigned int version;
} schemas[JSON_NR_SCHEMAS] = {
	[JSON_AGENT] = { "agent", 1 },
	[JSON_AGENT_LIMIT] = { "agent-limit", 1 },
	[JSON_APPLY] = { "apply", 1 },
	[JSON_ATTACHMENTS] = { "attachments", 1 },
	[JSON_BENCH] = { "bench", 1 },
	[JSON_GROUP_LIMIT] = { "group-limit", 1 },
	[JSON_HEATMAP] = { "heatmap", 1 },
	[JSON_METRIC] = { "metric", 1 },
	[JSON_MIGRATE] = { "migrate", 1 },
	[JSON_PAGE] = { "page", 1 },
	[JSON_PAGE_REGION] = { "page-region", 1 },
	[JSON_POLICY] = { "policy", 1 },
	[JSON_PRESSURE] = { "pressure", 1 },
	[JSON_PRESSURE_SET] = { "pressure-set", 1 },
	[JSON_RECORD] = { "record", 1 },
	[JSON_STATS] = { "stats", 1 },
	[JSON_STATUS] = { "status", 1 },
	[JSON_SWAP] = { "swap", 1 },
	[JSON_TIER] = { "tier", 1 },
	[JSON_TIER_DETECT] = { "tier-detect", 1 },
	[JSON_TIER_FORMAT] = { "tier-format", 1 },
	[JSON_TIER_RESIZE] = { "tier-resize", 1 },
	[JSON_TIER_UNBIND] = { "tier-unbind", 1 },
	[JSON_TIERWATCHD] = { "tierwatchd", 1 },
	[JSON_TOP] = { "top", 1 },
	[JSON_TRACE] = { "trace", 1 },
};

static void give_up(void)
{
	cli_error("no memory for the JSON document");
	exit(EXIT_FAILURE);
}

/* @value may be NULL, JSON's null. It belongs to what it is put into. */
static void put(const char *key, struct json_object *value)
{
	struct json_object *in = depth ? stack[depth - 1] : NULL;
	int err = 0;

	if (!in)
		document = value;
	else if (json_object_is_type(in, json_type_array))
		err = json_object_array_add(in, value);
	else
		err = json_object_object_add(in, key, value);
	if (err)
		give_up();
}

static void put_new(const char *key, struct json_object *value)
{
	if (!value)
		give_up();
	put(key, value);
}

const char *json_schema(char buf[JSON_SCHEMA_LEN], enum json_schema schema)
{
	snprintf(buf, JSON_SCHEMA_LEN, "tierwatch/%s/%u", schemas[schema].name,
		 schemas[schema].version);
	return buf;
}

/* The place of objects that are read by themselves, and so say what they are. */
static bool outermost(void)
{
	return !depth || (depth == 1 && json_object_is_type(stack[0], json_type_array));
}

static void open_new(const char *key, char bracket)
{
	struct json_object *value;

	if (depth == MAX_DEPTH)
		abort();
	value = bracket == '{' ? json_object_new_object() :
				 json_object_new_array();
	put_new(key, value);
	stack[depth++] = value;
}

void json_begin(enum json_schema schema)
{
	char name[JSON_SCHEMA_LEN];

	if (!outermost())
		abort();
	open_new(NULL, '{');
	json_str("schema", json_schema(name, schema));
}

void json_open(const char *key, char bracket)
{
	if (bracket == '{' && outermost())
		abort();
	open_new(key, bracket);
}

void json_close(char bracket)
{
	(void)bracket;
	depth--;
}

void json_u64(const char *key, __u64 value)
{
	put_new(key, json_object_new_uint64(value));
}

void json_s64(const char *key, __s64 value)
{
	put_new(key, json_object_new_int64(value));
}

/* Six digits are more than any measurement has. */
void json_double(const char *key, double value)
{
	struct json_object *number = json_object_new_double(value);

	if (number)
		json_object_set_serializer(number,
					   json_object_double_to_json_string,
					   (void *)"%.6g", NULL);
	put_new(key, number);
}

void json_bool(const char *key, bool value)
{
	put_new(key, json_object_new_boolean(value));
}

void json_str(const char *key, const char *value)
{
	char *text;

	if (!value) {
		put(key, NULL);
		return;
	}
	/* What isn't UTF-8 would make the whole document no JSON. */
	text = strdup(value);
	put_new(key, text ? json_object_new_string(text_utf8(text)) : NULL);
	free(text);
}

/* A string: many readers of JSON round numbers of this size. */
void json_page(const char *key, __u64 page)
{
	char buf[TEXT_LEN];

	json_str(key, text_page(buf, page));
}

void json_end(void)
{
	const char *text = json_object_to_json_string_ext(document,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		give_up();
	puts(text);
	json_object_put(document);
	document = NULL;
}
