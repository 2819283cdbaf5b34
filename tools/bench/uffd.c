// SPDX-License-Identifier: GPL-2.0
/*
 * uffd.c - userfaultfd: faults handled by another thread of the process
 *
 * The whole fault counts: into the kernel, to the handler, its ioctl, and back.
 * The handler does nothing but read the message and answer it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define UFFD_PAGES	2048

enum answer { ANSWER_COPY, ANSWER_ZERO, ANSWER_CONTINUE };

struct handler {
	int fd;
	enum answer answer;
	char *from;
};

static void answer(struct handler *h, uint64_t addr)
{
	struct uffdio_copy copy = {
		.dst = addr,
		.src = (uintptr_t)h->from,
		.len = page_size,
	};
	struct uffdio_zeropage zero = {
		.range = { .start = addr, .len = page_size },
	};
	struct uffdio_continue cont = {
		.range = { .start = addr, .len = page_size },
	};
	int ret = -1;

	switch (h->answer) {
	case ANSWER_COPY:
		ret = ioctl(h->fd, UFFDIO_COPY, &copy);
		break;
	case ANSWER_ZERO:
		ret = ioctl(h->fd, UFFDIO_ZEROPAGE, &zero);
		break;
	case ANSWER_CONTINUE:
		ret = ioctl(h->fd, UFFDIO_CONTINUE, &cont);
		break;
	}
	if (ret)
		die("UFFDIO", errno);
}

static void *handle(void *arg)
{
	struct handler *h = arg;
	struct uffd_msg msg;

	/* read() is where it is cancelled. */
	for (;;) {
		if (read(h->fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		if (msg.event == UFFD_EVENT_PAGEFAULT)
			answer(h, msg.arg.pagefault.address & -page_size);
	}
	return NULL;
}

/* Returns the descriptor, or -1: not here. */
static int uffd_open(struct area *a, enum answer how)
{
	bool minor = how == ANSWER_CONTINUE;
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = minor ? UFFD_FEATURE_MINOR_SHMEM : 0,
	};
	struct uffdio_register reg = {
		.range = {
			.start = (uintptr_t)a->addr,
			.len = a->pages * page_size,
		},
		.mode = minor ? UFFDIO_REGISTER_MODE_MINOR :
				UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (!ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &reg))
		return fd;
	close(fd);
	return -1;
}

static void uffd_rounds(const char *name, struct area *a, bool write)
{
	const uint32_t *order = order_seq(a->pages);
	struct samples s = { .nr = 0 };
	struct watch w;

	while (s.nr < MAX_ROUNDS) {
		area_unmap_pages(a);
		watch_start_busy(&w);
		if (write)
			touch_write(a->addr, order, a->pages);
		else
			touch_read(a->addr, order, a->pages);
		watch_stop_busy(&w);
		sample(&s, w.busy, a->pages);
	}
	report(name, &s);
}

static void uffd_faults(const char *name, enum answer how, bool write)
{
	struct handler h = { .answer = how };
	pthread_t thread;
	struct area a;

	area_open(&a, NULL, how == ANSWER_CONTINUE ? AREA_SHMEM : AREA_ANON,
		  UFFD_PAGES);
	if (how == ANSWER_CONTINUE)
		area_write(&a);
	h.from = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (h.from == MAP_FAILED)
		die("mmap", errno);
	memset(h.from, 1, page_size);
	h.fd = uffd_open(&a, how);
	if (h.fd < 0) {
		report_skipped(name, "userfaultfd is not to be had here");
		goto out;
	}
	if (pthread_create(&thread, NULL, handle, &h))
		die("pthread_create", EAGAIN);
	uffd_rounds(name, &a, write);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	close(h.fd);
out:
	munmap(h.from, page_size);
	area_close(&a);
}

void bench_uffd(void)
{
	uffd_faults("uffd-missing-copy", ANSWER_COPY, true);
	/* Read: a write to the zero page is a second fault. */
	uffd_faults("uffd-missing-zero", ANSWER_ZERO, false);
	uffd_faults("uffd-minor-continue", ANSWER_CONTINUE, false);
}
