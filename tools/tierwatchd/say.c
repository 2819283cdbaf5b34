// SPDX-License-Identifier: GPL-2.0
/*
 * What the daemon tells people.
 *
 * systemd's journal takes "<3>" before a line as its level; a person reads the
 * daemon's name there.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "say.h"

bool td_verbose;

void td_say(enum td_level level, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	if (level == TD_INFO && !td_verbose)
		return;
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	text_clean(text);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", level, text);
	else
		fprintf(stderr, "tierwatchd: %s\n", text);
	free(text);
}
