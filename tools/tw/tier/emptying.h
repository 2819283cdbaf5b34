/* SPDX-License-Identifier: GPL-2.0 */
/* How far unbinding a tier is. */
#ifndef _TW_EMPTYING_H
#define _TW_EMPTYING_H

#include "tw.h"

/*
 * On a terminal, how many pages a tier still has, while it is
 * unbound. NULL when there is no terminal.
 */
struct emptying;
struct emptying *emptying_show(struct tw *tw, int tier);
void emptying_end(struct emptying *e);

#endif /* _TW_EMPTYING_H */
