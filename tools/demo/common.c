// SPDX-License-Identifier: GPL-2.0
/*
 * common.c - what the parts of the demo share: errors, the clock, the stop flag
 * and the progress of the job. It uses none of them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "demo.h"

bool demo_stop;
struct progress demo_progress;

double demo_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void demo_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "tw-demo: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
}
