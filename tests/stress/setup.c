// SPDX-License-Identifier: GPL-2.0
/*
 * setup.c - tiers, the region and its areas
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "hammer.h"

static int failed(const char *what, int ret)
{
	if (ret)
		fprintf(stderr, "hammer: %s: %s\n", what, strerror(-ret));
	return ret;
}

/*
 * Both memory tiers together hold less than the region, so that pages are
 * demoted all the time, but without a store there is nowhere to demote them to.
 * @pages of 0: all the memory there is.
 */
static int rebind(struct hammer *h, uint64_t pages)
{
	static const int tier[] = { TW_TIER_CPU, TW_TIER_GPU };
	struct tw_tier_info info[2];
	bool stores = h->nr_tiers > h->nr_memory;
	int i, ret = 0;

	for (i = 0; i < 2 && !ret; i++)
		ret = tw_tier_info(h->tw, tier[i], &info[i]);
	for (i = 1; i >= 0 && !ret; i--)
		if (info[i].kind != TW_KIND_NONE)
			ret = tw_tier_unbind(h->tw, tier[i], 0, NULL);
	for (i = 0; i < 2 && !ret; i++)
		if (info[i].kind != TW_KIND_NONE)
			ret = tw_tier_bind_nodes(h->tw, tier[i], info[i].nodes,
						 stores ? pages / (3 + i) :
						 pages,
						 TW_BIND_MOVABLE);
	return failed("binding the memory tiers anew (as root, with no other region)",
		      ret);
}

static int find_tiers(struct hammer *h)
{
	struct tw_tier_info info;
	int tier, ret;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		ret = tw_tier_info(h->tw, tier, &info);
		if (ret)
			return failed("looking tiers up", ret);
		if (info.kind != TW_KIND_NONE)
			h->tiers[h->nr_tiers++] = tier;
		if (info.kind == TW_KIND_NUMA)
			h->memory[h->nr_memory++] = tier;
	}
	return 0;
}

static void cut(struct area *area, uint64_t *at, uint64_t nr)
{
	area->first = *at;
	area->nr = nr;
	*at += nr;
}

static void cut_areas(struct hammer *h)
{
	uint64_t pages = h->options.pages;

	/* Folios come again where whole chunks are discarded, so these are aligned. */
	if (h->options.huge)
		cut(&h->holes, &h->nr_pages, pages / 2 / HUGE_PAGES * HUGE_PAGES);
	cut(&h->counters, &h->nr_pages, pages / 24);
	cut(&h->direct, &h->nr_pages, pages / 12);
	cut(&h->ring, &h->nr_pages, pages / 24);
	cut(&h->sent, &h->nr_pages, pages / 24);
	if (!h->options.huge)
		cut(&h->holes, &h->nr_pages, pages / 6);
	cut(&h->writers, &h->nr_pages, pages - h->nr_pages);
}

static void *map_shared(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int make_memory(struct hammer *h)
{
	int ret;

	h->nr_adders = 3;
	cut_areas(h);
	h->shared = map_shared(sizeof(*h->shared));
	h->published = map_shared(h->writers.nr * sizeof(*h->published));
	h->added = map_shared(h->nr_adders * h->counters.nr * PAGE_WORDS *
			      sizeof(*h->added));
	if (!h->shared || !h->published || !h->added)
		return failed("memory", -ENOMEM);
	ret = tw_region_create(h->tw, h->nr_pages * PAGE_BYTES, TW_TIER_CPU,
			       h->options.huge ? TW_REGION_HUGE : 0, NULL,
			       &h->region);
	if (!ret)
		h->base = tw_region_addr(h->region);
	return failed("making a region", ret);
}

/* Scans in quick succession, and no page too lately moved. */
static int automatic(struct hammer *h)
{
	struct tw_policy policy;
	int ret = tw_policy_get(h->tw, &h->policy);

	if (ret)
		return failed("getting the policy", ret);
	h->policy.set = TW_POLICY_SETS;
	h->policy.mode_set = TW_POLICY_MODES;
	policy = h->policy;
	policy.enabled = 1;
	policy.scan_min_ms = 20;
	policy.scan_max_ms = 100;
	policy.scan_permille = 200;
	policy.min_stay = 0;
	return failed("setting the policy", tw_policy_set(h->tw, &policy));
}

int set_up(struct hammer *h)
{
	int ret;

	h->root = !geteuid();
	h->scratch = -1;
	ret = failed("opening the device (is the driver loaded?)",
		     tw_open(NULL, &h->tw));
	if (!ret)
		ret = find_tiers(h);
	if (!ret && h->options.rebind)
		ret = rebind(h, h->options.pages);
	if (!ret)
		ret = make_memory(h);
	if (!ret)
		ret = scratch_open(h, (h->direct.nr + h->ring.nr) * PAGE_BYTES);
	if (!ret && h->options.automatic)
		ret = automatic(h);
	/* The process_vm_readv() reader is our child. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	return ret;
}

int tear_down(struct hammer *h)
{
	scratch_close(h);
	if (h->policy.size)
		tw_policy_set(h->tw, &h->policy);
	tw_region_close(h->region);
	if (h->options.rebind)
		return rebind(h, 0);
	return 0;
}
