// SPDX-License-Identifier: GPL-2.0
/*
 * How output looks: colours and, for counts, units.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/term.h"
#include "base/text.h"
#include "tw.h"

bool cli_human;

static enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } color_mode;

int color_parse(const char *when)
{
	if (!strcmp(when, "auto"))
		color_mode = COLOR_AUTO;
	else if (!strcmp(when, "always"))
		color_mode = COLOR_ALWAYS;
	else if (!strcmp(when, "never"))
		color_mode = COLOR_NEVER;
	else
		return -EINVAL;
	return 0;
}

/* https://no-color.org: set and not empty means none, unless asked for. */
bool color_wanted(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color_mode != COLOR_AUTO)
		return color_mode == COLOR_ALWAYS;
	if (no && *no)
		return false;
	return isatty(fileno(f)) && term && strcmp(term, "dumb");
}

const char *color_on(FILE *f, enum cli_color color)
{
	static const char * const codes[] = {
		[COLOR_BOLD] = "\033[1m", [COLOR_DIM] = "\033[2m",
		[COLOR_GOOD] = "\033[32m", [COLOR_WARN] = "\033[33m",
		[COLOR_BAD] = "\033[31m",
	};

	return color_wanted(f) ? codes[color] : "";
}

const char *color_off(FILE *f)
{
	return color_wanted(f) ? "\033[0m" : "";
}

enum cli_color color_of_level(int level)
{
	return level >= TW_PRESSURE_HIGH ? COLOR_BAD :
	       level == TW_PRESSURE_MEDIUM ? COLOR_WARN : COLOR_GOOD;
}

const char *text_count(char *buf, __u64 n)
{
	static const char units[] = "kMGTPE";
	double v = n;
	int i = -1;

	if (!cli_human || n < 1000) {
		snprintf(buf, TEXT_LEN, "%llu", (unsigned long long)n);
		return buf;
	}
	/* 999.95 would be printed as 1000. */
	for (; v >= 999.95; v /= 1000)
		i++;
	snprintf(buf, TEXT_LEN, "%.1f%c", v, units[i]);
	return buf;
}
