// SPDX-License-Identifier: GPL-2.0
/*
 * Just enough JSON to write it.
 */
#include "cli.h"

static bool first = true;

static void put_str(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void put_key(const char *key)
{
	if (!first)
		putchar(',');
	first = false;
	if (key) {
		put_str(key);
		putchar(':');
	}
}

void json_open(const char *key, char bracket)
{
	put_key(key);
	putchar(bracket);
	first = true;
}

void json_close(char bracket)
{
	putchar(bracket);
	first = false;
}

void json_u64(const char *key, __u64 value)
{
	put_key(key);
	printf("%llu", (unsigned long long)value);
}

void json_s64(const char *key, __s64 value)
{
	put_key(key);
	printf("%lld", (long long)value);
}

void json_bool(const char *key, bool value)
{
	put_key(key);
	fputs(value ? "true" : "false", stdout);
}

void json_str(const char *key, const char *value)
{
	put_key(key);
	put_str(value);
}

/* A string: many readers of JSON round numbers of this size. */
void json_page(const char *key, __u64 page)
{
	char buf[TEXT_LEN];

	json_str(key, text_page(buf, page));
}

void json_end(void)
{
	putchar('\n');
	first = true;
}
