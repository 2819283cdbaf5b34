// SPDX-License-Identifier: GPL-2.0
/*
 * record.c - chunks of page records
 *
 * Owns the memory of the records, and the list of chunks with resident pages, which
 * shrinker.c sets up and walks. A chunk is made once and stays until the
 * space's last reference goes, so a record's address is stable and is looked up
 * without a lock. All higher rooms look records up; doors make chunks.
 *
 * Locks: tw_space.make_lock (a mutex, within mmap_lock) is held while a chunk is made.
 * Memory is allocated under it, and no record is locked.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "base/compat.h"
#include "base/stats.h"
#include "base/user.h"
#include "pages/record.h"
#include "pages/space.h"

#define TW_RECS_BYTES	(TW_CHUNK_PAGES * sizeof(struct tw_rec))

/* The memory of a chunk, for the caps and the statistics. */
#define TW_CHUNK_BYTES	(TW_RECS_BYTES + sizeof(struct tw_chunk))

#ifdef CONFIG_LOCKDEP
static struct lock_class_key tw_rec_dep_key;
struct lockdep_map tw_rec_dep_map =
	STATIC_LOCKDEP_MAP_INIT("tierwatch_record", &tw_rec_dep_key);
#endif

static struct kmem_cache *tw_chunk_cache;
struct list_lru tw_chunk_lru;
atomic_long_t tw_chunks_listed;
atomic_t tw_rec_sleepers;

int tw_records_init(void)
{
	BUILD_BUG_ON(sizeof(struct tw_rec) != 16);
	BUILD_BUG_ON(TW_RECS_BYTES % PAGE_SIZE);
	BUILD_BUG_ON(BITS_PER_LONG != 64);
	tw_chunk_cache = KMEM_CACHE(tw_chunk, SLAB_ACCOUNT);
	return tw_chunk_cache ? 0 : -ENOMEM;
}

void tw_records_exit(void)
{
	kmem_cache_destroy(tw_chunk_cache);
}

/* -- the list of chunks with resident pages ------------------------------------ */

static struct tw_chunk *tw_chunk_new(gfp_t gfp)
{
	struct tw_chunk *c;

	c = kmem_cache_alloc_lru(tw_chunk_cache, &tw_chunk_lru, gfp);
	if (c)
		INIT_LIST_HEAD(&c->lru);
	return c;
}

static void tw_chunk_track(struct tw_chunk *c)
{
	if (list_lru_add_obj(&tw_chunk_lru, &c->lru))
		atomic_long_inc(&tw_chunks_listed);
}

static void tw_chunk_untrack(struct tw_chunk *c)
{
	if (list_lru_del_obj(&tw_chunk_lru, &c->lru))
		atomic_long_dec(&tw_chunks_listed);
}

/* -- finding, making, freeing --------------------------------------------------- */

struct tw_chunk *tw_chunk_find(struct tw_space *sp, unsigned long idx)
{
	return xa_load(&sp->chunks, idx >> TW_CHUNK_SHIFT);
}

struct tw_rec *tw_rec_find(struct tw_space *sp, unsigned long idx)
{
	struct tw_chunk *c = tw_chunk_find(sp, idx);

	return c ? tw_chunk_rec(c, idx) : NULL;
}

/*
 * Takes the chunk off the shrinker's list first. A walk reads and changes the records
 * of each chunk on it under the list's lock, so afterwards no walk is in this chunk.
 */
static void tw_chunk_free(struct tw_chunk *c)
{
	tw_chunk_untrack(c);
	WARN_ON_ONCE(!list_empty(&c->lru));
	kfree(c->rec);
	kmem_cache_free(tw_chunk_cache, c);
}

/* Puts a new chunk in its place, charged to the active memcg. NULL if memory is short. */
static struct tw_chunk *tw_chunk_insert(struct tw_space *sp, unsigned long idx,
					gfp_t gfp)
{
	struct tw_chunk *c = tw_chunk_new(gfp | __GFP_ZERO);

	if (!c)
		return NULL;
	c->rec = kzalloc(TW_RECS_BYTES, gfp);
	if (!c->rec)
		goto free;
	c->space = sp;
	c->base = idx & ~(TW_CHUNK_PAGES - 1);
	atomic_set(&c->nr_mem, 0);
	if (xa_err(xa_store(&sp->chunks, idx >> TW_CHUNK_SHIFT, c, gfp)))
		goto free;
	return c;

free:
	tw_chunk_free(c);
	return NULL;
}

static struct tw_chunk *tw_chunk_alloc(struct tw_space *sp, unsigned long idx,
				       gfp_t gfp)
{
	struct mem_cgroup *own = NULL, *old;
	bool hard = gfp & __GFP_RETRY_MAYFAIL;
	struct tw_chunk *c;

	if (hard)
		own = get_mem_cgroup_from_mm(current->mm);
	old = set_active_memcg(sp->memcg);
	c = tw_chunk_insert(sp, idx, gfp);
	if (!c && hard) {
		set_active_memcg(own);
		c = tw_chunk_insert(sp, idx, gfp);
	}
	set_active_memcg(old);
	mem_cgroup_put(own);
	return c;
}

int tw_records_prepay(struct tw_space *sp)
{
	unsigned long chunks = DIV_ROUND_UP(sp->nr_pages, TW_CHUNK_PAGES);
	int err;

	err = tw_user_charge(sp->user, TW_USER_RECORD_BYTES,
			     chunks * TW_CHUNK_BYTES);
	if (!err)
		sp->record_quota = chunks * TW_CHUNK_BYTES;
	return err;
}

static int tw_chunk_charge(struct tw_space *sp)
{
	if (sp->record_quota)
		return 0;
	return tw_user_charge(sp->user, TW_USER_RECORD_BYTES, TW_CHUNK_BYTES);
}

static void tw_chunk_uncharge(struct tw_space *sp)
{
	if (!sp->record_quota)
		tw_user_uncharge(sp->user, TW_USER_RECORD_BYTES, TW_CHUNK_BYTES);
}

/* The first task that comes makes the chunk; the others wait for it and find it. */
static struct tw_chunk *tw_chunk_make_locked(struct tw_space *sp,
					     unsigned long idx, gfp_t gfp)
{
	struct tw_chunk *c = tw_chunk_find(sp, idx);
	int err;

	lockdep_assert_held(&sp->make_lock);
	if (c)
		return c;
	err = tw_chunk_charge(sp);
	if (err)
		return ERR_PTR(err);
	c = tw_chunk_alloc(sp, idx, gfp);
	if (!c) {
		tw_chunk_uncharge(sp);
		return ERR_PTR(-ENOMEM);
	}
	atomic_long_add(TW_CHUNK_BYTES, &sp->record_bytes);
	tw_global_add(record_bytes, TW_CHUNK_BYTES);
	return c;
}

struct tw_chunk *tw_chunk_make(struct tw_space *sp, unsigned long idx, gfp_t gfp)
{
	struct tw_chunk *c = tw_chunk_find(sp, idx);

	if (likely(c))
		return c;
	if (mutex_lock_killable(&sp->make_lock))
		return ERR_PTR(-EINTR);
	c = tw_chunk_make_locked(sp, idx, gfp);
	mutex_unlock(&sp->make_lock);
	return c;
}

/* Counts resident pages. The first one puts the chunk on the shrinker's list. */
void tw_chunk_mem_add(struct tw_chunk *c, int n)
{
	int now = atomic_add_return(n, &c->nr_mem);

	tw_chunk_changed(c);
	VM_WARN_ON_ONCE(now < 0);
	if (now == n)
		tw_chunk_track(c);
}

void tw_chunks_init(struct tw_space *sp)
{
	xa_init_flags(&sp->chunks, XA_FLAGS_ACCOUNT);
	mutex_init(&sp->make_lock);
}

/* Called with the space's last reference, when all pages and slots are gone. */
void tw_chunks_free(struct tw_space *sp)
{
	struct tw_chunk *c;
	unsigned long i;

	tw_for_each_chunk(sp, i, c) {
		tw_chunk_free(c);
		tw_chunk_uncharge(sp);
		tw_global_add(record_bytes, -(s64)TW_CHUNK_BYTES);
		cond_resched();
	}
	if (sp->record_quota)
		tw_user_uncharge(sp->user, TW_USER_RECORD_BYTES, sp->record_quota);
	xa_destroy(&sp->chunks);
}
