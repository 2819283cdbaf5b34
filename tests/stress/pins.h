/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pins.h - I/O that holds on to the memory it was given after the call is over:
 * a TCP connection that sends without copying, and an io_uring with registered
 * buffers. For the hammer and the crowd. All return 0 or -errno.
 */
#ifndef _PINS_H
#define _PINS_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -- wire.c ---------------------------------------------------------------- */

/**
 * struct wire - a TCP connection of the caller with itself; -1 is no socket
 * @out: sends
 * @in: receives
 * @sends: so many calls of MSG_ZEROCOPY
 * @ended: so many of them need their memory no more
 * @copied: of these, so many were copied by the kernel after all
 */
struct wire {
	int out;
	int in;
	uint64_t sends;
	uint64_t ended;
	uint64_t copied;
};

int wire_open(struct wire *wire);
void wire_close(struct wire *wire);
/*
 * Send @memory as it is: until wire_settle() it must not change. What the other
 * end has no room for waits here, in the caller's pages; 64 KiB always find room.
 */
int wire_send(struct wire *wire, const void *memory, size_t bytes);
int wire_receive(struct wire *wire, void *memory, size_t bytes);
/* When all has been received: until the kernel has let go of what was sent. */
int wire_settle(struct wire *wire);

/* -- ring.c ---------------------------------------------------------------- */

/**
 * struct ring - an io_uring for one file
 * @uring: it
 * @file: the file, not ours
 * @pinned: registered memory, NULL when there is none
 * @bytes: of it
 */
struct ring {
	struct io_uring uring;
	int file;
	unsigned char *pinned;
	size_t bytes;
};

/* Does this machine let us? */
bool ring_possible(void);
int ring_open(struct ring *ring, int file);
void ring_close(struct ring *ring);
/* Register @memory as the ring's fixed buffer; there is only one. */
int ring_pin(struct ring *ring, void *memory, size_t bytes);
void ring_unpin(struct ring *ring);
/*
 * Whole pages between @memory and the file's byte @at, all at the same time; as
 * fixed-buffer I/O when @memory is registered.
 */
int ring_io(struct ring *ring, bool write, void *memory, size_t bytes,
	    uint64_t at);

#endif
