// SPDX-License-Identifier: GPL-2.0
/*
 * area.c - memory of three kinds, and touching it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define MAX_ORDER	16384
#define CGROUPS		"/sys/fs/cgroup"

const char * const area_names[] = {
	[AREA_ANON]	= "anonymous",
	[AREA_SHMEM]	= "shmem",
	[AREA_REGION]	= "region",
	[AREA_HUGE]	= "region-huge",
};

size_t page_size;

static uint32_t order[MAX_ORDER];

/* -- areas ------------------------------------------------------------------- */

static void area_map(struct area *a, int flags, int fd)
{
	size_t bytes = a->pages * page_size;

	a->addr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (a->addr == MAP_FAILED)
		die("mmap", errno);
	/* 4 KiB pages for all; a kernel without huge ones refuses that. */
	madvise(a->addr, bytes, MADV_NOHUGEPAGE);
}

void area_open(struct area *a, struct tw *tw, enum area_kind kind,
	       unsigned int pages)
{
	int err;

	*a = (struct area){ .kind = kind, .pages = pages, .fd = -1 };
	switch (kind) {
	case AREA_ANON:
		area_map(a, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		break;
	case AREA_SHMEM:
		a->fd = memfd_create("tw-bench", MFD_CLOEXEC);
		if (a->fd < 0 || ftruncate(a->fd, pages * page_size))
			die("memfd", errno);
		area_map(a, MAP_SHARED, a->fd);
		break;
	case AREA_REGION:
	case AREA_HUGE:
		err = tw_region_create(tw, pages * page_size, TW_TIER_CPU,
				       kind == AREA_HUGE ? TW_REGION_HUGE : 0,
				       NULL, &a->region);
		if (err)
			die("tw_region_create", err);
		a->addr = tw_region_addr(a->region);
		break;
	}
}

void area_close(struct area *a)
{
	if (a->region) {
		tw_region_close(a->region);
		return;
	}
	munmap(a->addr, a->pages * page_size);
	if (a->fd >= 0)
		close(a->fd);
}

void area_unmap_pages(struct area *a)
{
	if (madvise(a->addr, a->pages * page_size, MADV_DONTNEED))
		die("MADV_DONTNEED", errno);
}

/* -- orders ------------------------------------------------------------------ */

static uint32_t random_below(uint32_t n)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (x >> 32) % n;
}

static void shuffle(uint32_t *v, unsigned int nr)
{
	unsigned int i;

	for (i = nr; i > 1; i--) {
		unsigned int j = random_below(i);
		uint32_t swap = v[i - 1];

		v[i - 1] = v[j];
		v[j] = swap;
	}
}

const uint32_t *order_seq(unsigned int pages)
{
	unsigned int i;

	if (pages > MAX_ORDER)
		die("area too large", 0);
	for (i = 0; i < pages; i++)
		order[i] = i;
	return order;
}

const uint32_t *order_random(unsigned int pages)
{
	order_seq(pages);
	shuffle(order, pages);
	return order;
}

const uint32_t *order_turns(unsigned int pages, unsigned int readers)
{
	unsigned int i, each = pages / readers;

	order_seq(pages);
	for (i = 0; i < each * readers; i++)
		order[i] = i % readers * each + i / readers;
	return order;
}

const uint32_t *order_sparse(unsigned int pages)
{
	unsigned int i, nr = pages / WINDOW;

	order_random(nr);
	for (i = 0; i < nr; i++)
		order[i] *= WINDOW;
	return order;
}

const uint32_t *order_windows(unsigned int pages)
{
	unsigned int i;

	order_sparse(pages);
	for (i = 0; i < pages / WINDOW; i++)
		order[i] += random_below(WINDOW);
	return order;
}

/* -- touching ---------------------------------------------------------------- */

void touch_read(const char *addr, const uint32_t *at, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		touch(addr + at[i] * page_size);
}

void touch_write(char *addr, const uint32_t *at, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		__atomic_store_n(addr + at[i] * page_size, (char)at[i] | 1,
				 __ATOMIC_RELAXED);
}

void area_write(struct area *a)
{
	touch_write(a->addr, order_seq(a->pages), a->pages);
}

void area_read(struct area *a)
{
	touch_read(a->addr, order_seq(a->pages), a->pages);
}

/* -- cgroups ----------------------------------------------------------------- */

int cgroup_write(const char *name, const char *file, const char *text)
{
	char path[256];
	int fd, err = 0;

	snprintf(path, sizeof(path), CGROUPS "/%s/%s", name, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

bool cgroup_enter(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), CGROUPS "/%s", name);
	if (mkdir(path, 0755) && errno != EEXIST)
		return false;
	snprintf(path, sizeof(path), CGROUPS "/%s/memory.current", name);
	return !access(path, R_OK) && !cgroup_write(name, "cgroup.procs", "0");
}
