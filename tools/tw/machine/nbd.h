/* SPDX-License-Identifier: GPL-2.0 */
/* Block devices that a server of this machine backs: the kernel's nbd. */
#ifndef _TW_NBD_H
#define _TW_NBD_H

#include <stddef.h>

#define NBD_NAME_LEN	16

/* Loads the driver if need be and names a device that is free; 0 or the exit code. */
int nbd_find_free(char name[NBD_NAME_LEN], const char *log);
/* Connects it to the server that listens on @socket; 0 or the exit code. */
int nbd_connect(const char *name, const char *socket, const char *log);
/* Lets the server go; what is under way fails. A device that is free already is fine. */
int nbd_disconnect(const char *name, const char *log);
/* Does a server answer on @socket? */
int nbd_answers(const char *socket);

#endif /* _TW_NBD_H */
