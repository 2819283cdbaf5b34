// SPDX-License-Identifier: GPL-2.0
/*
 * crowd_pages.c - the threads of an agent that change its pages, each its own:
 * one with the CPU, one that has them sent without a copy, and one whose pages
 * an io_uring writes to a file and reads from it
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crowd.h"
#include "pins.h"

#define WORDS		(PAGE / 8)
#define NR_IO		96UL		/* pages of the last two each */
#define NR_WRITTEN	(NR_PAGES - 2 * NR_IO)
#define RUN_PAGES	8
#define IO_ENOUGH	12		/* steps of the last two */
#define REST_US		3000
#define ROUNDS		3		/* of the first: over all its pages */

/* What @page must be, and what it is made of. */
static uint64_t first_word(const struct me *me, uint64_t page)
{
	return mix((uint64_t)me->p->number << 56 ^ page << 32 ^
		   me->version[page]);
}

static void fill(struct me *me, uint64_t page, void *memory)
{
	volatile uint64_t *p = memory;
	unsigned int i;
	uint64_t first;

	me->version[page]++;
	first = first_word(me, page);
	for (i = 0; i < WORDS; i++)
		p[i] = first + i;
}

/* Is that the page's content, in its place or elsewhere? */
static bool check(const struct me *me, uint64_t page, const void *memory)
{
	const volatile uint64_t *p = memory;
	uint64_t first = first_word(me, page), is;
	unsigned int i;

	for (i = 0; i < WORDS; i++) {
		is = p[i];
		if (is == (me->version[page] ? first + i : 0))
			continue;
		complain("agent %u: page %llu, version %u, word %u is %#llx",
			 me->p->number, (unsigned long long)page,
			 me->version[page], i, (unsigned long long)is);
		return false;
	}
	return true;
}

static unsigned char *place(const struct me *me, uint64_t page)
{
	return me->base + page * PAGE;
}

void write_all(struct me *me)
{
	uint64_t page;

	for (page = 0; page < NR_PAGES; page++)
		fill(me, page, place(me, page));
}

void check_all(struct me *me)
{
	uint64_t page;

	for (page = 0; page < NR_PAGES; page++)
		check(me, page, place(me, page));
}

void *write_pages(void *data)
{
	struct me *me = data;
	uint64_t random = 11 + me->p->number, n = 0, page;

	while (in_phase(RUN)) {
		page = n < ROUNDS * NR_WRITTEN ? n % NR_WRITTEN :
						 draw(&random, NR_WRITTEN);
		check(me, page, place(me, page));
		if (n < NR_WRITTEN || !draw(&random, 3))
			fill(me, page, place(me, page));
		if (++n == ROUNDS * NR_WRITTEN)
			done_enough(me);
	}
	return NULL;
}

/* -- I/O ------------------------------------------------------------------- */

/* Pages that go through I/O, and a place for what comes out at its other end. */
struct io {
	uint64_t first;
	uint64_t random;
	unsigned char *buffer;
	union {
		struct wire wire;
		struct ring ring;
	};
};

static void fill_run(struct me *me, uint64_t page, unsigned char *memory)
{
	unsigned int i;

	for (i = 0; i < RUN_PAGES; i++)
		fill(me, page + i, memory + i * PAGE);
}

static void check_run(const struct me *me, uint64_t page,
		      const unsigned char *memory)
{
	unsigned int i;

	for (i = 0; i < RUN_PAGES; i++)
		if (!check(me, page + i, memory + i * PAGE))
			return;
}

static int send_run(struct me *me, struct io *io, uint64_t page)
{
	unsigned char *memory = place(me, page);
	int ret;

	fill_run(me, page, memory);
	ret = wire_send(&io->wire, memory, RUN_PAGES * PAGE);
	if (!ret) {
		usleep(draw(&io->random, REST_US));
		ret = wire_receive(&io->wire, io->buffer, RUN_PAGES * PAGE);
	}
	if (!ret) {
		check_run(me, page, io->buffer);
		ret = wire_settle(&io->wire);
	}
	return ret;
}

/* Out of the region into the file and the other way round, if possible pinned. */
static int ring_run(struct me *me, struct io *io, uint64_t page)
{
	uint64_t at = (page - io->first) * PAGE, bytes = RUN_PAGES * PAGE;
	unsigned char *memory = place(me, page);
	int ret;

	ret = ring_pin(&io->ring, memory, bytes);
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	fill_run(me, page, memory);
	ret = ring_io(&io->ring, true, memory, bytes, at);
	if (!ret)
		ret = ring_io(&io->ring, false, io->buffer, bytes, at);
	if (!ret) {
		check_run(me, page, io->buffer);
		fill_run(me, page, io->buffer);
		ret = ring_io(&io->ring, true, io->buffer, bytes, at);
	}
	if (!ret)
		ret = ring_io(&io->ring, false, memory, bytes, at);
	if (!ret)
		check_run(me, page, memory);
	ring_unpin(&io->ring);
	return ret;
}

static void do_io(struct me *me, struct io *io, const char *what,
		  int (*run)(struct me *me, struct io *io, uint64_t page))
{
	unsigned int n = 0;
	uint64_t page;
	int ret;

	while (in_phase(RUN)) {
		page = io->first + draw(&io->random, NR_IO - RUN_PAGES);
		check_run(me, page, place(me, page));
		ret = run(me, io, page);
		must(me, what, ret);
		if (ret)
			return;
		if (++n == IO_ENOUGH)
			done_enough(me);
		usleep(draw(&io->random, REST_US));
	}
}

void *send_pages(void *data)
{
	struct me *me = data;
	struct io io = {
		.first = NR_WRITTEN,
		.random = 55 + me->p->number,
		.buffer = malloc(RUN_PAGES * PAGE),
	};
	int ret = io.buffer ? wire_open(&io.wire) : -ENOMEM;

	must(me, "a connection", ret);
	if (!ret) {
		do_io(me, &io, "MSG_ZEROCOPY", send_run);
		wire_close(&io.wire);
	}
	free(io.buffer);
	return NULL;
}

void *ring_pages(void *data)
{
	struct me *me = data;
	struct io io = {
		.first = NR_WRITTEN + NR_IO,
		.random = 66 + me->p->number,
		.buffer = malloc(RUN_PAGES * PAGE),
	};
	int file, ret;

	if (!ring_possible()) {
		done_enough(me);
		free(io.buffer);
		return NULL;
	}
	file = memfd_create("crowd", MFD_CLOEXEC);
	ret = file < 0 ? -errno : io.buffer ? ring_open(&io.ring, file) :
					      -ENOMEM;
	must(me, "io_uring", ret);
	if (!ret) {
		do_io(me, &io, "I/O of io_uring", ring_run);
		ring_close(&io.ring);
	}
	if (file >= 0)
		close(file);
	free(io.buffer);
	return NULL;
}
