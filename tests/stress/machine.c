// SPDX-License-Identifier: GPL-2.0
/*
 * machine.c - what the machine around us does meanwhile (as root, --machine):
 * reclaim and compaction, regions that come and go, accessed bits cleared, memory
 * wanted by others (anywhere and on one node), CPUs and memory that leave and
 * come back
 *
 * Each worker looks at its own bytes; the others look at theirs all the time. What
 * this machine or kernel does not have is left out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "content.h"
#include "hammer.h"

#define CHUNK_PAGES	512	/* of a region: records are made for so many */
#define CHUNKS		8
#define MPOL_BIND	2
#define CPU_ONLINE	"/sys/devices/system/cpu/cpu1/online"
#define BLOCKS		"/sys/devices/system/memory"

/* 0 or -errno */
static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void must_put(struct hammer *h, struct worker *w, const char *path,
		     const char *text)
{
	int ret = put(path, text);

	if (ret)
		hammer_error(h, "%s: %s: %s", w->name, path, strerror(-ret));
}

static void rest(struct hammer *h, unsigned int ms)
{
	while (ms-- && hammer_running(h))
		hammer_sleep(1000);
}

/* -- reclaim, compaction, accessed bits -------------------------------------- */

static void reclaim_run(struct hammer *h, struct worker *w)
{
	/* From now on without a word about it in the log. */
	must_put(h, w, "/proc/sys/vm/drop_caches", "4");
	while (hammer_running(h)) {
		must_put(h, w, "/proc/sys/vm/drop_caches", "2");
		if (!worker_random(w, 8) &&
		    !access("/proc/sys/vm/compact_memory", W_OK))
			must_put(h, w, "/proc/sys/vm/compact_memory", "1");
		if (!worker_random(w, 4))
			must_put(h, w, "/proc/self/clear_refs", "1");
		worker_did(w, 1);
		rest(h, worker_random(w, 50));
	}
}

/* -- regions that come and go ------------------------------------------------- */

/* One page in each of some chunks: much to free for little to fill. */
static bool one_region(struct hammer *h, struct worker *w)
{
	struct tw_region *region;
	unsigned char *base;
	bool right = true;
	uint64_t *page;
	int i, ret;

	ret = tw_region_create(h->tw, CHUNKS * CHUNK_PAGES * PAGE_BYTES,
			       TW_TIER_CPU, 0, NULL, &region);
	if (ret) {
		hammer_error(h, "%s: making a region: %s", w->name,
			     strerror(-ret));
		return false;
	}
	base = tw_region_addr(region);
	for (i = 0; i < CHUNKS; i++)
		content_fill((uint64_t *)(base + i * CHUNK_PAGES * PAGE_BYTES),
			     h->options.seed, i, w->ops + 1);
	for (i = 0; right && i < CHUNKS; i++) {
		page = (uint64_t *)(base + i * CHUNK_PAGES * PAGE_BYTES);
		right = content_right(h, w, "in a short-lived region", page, i,
				      w->ops + 1);
	}
	tw_region_close(region);
	return right;
}

static void regions_run(struct hammer *h, struct worker *w)
{
	while (hammer_running(h) && one_region(h, w)) {
		worker_did(w, 1);
		worker_rests(w, 2);
	}
}

/* -- memory wanted by others ---------------------------------------------------- */

/* The line of a meminfo file that begins with @name, in pages. */
static uint64_t meminfo_pages(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	char line[128], *found = NULL;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, name);
	if (file)
		fclose(file);
	return found ? strtoull(found + strlen(name), NULL, 10) * 1024 /
		       PAGE_BYTES : 0;
}

/*
 * What a well-behaved neighbour takes. Little of a node, of which a part may be
 * leaving: a program bound to it can have no other.
 */
static uint64_t hog_pages(int node)
{
	char path[64];

	if (node < 0)
		return meminfo_pages("/proc/meminfo", "MemAvailable:") / 6;
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo",
		 node);
	return meminfo_pages(path, "MemFree:") / 8;
}

/* @node: on that one alone; -1: anywhere. True when its bytes were right. */
static bool one_hog(struct hammer *h, struct worker *w, int node)
{
	uint64_t pages = hog_pages(node), room = pages * PAGE_BYTES, i;
	unsigned long mask = node < 0 ? 0 : 1UL << node;
	uint64_t turn = w->ops + 1;
	unsigned char *memory;
	bool right = true;

	memory = mmap(NULL, room, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)	/* nothing is free on that node */
		return true;
	/* A node that has just lost its memory cannot be bound to. */
	if (node >= 0 && syscall(SYS_mbind, memory, room, MPOL_BIND, &mask,
				 8 * sizeof(mask), 0))
		pages = 0;
	for (i = 0; i < pages && hammer_running(h); i++) {
		content_fill((uint64_t *)(memory + i * PAGE_BYTES),
			     h->options.seed, i, turn);
		/* Each page may wait for reclaim: slow is not stuck. */
		worker_did(w, 1);
	}
	pages = i;
	for (i = 0; right && i < pages; i++)
		right = content_right(h, w, "in ordinary memory",
				      (uint64_t *)(memory + i * PAGE_BYTES), i,
				      turn);
	munmap(memory, room);
	return right;
}

static void hog_run(struct hammer *h, struct worker *w)
{
	int node = -1;

	while (hammer_running(h)) {
		if (w->number)	/* the second of them: on one node */
			node = worker_random(w, 2);
		if (!one_hog(h, w, node))
			break;
		worker_did(w, 1);
		rest(h, 200);
	}
}

/* -- CPUs and memory that leave ---------------------------------------------------- */

static void cpu_run(struct hammer *h, struct worker *w)
{
	while (hammer_running(h)) {
		/* Busy while memory is leaving: not this time. */
		if (put(CPU_ONLINE, "0"))
			rest(h, 100);
		rest(h, 20);
		put(CPU_ONLINE, "1");
		worker_did(w, 1);
		rest(h, 300);
	}
	must_put(h, w, CPU_ONLINE, "1");
}

/* A block that cannot leave, or not now, stays: that is for the kernel to say. */
static void one_block(struct hammer *h, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), BLOCKS "/%s/state", name);
	if (put(path, "offline"))
		return;
	rest(h, 50);
	while (put(path, "online"))
		hammer_sleep(1000);
}

static void memory_run(struct hammer *h, struct worker *w)
{
	struct dirent *entry;
	DIR *dir;

	while (hammer_running(h)) {
		dir = opendir(BLOCKS);
		while (dir && hammer_running(h) && (entry = readdir(dir))) {
			if (strncmp(entry->d_name, "memory", 6) ||
			    worker_random(w, 4))
				continue;
			one_block(h, entry->d_name);
			worker_did(w, 1);
			rest(h, 200);
		}
		if (dir)
			closedir(dir);
	}
}

/* -- all of them -------------------------------------------------------------------- */

const struct disturber disturbers[] = {
	{ "reclaim",	reclaim_run,	1, "/proc/sys/vm/drop_caches" },
	{ "regions",	regions_run,	2, "/" },
	{ "hog",	hog_run,	2, "/proc/meminfo" },
	{ "cpu",	cpu_run,	1, CPU_ONLINE },
	{ "memory",	memory_run,	1, BLOCKS },
	{ }
};
