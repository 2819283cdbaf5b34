// SPDX-License-Identifier: GPL-2.0
/*
 * gpu_dma_lock - a stand-in: frames of its own that it can move
 *
 * Half of its frames play the GPU's memory, half the host's. Each page it tracks
 * is in one of a pair and has a pattern in it; when it is unloaded it says how
 * many pages have bytes that are not theirs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include "tier_watch.h"
#include "tier_watch_hooks.h"

#define PAGES	16
#define AGENT	0x677075ULL

static struct page *frame[PAGES][2];
static bool in_host[PAGES];

static unsigned long first;
module_param(first, ulong, 0444);
MODULE_PARM_DESC(first, "Frame number of its first page");

static unsigned int moves;
module_param(moves, uint, 0444);
MODULE_PARM_DESC(moves, "How often pages were moved");

static int gpu_find(u64 pfn)
{
	int i;

	for (i = 0; i < PAGES; i++)
		if (page_to_pfn(frame[i][in_host[i]]) == pfn)
			return i;
	return -ENOENT;
}

static int gpu_move(void *data, u64 pfn, int from, int to, u64 *new_pfn)
{
	int i = gpu_find(pfn);

	if (i < 0)
		return i;
	if (to != TIER_GPU && to != TIER_CPU)
		return -EOPNOTSUPP;
	copy_highpage(frame[i][!in_host[i]], frame[i][in_host[i]]);
	in_host[i] = !in_host[i];
	*new_pfn = page_to_pfn(frame[i][in_host[i]]);
	moves++;
	return 0;
}

static const struct tier_watch_mover gpu_mover = { .move = gpu_move };

static void gpu_free(void)
{
	int i;

	for (i = 0; i < PAGES; i++) {
		if (frame[i][0])
			__free_page(frame[i][0]);
		if (frame[i][1])
			__free_page(frame[i][1]);
	}
}

static int gpu_alloc(void)
{
	int i;

	for (i = 0; i < PAGES; i++) {
		frame[i][0] = alloc_page(GFP_KERNEL);
		frame[i][1] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!frame[i][0] || !frame[i][1])
			return -ENOMEM;
		memset(page_address(frame[i][0]), i + 1, PAGE_SIZE);
	}
	return 0;
}

static int __init gpu_init(void)
{
	int err = gpu_alloc(), i;

	for (i = 0; !err && i < PAGES; i++)
		err = tier_watch_track_owned(page_to_pfn(frame[i][0]), TIER_GPU,
					     AGENT, -1, &gpu_mover);
	if (err) {
		tier_watch_drop_mover(&gpu_mover);
		tier_watch_release_agent(AGENT);
		gpu_free();
		return err;
	}
	first = page_to_pfn(frame[0][0]);
	return 0;
}

static void __exit gpu_exit(void)
{
	int i, wrong = 0;

	tier_watch_drop_mover(&gpu_mover);
	for (i = 0; i < PAGES; i++) {
		struct page *page = frame[i][in_host[i]];

		tier_watch_untrack_page(page_to_pfn(page));
		wrong += !!memchr_inv(page_address(page), i + 1, PAGE_SIZE);
	}
	tier_watch_release_agent(AGENT);
	gpu_free();
	pr_info("%u moves, %d pages wrong\n", moves, wrong);
}

module_init(gpu_init);
module_exit(gpu_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stand-in: external frames with a mover");
