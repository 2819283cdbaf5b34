// SPDX-License-Identifier: GPL-2.0
/*
 * memory.c - the footprint: getting it, filling it, and what must be in it
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "workload.h"

#define BATCH		256	/* pages between looks for a signal */

static int get_region(struct workload *w, unsigned int i, uint64_t bytes)
{
	struct area *area = &w->areas[i];
	int ret;

	if (w->options.agents) {
		ret = tw_agent_join(w->tw, w->options.agent_id + i,
				    &area->agent);
		if (ret) {
			complain("agent %" PRIu64 ": %s",
				 w->options.agent_id + i, strerror(-ret));
			return ret;
		}
	}
	ret = tw_region_create(w->tw, bytes, TW_TIER_CPU, 0, area->agent,
			       &area->region);
	if (ret) {
		complain("region of %" PRIu64 " bytes: %s", bytes,
			 strerror(-ret));
		return ret;
	}
	area->base = tw_region_addr(area->region);
	return 0;
}

static int get_plain(struct workload *w, uint64_t bytes)
{
	int flags = MAP_ANONYMOUS | MAP_NORESERVE;
	void *base;

	flags |= w->options.memory == MEMORY_ANON ? MAP_PRIVATE : MAP_SHARED;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (base == MAP_FAILED) {
		complain("mmap of %" PRIu64 " bytes: %s", bytes,
			 strerror(errno));
		return -errno;
	}
	w->areas[0].base = base;
	return 0;
}

static int get_areas(struct workload *w)
{
	uint64_t bytes = w->pages / w->nr_areas * PAGE_BYTES;
	unsigned int i;
	int ret;

	if (w->options.memory != MEMORY_REGION)
		return get_plain(w, bytes);
	ret = tw_open(NULL, &w->tw);
	if (ret)
		complain("/dev/tierwatch: %s", strerror(-ret));
	for (i = 0; i < w->nr_areas && !ret; i++)
		ret = get_region(w, i, bytes);
	return ret;
}

/*
 * The probabilities and, to verify, the writes are in ordinary memory: 0.3 %
 * of the footprint.
 */
int memory_get(struct workload *w)
{
	w->areas = calloc(w->nr_areas, sizeof(*w->areas));
	w->probability = malloc(w->pages * sizeof(*w->probability));
	if (w->options.verify)
		w->written = calloc(w->pages, sizeof(*w->written));
	if (!w->areas || !w->probability ||
	    (w->options.verify && !w->written)) {
		complain("no memory for the oracle");
		return -ENOMEM;
	}
	return get_areas(w);
}

void memory_put(struct workload *w)
{
	unsigned int i;

	for (i = 0; w->areas && i < w->nr_areas; i++) {
		tw_region_close(w->areas[i].region);
		tw_agent_close(w->areas[i].agent);
	}
	tw_close(w->tw);
	free(w->areas);
	free(w->probability);
	free(w->written);
}

void memory_fill(struct workload *w)
{
	uint64_t page;

	for (page = 0; page < w->pages; page++) {
		if (page % BATCH == 0 && interrupted(w))
			break;
		content_fill(workload_page(w, page), w->options.seed, page);
	}
}

/* So that tests can see that it would be seen. */
void memory_corrupt(struct workload *w)
{
	uint64_t *page = workload_page(w, dist_page(&w->dist, 0));
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++) {
		if (w->options.corrupt == CORRUPT_BYTES)
			page[i] ^= 1ULL << i % 64;
		/* A write that got lost leaves a word that looks right. */
		if (w->options.corrupt == CORRUPT_WRITE &&
		    page[i] != content_key(w->options.seed,
					   dist_page(&w->dist, 0), i)) {
			page[i] -= CONTENT_STEP;
			break;
		}
	}
}

void memory_wrong(struct workload *w, uint64_t page, unsigned int word,
		  uint64_t value)
{
	uint64_t key = content_key(w->options.seed, page, word);

	if (__atomic_exchange_n(&w->wrong, true, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	complain("page %" PRIu64 " (area %u, offset 0x%" PRIx64
		 ") is wrong: word %u is 0x%016" PRIx64 ", should be 0x%016"
		 PRIx64 " + n * 0x%" PRIx64, page,
		 (unsigned int)(page % w->nr_areas),
		 page / w->nr_areas * PAGE_BYTES, word, value, key,
		 (uint64_t)CONTENT_STEP);
}

static bool verify_page(struct workload *w, uint64_t index)
{
	const uint64_t *page = workload_page(w, index);
	uint64_t key, value, writes = 0;
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++) {
		key = content_key(w->options.seed, index, i);
		value = __atomic_load_n(&page[i], __ATOMIC_RELAXED);
		if (!content_right(key, value)) {
			memory_wrong(w, index, i, value);
			return false;
		}
		writes += content_writes(key, value);
	}
	if ((uint32_t)writes == w->written[index])
		return true;
	w->wrong = true;
	complain("page %" PRIu64 " is wrong: it has %" PRIu64
		 " writes, should have %" PRIu32, index, writes,
		 w->written[index]);
	return false;
}

void memory_verify(struct workload *w)
{
	uint64_t page;

	for (page = 0; page < w->pages; page++) {
		if (page % BATCH == 0 && interrupted(w))
			break;
		if (!verify_page(w, page))
			break;
	}
}
