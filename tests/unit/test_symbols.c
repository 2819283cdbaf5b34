// SPDX-License-Identifier: GPL-2.0
/*
 * The shared library exports what the map lists, which is what tw.h and
 * tier_watch.h declare, nothing else; and it needs libc only.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MAX_NAMES	256
#define NAME_LEN	64

struct names {
	char name[MAX_NAMES][NAME_LEN];
	size_t nr;
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void add(struct names *n, const char *name, size_t len)
{
	assert_true(n->nr < MAX_NAMES && len < NAME_LEN);
	memcpy(n->name[n->nr], name, len);
	n->name[n->nr++][len] = '\0';
}

static void sort(struct names *n)
{
	assert_true(n->nr > 0);
	qsort(n->name, n->nr, NAME_LEN, compare);
}

static void expect_same(const struct names *a, const struct names *b)
{
	size_t i;

	for (i = 0; i < a->nr && i < b->nr; i++)
		assert_string_equal(a->name[i], b->name[i]);
	assert_int_equal(a->nr, b->nr);
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;
	size_t n;

	assert_non_null(f);
	text = calloc(1, 1 << 20);
	n = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	assert_true(n > 0);
	return text;
}

static void of_map(struct names *n)
{
	char *text = read_all(LIBTW_MAP), *line;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (line[0] == '\t' && isalpha((unsigned char)line[1]) &&
		    strchr(line, ';'))
			add(n, line + 1, strcspn(line + 1, ";"));
	free(text);
	sort(n);
}

/* Declarations: everything in front of a '(' at the outermost level. */
static void of_header(struct names *n, const char *path)
{
	char *text = read_all(path), *p;
	int depth = 0;

	for (p = text; *p; p++) {
		char *end, *start;

		if (!strncmp(p, "/*", 2)) {
			p = strstr(p, "*/") + 1;
			continue;
		}
		if (*p == '#') {
			do
				p += strcspn(p + 1, "\n") + 1;
			while (p[-1] == '\\');
			continue;
		}
		/* extern "C" { is no block to be skipped. */
		if (*p == '{' && p[-2] != '"')
			depth++;
		if (*p == '}' && depth)
			depth--;
		if (*p != '(' || depth)
			continue;
		end = p;
		start = p;
		while (isalnum((unsigned char)start[-1]) || start[-1] == '_')
			start--;
		add(n, start, end - start);
		p += strcspn(p, ";");
	}
	free(text);
}

static void of_library(struct names *n)
{
	char line[256], name[NAME_LEN];
	FILE *f = popen("nm -D --defined-only " LIBTW_SO, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char type;
		int nr;

		nr = sscanf(line, "%*x %c %63s", &type, name);
		assert_int_equal(nr, 2);
		/* The version itself is a symbol, too. */
		if (type == 'A') {
			assert_string_equal(name, "LIBTW_1.0");
			continue;
		}
		assert_int_equal(type, 'T');
		assert_string_equal(name + strcspn(name, "@"), "@@LIBTW_1.0");
		add(n, name, strcspn(name, "@"));
	}
	assert_int_equal(pclose(f), 0);
	sort(n);
}

static void test_map_is_header(void **state)
{
	struct names map = { .nr = 0 }, header = { .nr = 0 };

	(void)state;
	of_map(&map);
	of_header(&header, LIBTW_HEADER);
	of_header(&header, TIER_WATCH_HEADER);
	sort(&header);
	expect_same(&map, &header);
}

static void test_map_is_library(void **state)
{
	struct names map = { .nr = 0 }, library = { .nr = 0 };

	(void)state;
	of_map(&map);
	of_library(&library);
	expect_same(&map, &library);
}

static void test_libc_only(void **state)
{
	FILE *f = popen("readelf -d " LIBTW_SO, "r");
	bool soname = false;
	char line[256];

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "(NEEDED)"))
			assert_non_null(strstr(line, "[libc.so."));
		if (strstr(line, "(SONAME)"))
			soname = strstr(line, "[libtw.so.0]");
	}
	assert_int_equal(pclose(f), 0);
	assert_true(soname);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_is_header),
		cmocka_unit_test(test_map_is_library),
		cmocka_unit_test(test_libc_only),
	};

	return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
