/* SPDX-License-Identifier: GPL-2.0 */
/* Regions' files, borrowed from the processes that have them. */
#ifndef _TW_BORROW_H
#define _TW_BORROW_H

#include <stddef.h>

/**
 * struct borrowed - files that are open here because they are elsewhere
 * @fd: @nr of them
 * @room: for so many
 */
struct borrowed {
	int *fd;
	size_t nr;
	size_t room;
};

/*
 * Borrows all of a process's: for as long as they are open its regions' pages may
 * be named by number here. A process that may not be looked into lends none, and
 * one that has mapped a region and closed its file has none to lend. Root of the
 * initial user namespace, to whom all pages may be named, borrows nothing. Returns
 * 0 or -ENOMEM.
 */
int borrow_of(struct borrowed *b, unsigned int pid);
/* The same of all processes that may be looked into. 0, -ENOMEM or -errno. */
int borrow_of_all(struct borrowed *b);
/* Gives them back. A region that its program has left ends with that. */
void borrow_return(struct borrowed *b);

#endif /* _TW_BORROW_H */
