// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c - an io_uring with a registered buffer
 */
#include <errno.h>
#include <string.h>

#include "pins.h"

#define PAGE_BYTES	4096
#define ENTRIES		16

bool ring_possible(void)
{
	struct io_uring uring;

	if (io_uring_queue_init(1, &uring, 0))
		return false;
	io_uring_queue_exit(&uring);
	return true;
}

int ring_open(struct ring *ring, int file)
{
	memset(ring, 0, sizeof(*ring));
	ring->file = file;
	return io_uring_queue_init(ENTRIES, &ring->uring, 0);
}

void ring_close(struct ring *ring)
{
	ring_unpin(ring);
	io_uring_queue_exit(&ring->uring);
}

int ring_pin(struct ring *ring, void *memory, size_t bytes)
{
	struct iovec iov = { .iov_base = memory, .iov_len = bytes };
	int ret = io_uring_register_buffers(&ring->uring, &iov, 1);

	if (ret)
		return ret;
	ring->pinned = memory;
	ring->bytes = bytes;
	return 0;
}

void ring_unpin(struct ring *ring)
{
	if (ring->pinned)
		io_uring_unregister_buffers(&ring->uring);
	ring->pinned = NULL;
}

static void prepare(struct ring *ring, bool write, unsigned char *page,
		    uint64_t at)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	bool fixed = ring->pinned && page >= ring->pinned &&
		     page < ring->pinned + ring->bytes;

	if (write && fixed)
		io_uring_prep_write_fixed(sqe, ring->file, page, PAGE_BYTES,
					  at, 0);
	else if (write)
		io_uring_prep_write(sqe, ring->file, page, PAGE_BYTES, at);
	else if (fixed)
		io_uring_prep_read_fixed(sqe, ring->file, page, PAGE_BYTES,
					 at, 0);
	else
		io_uring_prep_read(sqe, ring->file, page, PAGE_BYTES, at);
}

/* The first error of @nr requests; all of them have ended then. */
static int finish(struct ring *ring, unsigned int nr)
{
	struct io_uring_cqe *cqe;
	int ret, error = 0;

	while (nr) {
		ret = io_uring_wait_cqe(&ring->uring, &cqe);
		if (ret == -EINTR)
			continue;
		if (ret)
			return ret;
		if (cqe->res != PAGE_BYTES && !error)
			error = cqe->res < 0 ? cqe->res : -EIO;
		io_uring_cqe_seen(&ring->uring, cqe);
		nr--;
	}
	return error;
}

int ring_io(struct ring *ring, bool write, void *memory, size_t bytes,
	    uint64_t at)
{
	unsigned int nr = bytes / PAGE_BYTES, i;
	int ret, error;

	if (nr > ENTRIES)
		return -EINVAL;
	for (i = 0; i < nr; i++)
		prepare(ring, write, (unsigned char *)memory + i * PAGE_BYTES,
			at + i * PAGE_BYTES);
	ret = io_uring_submit(&ring->uring);
	if (ret < 0)
		return ret;
	error = finish(ring, ret);
	if (!error && ret < (int)nr)
		error = -EIO;
	return error;
}
