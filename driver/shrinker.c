// SPDX-License-Identifier: GPL-2.0
/*
 * shrinker.c - giving memory back when the kernel, or a memcg, is short of it
 *
 * Chunks with resident pages hang on a memcg-aware list_lru. A scan frees at
 * once what costs nothing, unmapped pages with a clean copy in a store, and
 * asks the background demotion for the rest. It runs inside reclaim, perhaps
 * under one of our record locks: it only trylocks and does no I/O. A direct
 * reclaimer waits a little for that of the background.
 *
 * Locks: the list_lru's own (a spinlock) -> record trylock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/list_lru.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "compat.h"
#include "region.h"
#include "tier.h"
#include "tw.h"

/* Pages asked of the background for each chunk that a scan looks at. */
#define TW_SHRINK_PAGES	64

static struct kmem_cache *tw_chunk_cache;
static struct list_lru tw_chunk_lru;
static bool tw_shrinker_ready;	/* tw_chunk_lru exists */

struct tw_chunk *tw_shrinker_alloc_chunk(gfp_t gfp)
{
	struct tw_chunk *c;

	c = kmem_cache_alloc_lru(tw_chunk_cache, &tw_chunk_lru, gfp);
	if (c)
		INIT_LIST_HEAD(&c->lru);
	return c;
}

void tw_shrinker_track(struct tw_chunk *c)
{
	list_lru_add_obj(&tw_chunk_lru, &c->lru);
}

void tw_shrinker_free_chunk(struct tw_chunk *c)
{
	list_lru_del_obj(&tw_chunk_lru, &c->lru);
	kmem_cache_free(tw_chunk_cache, c);
}

/* A page in memory, unmapped, with a clean copy: it is in the store, then. */
static bool tw_shrink_rec(struct tw_chunk *c, struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);
	struct tw_region *r = c->region;
	bool done = false;
	struct page *page;
	int from, to;

	if (tw_w_state(w) != TW_MEM || !(w & TW_W_SLOT) ||
	    !tw_rec_trylock_nested(rec))
		return false;
	w = rec->w;
	if (tw_w_state(w) != TW_MEM || !(w & TW_W_SLOT))
		goto unlock;
	page = tw_w_page(w);
	from = tw_w_tier(w);
	to = tw_w_slot_tier(w);
	if (tw_page_mapcount(page) || PageDirty(page) || PageHWPoison(page) ||
	    !tw_tier_bound(to) || !page_ref_freeze(page, 1))
		goto unlock;
	if (PageDirty(page)) {		/* by the last holder of a pin */
		page_ref_unfreeze(page, 1);
		goto unlock;
	}
	atomic64_dec(tw_tier_kept_ctr(&tw_tiers[to]));
	tw_tier_used_add(&tw_tiers[to], 1);
	tw_rec_set(rec, tw_w_left(w, to));
	tw_pages_add(r, from, -1);
	tw_pages_add(r, to, 1);
	atomic_dec(&c->nr_mem);
	tw_page_free_frozen(page);
	tw_tier_uncharge(&tw_tiers[from], 1);
	tw_page_moved(r, c->base + (rec - c->rec), from, to,
		      TW_REASON_PRESSURE, 0, 0);
	done = true;
unlock:
	tw_rec_unlock_nested(rec);
	return done;
}

static enum lru_status tw_shrink_chunk(struct list_head *item,
				       struct list_lru_one *list,
				       TW_LRU_WALK_LOCK void *arg)
{
	struct tw_chunk *c = container_of(item, struct tw_chunk, lru);
	unsigned long *freed = arg;
	unsigned int i;

	for (i = 0; i < TW_CHUNK_PAGES; i++)
		*freed += tw_shrink_rec(c, &c->rec[i]);
	/* tw_chunk_mem_add() puts it back when it has pages again. */
	if (!atomic_read(&c->nr_mem)) {
		list_lru_isolate(list, item);
		return LRU_REMOVED;
	}
	atomic_long_add(TW_SHRINK_PAGES, &c->region->reclaim);
	return LRU_ROTATE;
}

static unsigned long tw_shrink_count(struct shrinker *s,
				     struct shrink_control *sc)
{
	/* Pairs with the release in tw_shrinker_init(). */
	if (!smp_load_acquire(&tw_shrinker_ready))
		return 0;
	return list_lru_shrink_count(&tw_chunk_lru, sc);
}

static unsigned long tw_shrink_scan(struct shrinker *s,
				    struct shrink_control *sc)
{
	unsigned long freed = 0;

	if (!(sc->gfp_mask & __GFP_IO) || !(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;
	list_lru_shrink_walk(&tw_chunk_lru, sc, tw_shrink_chunk, &freed);
	tw_demote_queue();
	if (freed || current_is_kswapd()) {
		/* Pages, not objects. */
		mm_account_reclaimed_pages(freed);
		return freed ?: SHRINK_STOP;
	}
	/* Once a pass: what the background does helps whoever asks next. */
	mm_account_reclaimed_pages(min(tw_demote_wait(sc->memcg),
				       sc->nr_scanned * TW_SHRINK_PAGES));
	return SHRINK_STOP;
}

static struct shrinker *tw_shrinker;

static struct shrinker tw_shrinker_like = {
	.count_objects	= tw_shrink_count,
	.scan_objects	= tw_shrink_scan,
	.seeks		= DEFAULT_SEEKS,
	.batch		= 4,
	.flags		= SHRINKER_NUMA_AWARE | SHRINKER_MEMCG_AWARE,
};

int tw_shrinker_init(void)
{
	int err;

	tw_chunk_cache = KMEM_CACHE(tw_chunk, SLAB_ACCOUNT);
	if (!tw_chunk_cache)
		return -ENOMEM;
	/* The list wants the shrinker's id, the shrinker the list: see @ready. */
	tw_shrinker = tw_shrinker_add(&tw_shrinker_like);
	err = PTR_ERR_OR_ZERO(tw_shrinker);
	if (err)
		goto cache;
	err = list_lru_init_memcg(&tw_chunk_lru, tw_shrinker);
	if (err)
		goto shrinker;
	/* Pairs with the acquire in tw_shrink_count(). */
	smp_store_release(&tw_shrinker_ready, true);
	return 0;

shrinker:
	tw_shrinker_remove(tw_shrinker);
cache:
	kmem_cache_destroy(tw_chunk_cache);
	return err;
}

void tw_shrinker_exit(void)
{
	tw_shrinker_remove(tw_shrinker);
	list_lru_destroy(&tw_chunk_lru);
	kmem_cache_destroy(tw_chunk_cache);
}
