// SPDX-License-Identifier: GPL-2.0
/*
 * verify.c - bytes of each tier against the reference
 *
 * Tiers are gone through one after the other, slow ones first: a page that is
 * read comes to memory and pushes another one out, which must not be counted
 * for a tier that it reached only by our looking.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"
#include "verify.h"

#define CHUNK	64

static int compare_page(struct tw_region *region,
			const unsigned char *reference, uint64_t bytes,
			uint64_t index, uint32_t page_size)
{
	const unsigned char *memory = tw_region_addr(region);
	uint64_t at = index * page_size, length = page_size;

	if (at >= bytes)
		return 0;
	if (length > bytes - at)
		length = bytes - at;
	return memcmp(memory + at, reference + at, length);
}

/* One chunk of pages: those of @tier are compared at once. */
static void verify_chunk(struct tw_region *region, const struct tw_page *pages,
			 unsigned int nr, int tier,
			 const unsigned char *reference, uint64_t bytes,
			 uint64_t most, uint32_t page_size, struct verify *v)
{
	unsigned int i;
	uint64_t index;

	for (i = 0; i < nr && v->reread < most; i++) {
		if (pages[i].tier != (uint32_t)tier)
			continue;
		index = TW_PAGE_INDEX(pages[i].page);
		v->reread++;
		if (!compare_page(region, reference, bytes, index, page_size))
			continue;
		if (!v->wrong++)
			v->first_wrong = index;
	}
}

static int verify_tier(struct tw_region *region, int tier,
		       const unsigned char *reference, uint64_t bytes,
		       uint64_t most, uint32_t page_size, struct verify *v)
{
	uint64_t nr = (bytes + page_size - 1) / page_size, at, count;
	struct tw_page pages[CHUNK];
	int ret;

	for (at = 0; at < nr && v->reread < most && !demo_stopped(); at += count) {
		count = nr - at < CHUNK ? nr - at : CHUNK;
		ret = tw_region_pages(region, at * page_size,
				      count * page_size, pages, CHUNK);
		if (ret)
			return ret;
		verify_chunk(region, pages, count, tier, reference, bytes, most,
			     page_size, v);
		progress_add(count);
	}
	return 0;
}

int verify_tiers(struct tw_region *region, const unsigned char *reference,
		 uint64_t bytes, uint64_t most, uint32_t page_size,
		 struct verify verify[TW_NR_TIERS])
{
	static const int order[] = { TW_TIER_HDD, TW_TIER_SSD, TW_TIER_NVME,
				     TW_TIER_GPU, TW_TIER_CPU };
	struct tw_region_info info;
	int ret, i, tier;

	ret = tw_region_info(region, &info);
	if (ret)
		return ret;
	for (i = 0; i < TW_NR_TIERS && !ret; i++) {
		tier = order[i];
		memset(&verify[tier], 0, sizeof(verify[tier]));
		verify[tier].pages = info.pages[tier];
		ret = verify_tier(region, tier, reference, bytes, most,
				  page_size, &verify[tier]);
	}
	return demo_stopped() ? -EINTR : ret;
}
