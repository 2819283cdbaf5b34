/* SPDX-License-Identifier: GPL-2.0 */
/* Telling how far a call is that lasts, from a thread beside it. */
#ifndef _TW_BESIDE_H
#define _TW_BESIDE_H

#include "base/progress.h"

struct beside;

/*
 * On a terminal, calls @tell twice a second with a line of progress, zeroed at first,
 * until beside_end(). It runs in a thread of its own, which no signal goes to: Ctrl-C
 * is for the thread that waits in the call. NULL when there is no terminal.
 */
struct beside *beside_begin(void (*tell)(struct progress *p, void *arg),
			    void *arg);
/* Takes the line off the screen. @b may be NULL. */
void beside_end(struct beside *b);

#endif /* _TW_BESIDE_H */
