/* SPDX-License-Identifier: GPL-2.0 */
/*
 * record.h - one record of 16 bytes for each touched page
 *
 * Records come in chunks of 512, made on the first touch of any of their
 * pages and freed with the space that owns them (space.h). A record's word @w has
 * the lock bit, the state and where the page is; it and @slot change only under the
 * lock bit. The bytes behind them are hints and change without any lock (READ_ONCE,
 * WRITE_ONCE). All higher rooms read and change records.
 *
 * Lock order: mmap_lock -> record -> i_mmap_rwsem -> page table lock, and
 * record -> tw_store.lock. No task waits for a record while it holds another:
 * a task that takes several takes the further ones with tw_rec_trylock_nested().
 * Reclaim may run under a record lock (page allocation), so the shrinker only
 * ever trylocks.
 *
 * States, and which of them hold a page reference (one, the record's) and a slot:
 *
 *   state      page  slot        leaves for
 *   NONE       -     -           MEM (first touch)
 *   MEM        yes   kept clean  NONE (discard), STORE (clean demotion),
 *                    or none     WRITING, POISON (bad memory), MEM elsewhere
 *   STORE      -     yes         READING, NONE, POISON (checksum, given up)
 *   READING    -     yes         MEM, STORE; the lock is held all the while
 *   WRITING    yes   target's    STORE (done), MEM (failed), CANCELLED
 *                                (touched); unlocked, the writer finishes it
 *   CANCELLED  yes   target's    MEM, by the writer, which frees the slot
 *   POISON     -     -           NONE (discard)
 *   FOREIGN    -     -           NONE, FOREIGN elsewhere; only the scanner changes it
 *
 * FOREIGN is a page of the kernel's own (tw_space.foreign). Its pfn says where it was
 * when the scanner last looked; nothing keeps it there. If that is 0, the page is on the
 * swap device, in the store of its tier.
 *
 * Only the writer may take a record out of WRITING and CANCELLED. Another task may
 * only turn WRITING into CANCELLED; if it needs the page gone, it waits with
 * tw_rec_wait_settled().
 */
#ifndef _TW_RECORD_H
#define _TW_RECORD_H

#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/list_lru.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/wait_bit.h>
#include <linux/xarray.h>
#include <linux/tierwatch.h>

struct tw_space;

enum tw_state {
	TW_NONE,
	TW_MEM,
	TW_STORE,
	TW_READING,
	TW_WRITING,
	TW_CANCELLED,
	TW_POISON,
	TW_FOREIGN,
};

/**
 * struct tw_rec - the record of a page
 * @w: lock bit, state, tier, slot's tier, flags, node hint, and the pfn or, in a store,
 *	when the page left memory (see TW_W_*)
 * @slot: slot in the store of @w's slot tier, valid with TW_W_SLOT
 * @heat: grows with touches and saturates
 * @age: sweeps since the page was last seen touched
 * @aux: TW_AUX_*
 */
struct tw_rec {
	unsigned long w;
	u32 slot;
	u16 heat;
	u8 age;
	u8 aux;
};

#define TW_W_LOCK_BIT		0
#define TW_W_LOCK		BIT(TW_W_LOCK_BIT)
#define TW_W_STATE_SHIFT	1
#define TW_W_STATE_MASK		(7UL << TW_W_STATE_SHIFT)
#define TW_W_TIER_SHIFT		4
#define TW_W_TIER_MASK		(7UL << TW_W_TIER_SHIFT)
#define TW_W_SLOT_TIER_SHIFT	7
#define TW_W_SLOT_TIER_MASK	(7UL << TW_W_SLOT_TIER_SHIFT)
#define TW_W_SLOT		BIT(10)	/* @slot is valid */
#define TW_W_PREFAULT		BIT(11)	/* mapped beside a fault, not touched yet */
#define TW_W_NODE_SHIFT		12	/* the node that touches it, plus 1; 0 if none */
#define TW_W_NODE_MASK		(63UL << TW_W_NODE_SHIFT)
#define TW_W_SURE_SHIFT		18	/* by how many votes that node leads */
#define TW_W_SURE_MASK		(7UL << TW_W_SURE_SHIFT)
#define TW_W_HINT_MASK		(TW_W_NODE_MASK | TW_W_SURE_MASK)
#define TW_W_HUGE		BIT(21)	/* its frame is a part of tw_chunk.huge */
#define TW_W_PFN_SHIFT		24

#define TW_AUX_BOUNCES_SHIFT	0	/* early refaults, see departed.c */
#define TW_AUX_BOUNCES_MAX	3
#define TW_AUX_ELSEWHERE	BIT(2)	/* a foreign page in memory of no tier: NONE */
#define TW_AUX_SWAPPED		BIT(3)	/* a foreign page that is swapped out */

#define TW_CHUNK_SHIFT		9
#define TW_CHUNK_PAGES		BIT(TW_CHUNK_SHIFT)

/**
 * struct tw_chunk - 512 records
 * @rec: the records
 * @space: the space that the pages belong to
 * @base: index of the first page
 * @nr_mem: pages in state MEM, WRITING or CANCELLED
 * @idle: scans in a row that have found it untouched; this and the members up to
 *	@cold belong to the scanner
 * @behind: scans that are not counted in the ages of its pages yet
 * @tiers: tiers that have pages in @cold, a bit for each
 * @all_cold: no page of it had heat at the last look, see tw_chunk_changed()
 * @aged: at that look, all pages without heat were as old as pages get
 * @placed: by which tiers of nodes its foreign pages were placed (tw_attachment.placing)
 * @huge: the folio of 2 MiB that has or had its pages, see huge.h; NULL: none
 * @huge_left: how many of them are still there
 * @whole: all are, and the folio may be mapped. @huge and @whole change only while all
 *	records are locked, so each record's lock keeps them; the last page to leave a
 *	folio that is not whole ends @huge
 * @ahead_begun: bit 0: a read ahead is about to begin
 * @ahead: how many pages were read in last, one behind the other; 0: none (hint)
 * @ahead_at: the page behind those, counted from @base (hint)
 * @cold: at that look, pages without heat of each tier: in a store, and in memory
 * @lru: entry in the shrinker's list, where it stays until a walk finds @nr_mem 0
 */
struct tw_chunk {
	struct tw_rec *rec;
	struct tw_space *space;
	unsigned long base;
	atomic_t nr_mem;
	u8 idle;
	u8 behind;
	u8 tiers;
	bool all_cold;
	u16 cold[TW_NR_TIERS * 2];
	unsigned long ahead_begun;
	struct page *huge;
	atomic_t huge_left;
	bool whole;
	bool aged;
	u8 placed;
	u8 ahead;
	u16 ahead_at;
	struct list_head lru;
};

#ifdef CONFIG_LOCKDEP
extern struct lockdep_map tw_rec_dep_map;
#define tw_rec_dep_acquire()	lock_map_acquire(&tw_rec_dep_map)
#define tw_rec_dep_try()	\
	lock_acquire_exclusive(&tw_rec_dep_map, 0, 1, NULL, _THIS_IP_)
#define tw_rec_dep_release()	lock_map_release(&tw_rec_dep_map)
#else
#define tw_rec_dep_acquire()	do { } while (0)
#define tw_rec_dep_try()	do { } while (0)
#define tw_rec_dep_release()	do { } while (0)
#endif

/* Reads the word. READ_ONCE() with the lock held, too: others try for its lock bit. */
static inline unsigned long tw_rec_w(const struct tw_rec *rec)
{
	return READ_ONCE(rec->w);
}

static inline enum tw_state tw_w_state(unsigned long w)
{
	return (w & TW_W_STATE_MASK) >> TW_W_STATE_SHIFT;
}

static inline int tw_w_tier(unsigned long w)
{
	return (w & TW_W_TIER_MASK) >> TW_W_TIER_SHIFT;
}

static inline int tw_w_slot_tier(unsigned long w)
{
	return (w & TW_W_SLOT_TIER_MASK) >> TW_W_SLOT_TIER_SHIFT;
}

static inline struct page *tw_w_page(unsigned long w)
{
	return pfn_to_page(w >> TW_W_PFN_SHIFT);
}

/* Whether the page is in memory, so that its pfn is valid. */
static inline bool tw_w_resident(unsigned long w)
{
	enum tw_state s = tw_w_state(w);

	return s == TW_MEM || s == TW_WRITING || s == TW_CANCELLED;
}

/* The same, whether the frame is the driver's or the kernel's. */
static inline bool tw_w_in_memory(unsigned long w)
{
	return tw_w_resident(w) ||
	       (tw_w_state(w) == TW_FOREIGN && w >> TW_W_PFN_SHIFT);
}

/* Is the page's frame a part of a folio of 2 MiB, which all its neighbours may share? */
static inline bool tw_w_huge(unsigned long w)
{
	return w & TW_W_HUGE;
}

static inline bool tw_w_in_flight(unsigned long w)
{
	enum tw_state s = tw_w_state(w);

	return s == TW_READING || s == TW_WRITING || s == TW_CANCELLED;
}

static inline unsigned long tw_w_make(enum tw_state state, int tier)
{
	return (unsigned long)state << TW_W_STATE_SHIFT |
	       (unsigned long)tier << TW_W_TIER_SHIFT;
}

static inline unsigned long tw_w_mem(int tier, struct page *page)
{
	return tw_w_make(TW_MEM, tier) | page_to_pfn(page) << TW_W_PFN_SHIFT;
}

static inline unsigned long tw_w_slot(int tier)
{
	return TW_W_SLOT | (unsigned long)tier << TW_W_SLOT_TIER_SHIFT;
}

/* When the page left memory, from the word of a page in a store. */
static inline unsigned long tw_w_stamp(unsigned long w)
{
	return w & (~0UL << TW_W_PFN_SHIFT);
}

/* The slot part of a word. */
static inline unsigned long tw_w_slot_bits(unsigned long w)
{
	return w & (TW_W_SLOT | TW_W_SLOT_TIER_MASK);
}

static inline unsigned int tw_aux_bounces(const struct tw_rec *rec)
{
	return READ_ONCE(rec->aux) >> TW_AUX_BOUNCES_SHIFT & TW_AUX_BOUNCES_MAX;
}

static inline void tw_aux_set_bounces(struct tw_rec *rec, unsigned int n)
{
	u8 aux = READ_ONCE(rec->aux) &
		 ~(TW_AUX_BOUNCES_MAX << TW_AUX_BOUNCES_SHIFT);

	WRITE_ONCE(rec->aux, aux | n << TW_AUX_BOUNCES_SHIFT);
}

static inline void tw_rec_assert_locked(const struct tw_rec *rec)
{
	VM_WARN_ON_ONCE(!(tw_rec_w(rec) & TW_W_LOCK));
}

/* Replaces the word, keeping lock bit and node hint. The record is locked. */
static inline void tw_rec_set(struct tw_rec *rec, unsigned long w)
{
	tw_rec_assert_locked(rec);
	WRITE_ONCE(rec->w, (w & ~TW_W_HINT_MASK) |
		   (tw_rec_w(rec) & TW_W_HINT_MASK) | TW_W_LOCK);
}

/*
 * The word after a touch by a CPU of node @nid, which is a vote for the node that
 * leads or against it. Nodes beyond 61 have no vote.
 */
static inline unsigned long tw_w_vote(unsigned long w, int nid)
{
	unsigned long node = (w & TW_W_NODE_MASK) >> TW_W_NODE_SHIFT;
	unsigned long sure = (w & TW_W_SURE_MASK) >> TW_W_SURE_SHIFT;

	if (unlikely(nid < 0 || nid > 61))
		return w;
	if (node == nid + 1UL) {
		sure += sure < 7;
	} else if (sure > 1) {
		sure--;
	} else {
		node = nid + 1;
		sure = 1;
	}
	return (w & ~TW_W_HINT_MASK) | node << TW_W_NODE_SHIFT |
	       sure << TW_W_SURE_SHIFT;
}

/* The node whose CPUs touch the page most, or -1. */
static inline int tw_w_best_node(unsigned long w)
{
	return (int)((w & TW_W_NODE_MASK) >> TW_W_NODE_SHIFT) - 1;
}

/* By how many votes that node leads: 0..7. */
static inline unsigned int tw_w_sure(unsigned long w)
{
	return (w & TW_W_SURE_MASK) >> TW_W_SURE_SHIFT;
}

static inline void tw_rec_vote(struct tw_rec *rec, int nid)
{
	tw_rec_assert_locked(rec);
	WRITE_ONCE(rec->w, tw_w_vote(tw_rec_w(rec), nid));
}

static inline void tw_rec_forget_votes(struct tw_rec *rec)
{
	tw_rec_assert_locked(rec);
	WRITE_ONCE(rec->w, tw_rec_w(rec) & ~TW_W_HINT_MASK);
}

static inline void tw_rec_set_state(struct tw_rec *rec, enum tw_state s)
{
	tw_rec_set(rec, (tw_rec_w(rec) & ~TW_W_STATE_MASK) |
		   (unsigned long)s << TW_W_STATE_SHIFT);
}

/* Makes a locked record one of a page that was never touched. */
static inline void tw_rec_clear(struct tw_rec *rec)
{
	tw_rec_assert_locked(rec);
	WRITE_ONCE(rec->w, tw_w_make(TW_NONE, 0) | TW_W_LOCK);
	WRITE_ONCE(rec->heat, 0);
	WRITE_ONCE(rec->age, 0);
	WRITE_ONCE(rec->aux, 0);
}

/* For further records of a batch: one lockdep annotation stands for them all. */
static inline bool tw_rec_trylock_nested(struct tw_rec *rec)
{
	return !test_and_set_bit_lock(TW_W_LOCK_BIT, &rec->w);
}

/*
 * How many tasks sleep until a record is unlocked, any record. Nearly always there are
 * none, and then no unlock has to look for them. A fault that maps 16 pages has as many.
 */
extern atomic_t tw_rec_sleepers;

static inline void tw_rec_unlock_nested(struct tw_rec *rec)
{
	tw_rec_assert_locked(rec);
	clear_bit_unlock(TW_W_LOCK_BIT, &rec->w);
	smp_mb__after_atomic();	/* pairs with the barrier in tw_rec_sleep() */
	if (unlikely(atomic_read(&tw_rec_sleepers)))
		wake_up_bit(&rec->w, TW_W_LOCK_BIT);
}

/* Locks a record, sleeping in @state. Returns 0 or -EINTR. No lockdep annotation. */
static inline int tw_rec_sleep(struct tw_rec *rec, unsigned int state)
{
	int err;

	atomic_inc(&tw_rec_sleepers);
	/*
	 * Pairs with the barrier in tw_rec_unlock_nested(): either that sees a sleeper,
	 * or the record is seen unlocked here.
	 */
	smp_mb__after_atomic();
	err = wait_on_bit_lock(&rec->w, TW_W_LOCK_BIT, state);
	atomic_dec(&tw_rec_sleepers);
	return err ? -EINTR : 0;
}

static inline bool tw_rec_trylock(struct tw_rec *rec)
{
	if (!tw_rec_trylock_nested(rec))
		return false;
	tw_rec_dep_try();
	return true;
}

static inline void tw_rec_unlock(struct tw_rec *rec)
{
	tw_rec_dep_release();
	tw_rec_unlock_nested(rec);
}

/* Whether a page that is young was touched, not just mapped by a neighbour's fault. */
static inline bool tw_rec_touched(struct tw_rec *rec)
{
	if (likely(!(tw_rec_w(rec) & TW_W_PREFAULT)) || !tw_rec_trylock(rec))
		return true;
	tw_rec_set(rec, tw_rec_w(rec) & ~TW_W_PREFAULT);
	tw_rec_unlock(rec);
	return false;
}

/*
 * Locks a record, sleeping in @state. That may last as long as the I/O of a READING
 * page, which may never end. So only a task that can be killed, or a worker that no
 * other work needs, may sleep here. Returns 0 or -EINTR.
 */
static inline int tw_rec_lock_state(struct tw_rec *rec, unsigned int state)
{
	tw_rec_dep_acquire();
	if (tw_rec_trylock_nested(rec) || !tw_rec_sleep(rec, state))
		return 0;
	tw_rec_dep_release();
	return -EINTR;
}

static inline int tw_rec_lock_killable(struct tw_rec *rec)
{
	return tw_rec_lock_state(rec, TASK_KILLABLE);
}

/* Wakes waiters after the record has left WRITING or CANCELLED and was unlocked. */
static inline void tw_rec_settled(struct tw_rec *rec)
{
	smp_mb();	/* pairs with prepare_to_wait_event() in the wait below */
	wake_up_var(&rec->w);
}

static inline bool tw_rec_is_settled(struct tw_rec *rec)
{
	enum tw_state s = tw_w_state(tw_rec_w(rec));

	return s != TW_WRITING && s != TW_CANCELLED;
}

/* Waits until it is settled. Returns 0, or an error for a signal that ends @state. */
static inline int tw_rec_wait_settled(struct tw_rec *rec, unsigned int state)
{
	return ___wait_var_event(&rec->w, tw_rec_is_settled(rec), state, 0, 0,
				 schedule());
}

static inline struct tw_rec *tw_chunk_rec(struct tw_chunk *c, unsigned long idx)
{
	return &c->rec[idx & (TW_CHUNK_PAGES - 1)];
}

/*
 * The list of chunks with resident pages, which reclaim walks. It is a list_lru, by
 * node and memcg, with a lock of its own. shrinker.c sets it up and takes chunks off.
 */
extern struct list_lru tw_chunk_lru;
extern atomic_long_t tw_chunks_listed;	/* chunks in it */

int tw_records_init(void);
void tw_records_exit(void);

/*
 * Loops over the chunks of @_r in the order of their pages: each in @_c, with its
 * place in @_i; its first page is @_i << TW_CHUNK_SHIFT. The caller has a reference to
 * @_r. No lock is needed and the body may sleep, since a chunk stays until the last
 * reference goes. A chunk that is made meanwhile may be missed.
 */
#define tw_for_each_chunk(_r, _i, _c)					\
	xa_for_each(&(_r)->chunks, _i, _c)
/* The same from place @_start on, and up to @_last. */
#define tw_for_each_chunk_from(_r, _i, _c, _start)			\
	xa_for_each_start(&(_r)->chunks, _i, _c, _start)
#define tw_for_each_chunk_range(_r, _i, _c, _start, _last)		\
	xa_for_each_range(&(_r)->chunks, _i, _c, _start, _last)

/* The record of page @idx, or NULL if no page of its chunk was touched yet. */
struct tw_rec *tw_rec_find(struct tw_space *sp, unsigned long idx);
struct tw_chunk *tw_chunk_find(struct tw_space *sp, unsigned long idx);
#define TW_GFP_CHUNK		(GFP_KERNEL | __GFP_ACCOUNT | __GFP_NOWARN | \
				 __GFP_NORETRY)
#define TW_GFP_CHUNK_HARD	(GFP_KERNEL | __GFP_ACCOUNT | __GFP_NOWARN | \
				 __GFP_RETRY_MAYFAIL)

/*
 * The chunk of page @idx, made if needed; or -ENOMEM, -EDQUOT or -EINTR. Sleeps. @gfp
 * is TW_GFP_CHUNK, or TW_GFP_CHUNK_HARD, with which reclaim makes its full effort and
 * the caller's memcg is charged if the space's cannot be. Calls that make chunks of one
 * space wait for each other. So for a space that the kernel's own I/O waits for, all of
 * them have to use GFP_NOIO instead of GFP_KERNEL.
 */
struct tw_chunk *tw_chunk_make(struct tw_space *sp, unsigned long idx, gfp_t gfp);
/* Charges the user for all records that @sp can have, at once. Returns 0 or -EDQUOT. */
int tw_records_prepay(struct tw_space *sp);
void tw_chunk_mem_add(struct tw_chunk *c, int n);
/*
 * Has the scanner look at the chunk's records again, since a page has gone to another
 * tier, or got heat by other means than a touch.
 */
static inline void tw_chunk_changed(struct tw_chunk *c)
{
	if (READ_ONCE(c->all_cold))
		WRITE_ONCE(c->all_cold, false);
}

void tw_chunks_init(struct tw_space *sp);
void tw_chunks_free(struct tw_space *sp);

#endif
