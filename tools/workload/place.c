// SPDX-License-Identifier: GPL-2.0
/*
 * place.c - where the footprint's pages are now, as the kernel says
 *
 * Regions: the driver's page lookup. Other memory: move_pages(2) without a
 * destination gives a page's node. It has no answer for pages that are not
 * mapped just now and, on some kernels, for those that automatic NUMA
 * balancing watches; for them mincore(2) tells whether they are in memory at
 * all and the pagemap the frame, whose node is known from /proc/zoneinfo.
 * Nodes with CPUs count as the CPU tier, others as the GPU tier.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

#define BATCH		4096UL
#define MAX_SPANS	256
#define PM_PRESENT	(1ULL << 63)
#define PM_FRAME	((1ULL << 55) - 1)

struct span {
	uint64_t first;
	uint64_t end;
	int node;
};

static struct {
	struct tw_page infos[BATCH];
	void *address[BATCH];
	int status[BATCH];
	uint64_t pagemap[BATCH];
	unsigned char core[BATCH];
	struct span span[MAX_SPANS];
	unsigned int nr_spans;
	int pagemap_fd;
} own;

/*
 * Where nobody says, it is ordinary memory. The file cannot be read byte by
 * byte.
 */
static bool node_has_cpus(int node)
{
	char text[64] = "";
	int fd;

	snprintf(text, sizeof(text), "/sys/devices/system/node/node%d/cpulist",
		 node);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	if (read(fd, text, sizeof(text)) < 1)
		text[0] = 0;
	close(fd);
	return text[0] >= '0' && text[0] <= '9';
}

static void learn_node(struct nodes *nodes, int node, uint64_t managed)
{
	static uint64_t seen;

	if (node < 0 || node >= MAX_NODES || !managed)
		return;
	if (!(seen & 1ULL << node)) {
		nodes->only = seen ? -1 : node;
		seen |= 1ULL << node;
		if (node_has_cpus(node))
			nodes->fast |= 1ULL << node;
	}
	if (nodes->fast & 1ULL << node)
		nodes->fast_pages += managed;
}

static void learn_span(uint64_t first, uint64_t length, int node)
{
	if (!length || own.nr_spans == MAX_SPANS)
		return;
	own.span[own.nr_spans].first = first;
	own.span[own.nr_spans].end = first + length;
	own.span[own.nr_spans++].node = node;
}

/* Zones: their node, their size, and at the end of each where they begin. */
static int learn_nodes(struct nodes *nodes)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	unsigned long long value, spanned = 0;
	char line[256];
	int node = -1;

	nodes->only = -1;
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d, zone", &node) == 1)
			spanned = 0;
		else if (sscanf(line, " spanned %llu", &value) == 1)
			spanned = value;
		else if (sscanf(line, " managed %llu", &value) == 1)
			learn_node(nodes, node, value);
		else if (sscanf(line, " start_pfn: %llu", &value) == 1)
			learn_span(value, spanned, node);
	}
	fclose(file);
	return 0;
}

static int fast_pages(struct workload *w)
{
	struct tw_tier_info info;
	int ret = 0;

	w->fast_pages = w->options.fast_pages;
	if (w->fast_pages != NO_PAGES)
		return 0;
	w->fast_pages = w->nodes.fast_pages;
	if (!w->tw)
		return 0;
	ret = tw_tier_info(w->tw, TW_TIER_CPU, &info);
	if (ret)
		complain("tier cpu: %s", strerror(-ret));
	else
		w->fast_pages = info.kind == TW_KIND_NONE ? 0 : info.capacity;
	return ret;
}

int place_init(struct workload *w)
{
	int ret = learn_nodes(&w->nodes);

	if (ret) {
		complain("/proc/zoneinfo: %s", strerror(-ret));
		return ret;
	}
	/* Without it some pages cannot be told. */
	own.pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ret = fast_pages(w);
	if (!ret)
		w->best = dist_best(&w->dist, w->fast_pages);
	return ret;
}

static int region_batch(struct workload *w, unsigned int area, uint64_t first,
			uint64_t nr, struct tally *tally)
{
	const struct tw_page *page;
	uint64_t i;
	int ret;

	ret = tw_region_pages(w->areas[area].region, first * PAGE_BYTES,
			      nr * PAGE_BYTES, own.infos, BATCH);
	if (ret) {
		complain("pages of area %u: %s", area, strerror(-ret));
		return ret;
	}
	for (i = 0; i < nr; i++) {
		page = &own.infos[i];
		tally_add(tally, page->tier < TW_NR_TIERS ? page->tier :
			  PLACE_OTHER, page->node,
			  w->probability[(first + i) * w->nr_areas + area]);
	}
	return 0;
}

static int frame_node(uint64_t frame)
{
	unsigned int i;

	for (i = 0; frame && i < own.nr_spans; i++)
		if (frame >= own.span[i].first && frame < own.span[i].end)
			return own.span[i].node;
	return -1;
}

/* What move_pages() could not tell. */
static unsigned int other_place(struct workload *w, uint64_t i, int *node)
{
	*node = -1;
	if (!(own.core[i] & 1))
		return PLACE_SWAP;
	if (own.pagemap[i] & PM_PRESENT)
		*node = frame_node(own.pagemap[i] & PM_FRAME);
	if (*node < 0)
		*node = w->nodes.only;
	return PLACE_OTHER;
}

static unsigned int plain_place(struct workload *w, uint64_t i, int *node)
{
	unsigned int place = PLACE_OTHER;

	*node = own.status[i];
	if (*node < 0)
		place = other_place(w, i, node);
	if (*node < 0 || *node >= MAX_NODES)
		return place;
	return w->nodes.fast & 1ULL << *node ? TW_TIER_CPU : TW_TIER_GPU;
}

/* The second opinion, for all of a batch. */
static int ask_again(unsigned char *base, uint64_t nr)
{
	off_t at = (uintptr_t)base / PAGE_BYTES * sizeof(own.pagemap[0]);
	size_t bytes = nr * sizeof(own.pagemap[0]);

	if (mincore(base, nr * PAGE_BYTES, own.core)) {
		complain("mincore: %s", strerror(errno));
		return -errno;
	}
	if (own.pagemap_fd < 0 ||
	    pread(own.pagemap_fd, own.pagemap, bytes, at) != (ssize_t)bytes)
		memset(own.pagemap, 0, bytes);
	return 0;
}

static int plain_batch(struct workload *w, uint64_t first, uint64_t nr,
		       struct tally *tally)
{
	unsigned char *base = w->areas[0].base + first * PAGE_BYTES;
	unsigned int place;
	bool unclear = false;
	uint64_t i;
	int node;

	for (i = 0; i < nr; i++)
		own.address[i] = base + i * PAGE_BYTES;
	if (syscall(SYS_move_pages, 0, nr, own.address, NULL, own.status, 0)) {
		complain("move_pages: %s", strerror(errno));
		return -errno;
	}
	for (i = 0; i < nr && !unclear; i++)
		unclear = own.status[i] < 0;
	if (unclear && ask_again(base, nr))
		return -EIO;
	for (i = 0; i < nr; i++) {
		place = plain_place(w, i, &node);
		tally_add(tally, place, node, w->probability[first + i]);
	}
	return 0;
}

int place_read(struct workload *w, struct tally *tally)
{
	uint64_t pages = w->pages / w->nr_areas, first, nr;
	unsigned int area;
	int ret = 0;

	tally_clear(tally);
	for (area = 0; area < w->nr_areas; area++) {
		for (first = 0; first < pages && !ret; first += nr) {
			nr = pages - first < BATCH ? pages - first : BATCH;
			ret = w->tw ? region_batch(w, area, first, nr, tally) :
				      plain_batch(w, first, nr, tally);
		}
	}
	return ret;
}
