/* SPDX-License-Identifier: GPL-2.0 */
/*
 * say.h - what the daemon tells people: one line each, to stderr
 *
 * All files here call it.
 */
#ifndef _TD_SAY_H
#define _TD_SAY_H

#include <stdbool.h>

/* As syslog(3) numbers them. */
enum td_level { TD_ERROR = 3, TD_WARNING = 4, TD_NOTICE = 5, TD_INFO = 6 };

/* Whether TD_INFO is said, too. */
extern bool td_verbose;

void td_say(enum td_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
