// SPDX-License-Identifier: GPL-2.0
/*
 * neighbour.c - what becomes of ordinary programs beside a region
 *
 * Fills a region (or, to compare with, as much of its own memory), then starts
 * programs that touch more memory than is left, at full speed. Nobody may be
 * killed as long as there is room in stores, and each byte of all is checked.
 *
 * neighbour [--anonymous] [--nodes MASK] [--hogs N] REGION_MIB HOG_MIB
 *
 * Prints a line for each program with the time it took and its slowest touch
 * (for people: no test goes by them); exit code 0 if all lived and all bytes
 * were right.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tw.h>

#define PAGE_BYTES	4096UL
#define PAGE_WORDS	(PAGE_BYTES / sizeof(uint64_t))
#define MPOL_BIND	2
#define HOGS_MOST	16

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* A page's words: different for every page of every seed. */
static uint64_t word_of(uint64_t seed, uint64_t page)
{
	return (seed << 48 | page) * 0x9e3779b97f4a7c15ULL + 1;
}

static void fill_page(uint64_t *at, uint64_t seed, uint64_t page)
{
	uint64_t word = word_of(seed, page);
	size_t i;

	for (i = 0; i < PAGE_WORDS; i++)
		at[i] = word + i;
}

static bool page_right(const uint64_t *at, uint64_t seed, uint64_t page)
{
	uint64_t word = word_of(seed, page);
	size_t i;

	for (i = 0; i < PAGE_WORDS; i++)
		if (at[i] != word + i)
			return false;
	return true;
}

/* Fills @pages; the slowest of them in seconds. */
static double fill(char *base, unsigned long pages, uint64_t seed)
{
	double worst = 0, last = now(), t;
	unsigned long i;

	for (i = 0; i < pages; i++) {
		fill_page((uint64_t *)(base + i * PAGE_BYTES), seed, i);
		t = now();
		if (t - last > worst)
			worst = t - last;
		last = t;
	}
	return worst;
}

static unsigned long wrong(char *base, unsigned long pages, uint64_t seed)
{
	unsigned long i, bad = 0;

	for (i = 0; i < pages; i++)
		bad += !page_right((uint64_t *)(base + i * PAGE_BYTES), seed, i);
	return bad;
}

/* Memory of this program alone, a page at a time as most programs have it. */
static char *own_memory(unsigned long pages)
{
	char *base = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return NULL;
	madvise(base, pages * PAGE_BYTES, MADV_NOHUGEPAGE);
	return base;
}

static char *region_memory(unsigned long pages)
{
	struct tw_region *region;
	struct tw *tw;
	int err;

	err = tw_open(NULL, &tw);
	if (!err)
		err = tw_region_create(tw, pages * PAGE_BYTES, TW_TIER_CPU, 0,
				       NULL, &region);
	if (err) {
		fprintf(stderr, "neighbour: region: %s\n", strerror(-err));
		return NULL;
	}
	return tw_region_addr(region);
}

/* If anybody is to be killed, then this one. */
static void offer_oneself(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, "500", 3) != 3)
		perror("neighbour: oom_score_adj");
	if (fd >= 0)
		close(fd);
}

static int hog(unsigned int nr, unsigned long pages, unsigned long nodes)
{
	unsigned long bad;
	double start, worst;
	char *base;

	offer_oneself();
	if (nodes && syscall(SYS_set_mempolicy, MPOL_BIND, &nodes,
			     8 * sizeof(nodes))) {
		perror("neighbour: set_mempolicy");
		return 2;
	}
	base = own_memory(pages);
	if (!base)
		return 2;
	start = now();
	worst = fill(base, pages, 100 + nr);
	printf("program %u: %lu pages in %.2f s, slowest %.3f s\n", nr, pages,
	       now() - start, worst);
	fflush(stdout);
	bad = wrong(base, pages, 100 + nr);
	if (bad)
		printf("program %u: %lu pages are WRONG\n", nr, bad);
	return bad != 0;
}

static bool wait_for_hogs(unsigned int hogs, const pid_t *pid)
{
	bool well = true;
	unsigned int i;
	int status;

	for (i = 0; i < hogs; i++) {
		if (waitpid(pid[i], &status, 0) != pid[i] || status) {
			printf("program %u: KILLED or failed, status %#x\n", i,
			       status);
			well = false;
		}
	}
	return well;
}

static int run(bool anonymous, unsigned int hogs, unsigned long nodes,
	       unsigned long pages, unsigned long hog_pages)
{
	pid_t pid[HOGS_MOST];
	unsigned long bad;
	double start;
	char *base;
	bool well;
	unsigned int i;

	base = anonymous ? own_memory(pages) : region_memory(pages);
	if (!base)
		return 2;
	fill(base, pages, 1);
	printf("%s of %lu pages filled\n", anonymous ? "memory" : "region", pages);
	fflush(stdout);
	start = now();
	for (i = 0; i < hogs; i++) {
		pid[i] = fork();
		if (pid[i] < 0) {
			perror("neighbour: fork");
			return 2;
		}
		if (!pid[i])
			_exit(hog(i, hog_pages, nodes));
	}
	well = wait_for_hogs(hogs, pid);
	printf("all programs ended after %.2f s\n", now() - start);
	bad = wrong(base, pages, 1);
	if (bad)
		printf("%lu pages are WRONG\n", bad);
	return !well || bad;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "anonymous", no_argument, NULL, 'a' },
		{ "hogs", required_argument, NULL, 'h' },
		{ "nodes", required_argument, NULL, 'n' },
		{ }
	};
	unsigned long nodes = 0, mib = (1UL << 20) / PAGE_BYTES;
	unsigned int hogs = 1;
	bool anonymous = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			anonymous = true;
			break;
		case 'h':
			hogs = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			nodes = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2 || !hogs || hogs > HOGS_MOST) {
		fprintf(stderr, "usage: neighbour [--anonymous] [--nodes MASK] [--hogs N] REGION_MIB HOG_MIB\n");
		return 2;
	}
	return run(anonymous, hogs, nodes, strtoul(argv[optind], NULL, 0) * mib,
		   strtoul(argv[optind + 1], NULL, 0) * mib);
}
