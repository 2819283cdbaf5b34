/* SPDX-License-Identifier: GPL-2.0 */
/*
 * entry.h - what is known of a page of the swap device, in one word
 *
 * Arithmetic alone, without kernel calls: tests/unit/test_swap.c runs it. map.c owns
 * the words and says under which lock, or by which atomic, each change is made.
 *
 * A page that was never written, or has been freed, is 0 and reads as zeroes. A page
 * that was written is VALID: its bytes are in a slot of a store, which is the entry's
 * until the entry gives it up.
 */
#ifndef _TW_SWAP_ENTRY_H
#define _TW_SWAP_ENTRY_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;
#endif

#define TW_SWE_SLOT		0xffffffffULL
#define TW_SWE_TIER_SHIFT	32
#define TW_SWE_TIER		(7ULL << TW_SWE_TIER_SHIFT)
#define TW_SWE_VALID		(1ULL << 35)
/*
 * The driver is moving the page to another slot. Whoever takes the entry away
 * meanwhile leaves its slot to the move.
 */
#define TW_SWE_MOVING		(1ULL << 36)
/* The slot has been written meanwhile: what the move has read is old. */
#define TW_SWE_STALE		(1ULL << 37)
/* Freed while it was read or written; the slot is given back later. */
#define TW_SWE_DEAD		(1ULL << 38)
/* The page is in memory, dirty: it will be written again before it is read. */
#define TW_SWE_SPARE		(1ULL << 39)
/*
 * It was written, and has no slot, so it is not VALID, until it is written again: its
 * store went away with it, or its slot was SPARE.
 */
#define TW_SWE_LOST		(1ULL << 40)
/* How often it has been read lately. */
#define TW_SWE_HEAT_SHIFT	41
#define TW_SWE_HEAT_MAX		7ULL
#define TW_SWE_HEAT		(TW_SWE_HEAT_MAX << TW_SWE_HEAT_SHIFT)
/* Reads and writes of the slot that are under way. */
#define TW_SWE_BUSY_SHIFT	48
#define TW_SWE_BUSY_ONE		(1ULL << TW_SWE_BUSY_SHIFT)
#define TW_SWE_BUSY		(0xffffULL << TW_SWE_BUSY_SHIFT)

static inline int tw_swe_tier(u64 e)
{
	return (e & TW_SWE_TIER) >> TW_SWE_TIER_SHIFT;
}

static inline u32 tw_swe_slot(u64 e)
{
	return e & TW_SWE_SLOT;
}

static inline u64 tw_swe_make(int tier, u32 slot)
{
	return TW_SWE_VALID | (u64)tier << TW_SWE_TIER_SHIFT | slot;
}

/* Do both name the same slot? */
static inline bool tw_swe_same(u64 a, u64 b)
{
	const u64 mask = TW_SWE_VALID | TW_SWE_TIER | TW_SWE_SLOT;

	return (a & b & TW_SWE_VALID) && (a & mask) == (b & mask);
}

/* Is there something that a read has to fetch from a slot? */
static inline bool tw_swe_stored(u64 e)
{
	return (e & (TW_SWE_VALID | TW_SWE_DEAD)) == TW_SWE_VALID;
}

/* May one more be under way? */
static inline bool tw_swe_can_begin(u64 e)
{
	return (e & TW_SWE_BUSY) != TW_SWE_BUSY;
}

static inline unsigned int tw_swe_heat(u64 e)
{
	return (e & TW_SWE_HEAT) >> TW_SWE_HEAT_SHIFT;
}

static inline u64 tw_swe_with_heat(u64 e, unsigned int heat)
{
	if (heat > TW_SWE_HEAT_MAX)
		heat = TW_SWE_HEAT_MAX;
	return (e & ~TW_SWE_HEAT) | (u64)heat << TW_SWE_HEAT_SHIFT;
}

/* A read begins: one more is under way, and the page is hotter. */
static inline u64 tw_swe_read(u64 e)
{
	return tw_swe_with_heat(e, tw_swe_heat(e) + 2) + TW_SWE_BUSY_ONE;
}

/* A write of a page whose entry was @old begins, to a new slot. */
static inline u64 tw_swe_written(u64 old, int tier, u32 slot)
{
	u64 heat = tw_swe_stored(old) ? old & TW_SWE_HEAT : 0;

	return (tw_swe_make(tier, slot) | heat) + TW_SWE_BUSY_ONE;
}

/* The same to the slot that it has: somebody has that under way, or none is free. */
static inline u64 tw_swe_rewritten(u64 old)
{
	if (old & TW_SWE_MOVING)
		old |= TW_SWE_STALE;
	return (old & ~(TW_SWE_DEAD | TW_SWE_SPARE)) + TW_SWE_BUSY_ONE;
}

/* The page is freed: what remains of its entry. */
static inline u64 tw_swe_freed(u64 e)
{
	if (!(e & TW_SWE_VALID) || !(e & TW_SWE_BUSY))
		return 0;
	return e | TW_SWE_DEAD;
}

/* The entry @e has been replaced: is its slot the caller's to give back? */
static inline bool tw_swe_gives_slot(u64 e)
{
	return (e & TW_SWE_VALID) && !(e & TW_SWE_MOVING);
}

/* May its page be moved now? */
static inline bool tw_swe_can_move(u64 e)
{
	return (e & (TW_SWE_VALID | TW_SWE_MOVING | TW_SWE_DEAD | TW_SWE_SPARE |
		     TW_SWE_BUSY)) == TW_SWE_VALID;
}

/* May its slot be given up without a copy? */
static inline bool tw_swe_can_drop(u64 e)
{
	return (e & (TW_SWE_VALID | TW_SWE_MOVING | TW_SWE_SPARE | TW_SWE_BUSY)) ==
	       (TW_SWE_VALID | TW_SWE_SPARE);
}

/*
 * A move of the page that was @was when it began has copied it to a slot of @tier, and
 * finds @now. 0: it must give up, else the new entry.
 */
static inline u64 tw_swe_moved(u64 was, u64 now, int tier, u32 slot)
{
	if (!tw_swe_same(was, now) ||
	    (now & (TW_SWE_STALE | TW_SWE_DEAD | TW_SWE_SPARE | TW_SWE_BUSY)))
		return 0;
	return tw_swe_make(tier, slot) | (now & TW_SWE_HEAT);
}

#endif
