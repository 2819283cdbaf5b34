// SPDX-License-Identifier: GPL-2.0
/*
 * How far long work is: a line on stderr that is written over. All commands tell
 * it by way of this file, each from one thread. That Ctrl-C ends it is stop.c's.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/stop.h"

/* Ten times a second are enough for eyes. */
#define PROGRESS_NS	100000000ULL

bool progress_wanted(void)
{
	return isatty(STDERR_FILENO);
}

void progress_say(struct progress *p, const char *fmt, ...)
{
	va_list ap;

	if (!progress_wanted())
		return;
	p->shown_ns = now_ns();
	fputc('\r', stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\033[K", stderr);
	fflush(stderr);
}

void progress_show(struct progress *p, __u64 done)
{
	if (p->shown_ns && now_ns() - p->shown_ns < PROGRESS_NS)
		return;
	if (p->total)
		progress_say(p, "%s: %llu of %llu pages (%llu %%)", p->what,
			     (unsigned long long)done,
			     (unsigned long long)p->total,
			     (unsigned long long)(100 * (double)done / p->total));
	else
		progress_say(p, "%s: %llu pages", p->what,
			     (unsigned long long)done);
}

void progress_end(struct progress *p)
{
	if (p->shown_ns)
		fputs("\r\033[K", stderr);
	p->shown_ns = 0;
}
