// SPDX-License-Identifier: GPL-2.0
/*
 * shrinker.c - giving memory back when the kernel is short of it
 *
 * Owns the shrinkers and the notifier. The kernel calls them in three cases:
 * - A memcg is at its limit. Chunks with resident pages are on a memcg-aware
 *   list_lru. A scan frees at once what costs nothing, unmapped pages with a
 *   clean copy in a store, and asks the background demotion for the rest.
 * - A node is short of memory, whatever owns the pages on it. Its thread (reclaim.c)
 *   is asked. A chunk may have pages on several nodes, so this shrinker has no list;
 *   it counts the pages that are on the node.
 * - The OOM killer is about to choose a victim. As the last resort all nodes that are
 *   short are asked once more, with more patience.
 * All three count pages, not chunks.
 *
 * They run inside reclaim, perhaps under one of the driver's record locks. So they only
 * trylock records, do no I/O, and wait as askers.h describes; not at all for a caller
 * that must not wait for I/O or file systems.
 *
 * Locks: the list_lru's own (a spinlock) -> record trylock.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "base/compat.h"
#include "moving/departed.h"
#include "moving/move.h"
#include "pages/frame.h"
#include "pages/record.h"
#include "pages/space.h"
#include "policy/background.h"
#include "policy/reclaim.h"
#include "policy/shrinker.h"
#include "tiers/tier.h"

/* How many pages a reclaimer asks a node for, once in each pass. */
#define TW_SHRINK_PAGES		256UL

/* How many jiffies a reclaimer waits at a time; kswapd has other nodes to serve. */
#define TW_PATIENCE		max(HZ / 10, 1)
#define TW_PATIENCE_KSWAPD	max(HZ / 20, 1)
/* The OOM killer waits under oom_lock, for which all tasks that allocate may wait. */
#define TW_PATIENCE_OOM		(3 * HZ / 2)

static bool tw_shrinker_ready;	/* tw_chunk_lru has been set up */

/* -- chunks -------------------------------------------------------------------- */

/* How many resident pages a chunk on the list has on average. */
static unsigned long tw_chunk_mean(void)
{
	long chunks = max(atomic_long_read(&tw_chunks_listed), 1L);
	unsigned long pages = 0;
	int tier;

	tw_for_each_memory_tier(tier)
		pages += tw_tier_used(&tw_tiers[tier]);
	return clamp(pages / chunks, 1UL, TW_CHUNK_PAGES);
}

/* -- a memcg at its limit -------------------------------------------------------- */

/* Frees an unmapped page in memory that has a valid copy, which becomes the page. */
static bool tw_shrink_rec(struct tw_chunk *c, struct tw_rec *rec)
{
	unsigned long w = tw_rec_w(rec);
	struct tw_space *sp = c->space;
	bool done = false;
	int from, to;

	if (tw_w_state(w) != TW_MEM || !(w & TW_W_SLOT) ||
	    !tw_rec_trylock_nested(rec))
		return false;
	w = tw_rec_w(rec);
	if (tw_w_state(w) != TW_MEM || !(w & TW_W_SLOT))
		goto unlock;
	from = tw_w_tier(w);
	to = tw_w_slot_tier(w);
	if (!tw_tier_bound(to) || !tw_page_freeze_clean(tw_w_page(w)))
		goto unlock;
	tw_page_leave_clean(sp, c, rec);
	tw_page_moved(sp, c->base + (rec - c->rec), from, to,
		      TW_REASON_PRESSURE, 0, 0);
	done = true;
unlock:
	tw_rec_unlock_nested(rec);
	return done;
}

/**
 * struct tw_shrink - a walk over chunks of a memcg
 * @want: pages still to be asked of the background
 * @freed: pages freed
 */
struct tw_shrink {
	unsigned long want;
	unsigned long freed;
};

static enum lru_status tw_shrink_chunk(struct list_head *item,
				       struct list_lru_one *list,
				       TW_LRU_WALK_LOCK void *arg)
{
	struct tw_chunk *c = container_of(item, struct tw_chunk, lru);
	struct tw_shrink *s = arg;
	unsigned long ask;
	unsigned int i;

	for (i = 0; i < TW_CHUNK_PAGES; i++)
		s->freed += tw_shrink_rec(c, &c->rec[i]);
	/* tw_chunk_mem_add() puts it back when it has pages again. */
	if (!atomic_read(&c->nr_mem)) {
		list_lru_isolate(list, item);
		atomic_long_dec(&tw_chunks_listed);
		return LRU_REMOVED;
	}
	ask = min_t(unsigned long, s->want, atomic_read(&c->nr_mem));
	s->want -= ask;
	atomic_long_add(ask, &c->space->reclaim);
	return LRU_ROTATE;
}

#ifdef CONFIG_MEMCG
/* Whether the memcg, or one above it, is at its own limit. */
static bool tw_memcg_at_limit(struct mem_cgroup *memcg)
{
	for (; memcg && parent_mem_cgroup(memcg);
	     memcg = parent_mem_cgroup(memcg)) {
		unsigned long limit = min(READ_ONCE(memcg->memory.max),
					  READ_ONCE(memcg->memory.high));

		if (page_counter_read(&memcg->memory) + 2 * TW_BATCH >= limit)
			return true;
	}
	return false;
}
#else
static bool tw_memcg_at_limit(struct mem_cgroup *memcg)
{
	return false;
}
#endif

/*
 * Is it the node that is reclaimed, not the memcg? Reclaim of a node goes through all
 * memcgs, but there the other shrinker is asked for all pages of the node. If a memcg
 * is at no limit and its node is not short, a user is making it smaller
 * (memory.reclaim).
 */
static bool tw_shrink_by_node(struct shrink_control *sc)
{
	return current_is_kswapd() || !sc->memcg ||
	       !parent_mem_cgroup(sc->memcg) ||
	       (!tw_memcg_at_limit(sc->memcg) && tw_reclaim_short(sc->nid));
}

static unsigned long tw_memcg_count(struct shrinker *s,
				    struct shrink_control *sc)
{
	unsigned long chunks;

	/* Pairs with the release in tw_shrinker_init(). */
	if (!smp_load_acquire(&tw_shrinker_ready))
		return 0;
	chunks = list_lru_shrink_count(&tw_chunk_lru, sc);
	/* Without a chunk the tiers may not be set up yet, so don't look at them. */
	if (!chunks || tw_shrink_by_node(sc))
		return 0;
	return chunks * tw_chunk_mean();
}

static bool tw_shrink_may_wait(struct shrink_control *sc)
{
	return (sc->gfp_mask & __GFP_IO) && (sc->gfp_mask & __GFP_FS);
}

/*
 * Has the kernel call no more in this pass, since the caller has waited and should look
 * at what it got first. It calls again as long as less was scanned than it counted.
 */
static void tw_shrink_once(struct shrink_control *sc)
{
	sc->nr_scanned = LONG_MAX / 4;
}

static unsigned long tw_memcg_scan(struct shrinker *s,
				   struct shrink_control *sc)
{
	unsigned long nr = DIV_ROUND_UP(sc->nr_to_scan, tw_chunk_mean());
	struct tw_shrink walk = { .want = sc->nr_to_scan };

	if (!tw_shrink_may_wait(sc))
		return SHRINK_STOP;
	list_lru_walk_one(&tw_chunk_lru, sc->nid, sc->memcg, tw_shrink_chunk,
			  &walk, &nr);
	if (!walk.freed) {
		walk.freed = tw_demote_wait(sc->memcg, sc->nr_to_scan - walk.want,
					    TW_PATIENCE);
		tw_shrink_once(sc);
	}
	mm_account_reclaimed_pages(walk.freed);
	return walk.freed ?: SHRINK_STOP;
}

static struct shrinker *tw_memcg_shrinker;

static struct shrinker tw_memcg_shrinker_like = {
	.count_objects	= tw_memcg_count,
	.scan_objects	= tw_memcg_scan,
	.seeks		= DEFAULT_SEEKS,
	.batch		= TW_BATCH,
	.flags		= SHRINKER_NUMA_AWARE | SHRINKER_MEMCG_AWARE,
};

int tw_shrinker_init(void)
{
	int err;

	/*
	 * The list needs the shrinker's id, and the shrinker needs the list, so it does
	 * nothing until tw_shrinker_ready is set.
	 */
	tw_memcg_shrinker = tw_shrinker_add(&tw_memcg_shrinker_like);
	err = PTR_ERR_OR_ZERO(tw_memcg_shrinker);
	if (err)
		return err;
	err = list_lru_init_memcg(&tw_chunk_lru, tw_memcg_shrinker);
	if (err) {
		tw_shrinker_remove(tw_memcg_shrinker);
		return err;
	}
	/* Pairs with the acquire in tw_memcg_count(). */
	smp_store_release(&tw_shrinker_ready, true);
	return 0;
}

void tw_shrinker_exit(void)
{
	tw_shrinker_remove(tw_memcg_shrinker);
	list_lru_destroy(&tw_chunk_lru);
}

/* -- a node that is short -------------------------------------------------------- */

static unsigned long tw_node_count(struct shrinker *s,
				   struct shrink_control *sc)
{
	return tw_reclaim_pages(sc->nid);
}

static unsigned long tw_node_scan(struct shrinker *s, struct shrink_control *sc)
{
	long patience = current_is_kswapd() ? TW_PATIENCE_KSWAPD : TW_PATIENCE;
	unsigned long got;

	if (!tw_shrink_may_wait(sc))
		patience = 0;
	got = tw_reclaim_ask(sc->nid, max(sc->nr_to_scan, TW_SHRINK_PAGES),
			     patience);
	tw_shrink_once(sc);
	mm_account_reclaimed_pages(got);
	return got ?: SHRINK_STOP;
}

static struct shrinker *tw_node_shrinker;

static struct shrinker tw_node_shrinker_like = {
	.count_objects	= tw_node_count,
	.scan_objects	= tw_node_scan,
	.seeks		= DEFAULT_SEEKS,
	.batch		= TW_BATCH,
	.flags		= SHRINKER_NUMA_AWARE,
};

/* If pages are added to *@arg, the kernel tries to allocate again before it kills. */
static int tw_oom_notify(struct notifier_block *nb, unsigned long action,
			 void *arg)
{
	unsigned long *freed = arg;
	long patience = TW_PATIENCE_OOM;

	/* The I/O of stores may depend on such tasks, and no task is killed for them. */
	if (current->flags & (PF_KTHREAD | PF_MEMALLOC | PF_MEMALLOC_NOIO |
			      PF_MEMALLOC_NOFS))
		patience = 0;
	*freed += tw_reclaim_last_resort(patience);
	return NOTIFY_OK;
}

static struct notifier_block tw_oom_nb = { .notifier_call = tw_oom_notify };

int tw_pressed_init(void)
{
	int err;

	tw_node_shrinker = tw_shrinker_add(&tw_node_shrinker_like);
	err = PTR_ERR_OR_ZERO(tw_node_shrinker);
	if (err)
		return err;
	err = register_oom_notifier(&tw_oom_nb);
	if (err)
		tw_shrinker_remove(tw_node_shrinker);
	return err;
}

/* Both calls wait for callbacks that are under way. */
void tw_pressed_exit(void)
{
	unregister_oom_notifier(&tw_oom_nb);
	tw_shrinker_remove(tw_node_shrinker);
}
