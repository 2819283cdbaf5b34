/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cand_queue.h - rings of pages that may be worth moving, and their ranking
 *
 * There is a ring of page numbers for each tier and band of heat. Code that puts a
 * page's heat into another band adds the page's number to the ring of that band,
 * with one atomic increment and one store, in any context. A ring is bounded: new
 * numbers replace the oldest. A page may since have moved or changed its band, so a
 * reader checks each entry and drops those that are stale, by a cmpxchg, so that a
 * number that was added meanwhile stays.
 *
 * No locks, and no kernel calls but those named at the top, so that the unit tests
 * run it on the host. In the driver heat.c adds numbers and candidates.c reads them.
 */
#ifndef _TW_CAND_QUEUE_H
#define _TW_CAND_QUEUE_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/types.h>

#define tw_cand_inc(_p)		((u64)atomic64_inc_return_relaxed(_p) - 1)
#define tw_cand_load(_p)	((u64)atomic64_read(_p))
#define tw_cand_hash(_v, _bits)	hash_64(_v, _bits)
#else
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64;
typedef int64_t s64;
typedef struct { uint64_t counter; } atomic64_t;

#define READ_ONCE(_x)		__atomic_load_n(&(_x), __ATOMIC_RELAXED)
#define WRITE_ONCE(_x, _v)	__atomic_store_n(&(_x), _v, __ATOMIC_RELAXED)
#define cmpxchg(_p, _old, _new)	__sync_val_compare_and_swap(_p, _old, _new)
#define tw_cand_inc(_p)		\
	__atomic_fetch_add(&(_p)->counter, 1, __ATOMIC_RELAXED)
#define tw_cand_load(_p)	\
	__atomic_load_n(&(_p)->counter, __ATOMIC_RELAXED)
#define tw_cand_hash(_v, _bits)	\
	((unsigned int)((_v) * 0x61C8864680B583EBULL >> (64 - (_bits))))
#endif

#define TW_CAND_RING	256	/* a power of two */

/**
 * struct tw_cand_ring - page numbers of one tier and band
 * @head: how many numbers have been added
 * @entry: inverted page numbers, so that 0 is an empty entry
 */
struct tw_cand_ring {
	atomic64_t head;
	u64 entry[TW_CAND_RING];
};

/* Adds a page number. Any context. */
static inline void tw_cand_put(struct tw_cand_ring *q, u64 page)
{
	u64 at = tw_cand_inc(&q->head) & (TW_CAND_RING - 1);

	WRITE_ONCE(q->entry[at], ~page);
}

/*
 * The @back-th newest entry of a ring when its head was @head. @back is
 * 0..TW_CAND_RING - 1.
 */
static inline u64 *tw_cand_at(struct tw_cand_ring *q, u64 head, unsigned int back)
{
	return &q->entry[(head - 1 - back) & (TW_CAND_RING - 1)];
}

/* Empties an entry, unless another number has replaced @page there. */
static inline void tw_cand_drop(u64 *entry, u64 page)
{
	cmpxchg(entry, ~page, (u64)0);
}

/**
 * enum tw_cand_fate - what becomes of an entry after a reader has checked it
 * @TW_CAND_STALE: the page is not in this tier and band any more; drop the entry
 * @TW_CAND_PASS: the entry is true, but the reader does not want it; keep it
 * @TW_CAND_TAKEN: the entry is true and the reader uses it; keep it
 * @TW_CAND_LAST: the same, and the reader needs no further one
 */
enum tw_cand_fate {
	TW_CAND_STALE,
	TW_CAND_PASS,
	TW_CAND_TAKEN,
	TW_CAND_LAST,
};

/*
 * Calls @look for each entry, the newest first or with @oldest the oldest, and drops the
 * stale ones. Returns how many were taken.
 */
static inline unsigned int
tw_cand_look(struct tw_cand_ring *q, bool oldest,
	     enum tw_cand_fate (*look)(void *data, u64 page), void *data)
{
	u64 head = tw_cand_load(&q->head);
	unsigned int nr = head < TW_CAND_RING ? head : TW_CAND_RING;
	unsigned int i, taken = 0;

	for (i = 0; i < nr; i++) {
		u64 *entry = tw_cand_at(q, head, oldest ? nr - 1 - i : i);
		u64 page = ~READ_ONCE(*entry);

		if (page == ~(u64)0)
			continue;
		switch (look(data, page)) {
		case TW_CAND_STALE:
			tw_cand_drop(entry, page);
			break;
		case TW_CAND_TAKEN:
			taken++;
			break;
		case TW_CAND_LAST:
			return taken + 1;
		case TW_CAND_PASS:
			break;
		}
	}
	return taken;
}

/*
 * Adds @page to the set of pages seen in one call, a hash table with open addressing.
 * @slots are 1 << @bits words, zero at first, of which at most half get used. Returns
 * false if the page is in the set already.
 */
static inline bool tw_cand_seen_add(u64 *slots, unsigned int bits, u64 page)
{
	unsigned int mask = (1U << bits) - 1;
	unsigned int at = tw_cand_hash(page, bits);

	while (slots[at]) {
		if (slots[at] == ~page)
			return false;
		at = (at + 1) & mask;
	}
	slots[at] = ~page;
	return true;
}

/*
 * A candidate's rank in 24 bits; the lowest is best. With @hot the hottest page ranks
 * best, else the coldest, and among equally cold ones the one longest untouched.
 */
static inline u64 tw_cand_rank(unsigned int heat, unsigned int age, bool hot)
{
	return hot ? (u64)(0xffff - heat) << 8 : (u64)heat << 8 | (0xff - age);
}

/* A key to sort: a rank, and in the lowest 20 bits the index of its candidate. */
#define TW_CAND_KEY(_rank, _index)	((_rank) << 20 | (_index))
#define TW_CAND_KEY_INDEX(_key)		((unsigned int)((_key) & 0xfffff))

/*
 * Sorts @n keys by rank, a stable sort; @tmp has room for @n keys, too. A radix sort by
 * bytes, which takes a tenth of the time of one by comparison.
 */
static inline void tw_cand_sort(u64 *keys, u64 *tmp, unsigned int n)
{
	unsigned int shift, i;

	for (shift = 20; shift < 44; shift += 8) {
		unsigned int at[256] = { 0 }, sum = 0;

		for (i = 0; i < n; i++)
			at[keys[i] >> shift & 0xff]++;
		if (!n || at[keys[0] >> shift & 0xff] == n)
			continue;	/* this byte is the same in all keys */
		for (i = 0; i < 256; i++) {
			unsigned int here = at[i];

			at[i] = sum;
			sum += here;
		}
		for (i = 0; i < n; i++)
			tmp[at[keys[i] >> shift & 0xff]++] = keys[i];
		for (i = 0; i < n; i++)
			keys[i] = tmp[i];
	}
}

/*
 * Whether a page's heat makes it worth promoting (@hot) or cold enough to be demoted.
 * It is cold if it is below @cold_below, or not above @once, the heat that a single
 * touch adds; but never if it is above @hot_above.
 */
static inline bool tw_cand_wanted(unsigned int heat, bool hot,
				  unsigned int hot_above,
				  unsigned int cold_below, unsigned int once)
{
	if (hot)
		return heat > hot_above;
	return heat <= hot_above && (heat < cold_below || heat <= once);
}

/*
 * The time that a move saves, in ns: @heat times the difference of the tiers'
 * latencies. It saturates, and is negative if the move costs time.
 */
static inline s64 tw_cand_benefit(unsigned int heat, u64 from_ns, u64 to_ns)
{
	bool gain = from_ns >= to_ns;
	u64 diff = gain ? from_ns - to_ns : to_ns - from_ns;
	u64 max = ~(u64)0 >> 1;
	u64 ns;

	/* Heat has 16 bits, so a difference of 47 bits cannot overflow 63. */
	ns = diff >> 47 ? (heat ? max : 0) : diff * heat;
	if (ns > max)
		ns = max;
	return gain ? (s64)ns : -(s64)ns;
}

#endif
