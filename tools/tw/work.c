// SPDX-License-Identifier: GPL-2.0
/*
 * How far long work is, on a terminal. Its end by Ctrl-C is stop.c's.
 */
#include <stdio.h>
#include <unistd.h>

#include "stop.h"
#include "work.h"

/* Ten times a second are enough for eyes. */
#define PROGRESS_NS	100000000ULL

void progress_show(struct progress *p, __u64 done)
{
	__u64 now;

	if (!isatty(STDERR_FILENO))
		return;
	now = now_ns();
	if (p->shown_ns && now - p->shown_ns < PROGRESS_NS)
		return;
	p->shown_ns = now;
	if (p->total)
		fprintf(stderr, "\r%s: %llu of %llu pages (%llu %%)\033[K",
			p->what, (unsigned long long)done,
			(unsigned long long)p->total,
			(unsigned long long)(100 * (double)done / p->total));
	else
		fprintf(stderr, "\r%s: %llu pages\033[K", p->what,
			(unsigned long long)done);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->shown_ns)
		fputs("\r\033[K", stderr);
	p->shown_ns = 0;
}
