/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cand_queue.h - the queue of pages that may be worth moving, by its logic
 *
 * A ring of page numbers for each tier and band of heat. Whoever changes a
 * page's band puts its number into the ring of the new one: an atomic counter
 * and a store, from any context. A ring is bounded: new numbers replace the
 * oldest. Whoever looks drops what is no longer true, by a compare and exchange,
 * so that a number put there meanwhile stays.
 *
 * No locks and no kernel calls but those named at the top: the unit tests run
 * it on the host.
 */
#ifndef _TW_CAND_QUEUE_H
#define _TW_CAND_QUEUE_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/types.h>

#define tw_cand_inc(_p)		((unsigned int)atomic_inc_return_relaxed(_p) - 1)
#define tw_cand_load(_p)	((unsigned int)atomic_read(_p))
#define tw_cand_hash(_v, _bits)	hash_64(_v, _bits)
#else
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t u64;
typedef int64_t s64;
typedef struct { unsigned int counter; } atomic_t;

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
 * @head: how many were put, wraps
 * @entry: inverted page numbers, so that 0 is none
 */
struct tw_cand_ring {
	atomic_t head;
	u64 entry[TW_CAND_RING];
};

/* Any context. */
static inline void tw_cand_put(struct tw_cand_ring *q, u64 page)
{
	unsigned int at = tw_cand_inc(&q->head) & (TW_CAND_RING - 1);

	WRITE_ONCE(q->entry[at], ~page);
}

/* The @back-th newest entry, 0..TW_CAND_RING - 1, of a ring whose head was read. */
static inline u64 *tw_cand_at(struct tw_cand_ring *q, unsigned int head,
			      unsigned int back)
{
	return &q->entry[(head - 1 - back) & (TW_CAND_RING - 1)];
}

/* Forget @page there, unless another number has taken its place. */
static inline void tw_cand_drop(u64 *entry, u64 page)
{
	cmpxchg(entry, ~page, (u64)0);
}

/**
 * enum tw_cand_fate - what a look at an entry found
 * @TW_CAND_STALE: no longer true: dropped
 * @TW_CAND_PASS: true, but not for this caller
 * @TW_CAND_TAKEN: true and taken
 */
enum tw_cand_fate {
	TW_CAND_STALE,
	TW_CAND_PASS,
	TW_CAND_TAKEN,
};

/*
 * Shows all entries to @look, the newest first; drops the stale ones. Bounded by
 * the ring's size. Returns how many were taken.
 */
static inline unsigned int
tw_cand_look(struct tw_cand_ring *q,
	     enum tw_cand_fate (*look)(void *data, u64 page), void *data)
{
	unsigned int head = tw_cand_load(&q->head), back, taken = 0;

	for (back = 0; back < TW_CAND_RING; back++) {
		u64 *entry = tw_cand_at(q, head, back);
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
		case TW_CAND_PASS:
			break;
		}
	}
	return taken;
}

/*
 * Page numbers seen in one call: open addressing in @slots, 1 << @bits of them,
 * zeroed, never more than half full. False: it was there already.
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
 * How a candidate ranks, the best lowest: the hottest, or the coldest and of
 * those the one longest untouched. 24 bits.
 */
static inline u64 tw_cand_rank(unsigned int heat, unsigned int age, bool hot)
{
	return hot ? (u64)(0xffff - heat) << 8 : (u64)heat << 8 | (0xff - age);
}

/* What is sorted: a rank, and whose it is, which takes 20 bits. */
#define TW_CAND_KEY(_rank, _index)	((_rank) << 20 | (_index))
#define TW_CAND_KEY_INDEX(_key)		((unsigned int)((_key) & 0xfffff))

/*
 * Sorts @n keys by rank, equal ones as they came; @tmp has room for as many.
 * By bytes, since comparing two at a time takes ten times as long.
 */
static inline void tw_cand_sort(u64 *keys, u64 *tmp, unsigned int n)
{
	unsigned int shift, i;

	for (shift = 20; shift < 44; shift += 8) {
		unsigned int at[256] = { 0 }, sum = 0;

		for (i = 0; i < n; i++)
			at[keys[i] >> shift & 0xff]++;
		if (!n || at[keys[0] >> shift & 0xff] == n)
			continue;	/* the same in all */
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
 * Is a page this hot worth promoting (@hot), or cold enough to be demoted: below
 * the threshold, or touched no more than once (@once: what a touch adds)?
 */
static inline bool tw_cand_wanted(unsigned int heat, bool hot,
				  unsigned int hot_above,
				  unsigned int cold_below, unsigned int once)
{
	if (hot)
		return heat > hot_above;
	return heat <= hot_above && (heat < cold_below || heat <= once);
}

/* Time saved by moving: by latencies in ns, saturating; negative: lost. */
static inline s64 tw_cand_benefit(unsigned int heat, u64 from_ns, u64 to_ns)
{
	bool gain = from_ns >= to_ns;
	u64 diff = gain ? from_ns - to_ns : to_ns - from_ns;
	u64 max = ~(u64)0 >> 1;
	u64 ns;

	/* Heat has 16 bits: what fits 47 cannot overflow 63. */
	ns = diff >> 47 ? (heat ? max : 0) : diff * heat;
	if (ns > max)
		ns = max;
	return gain ? (s64)ns : -(s64)ns;
}

#endif
