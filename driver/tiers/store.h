/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store.h - what all bound stores have, whatever backs them
 *
 * A backend embeds it in a struct of its own. It is found through tw_tier_desc.store,
 * under RCU or by a caller that holds a slot. Any higher room may look at a store;
 * opening and closing one is for backends. store.c describes the locks.
 */
#ifndef _TW_STORE_H
#define _TW_STORE_H

#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#ifdef CONFIG_X86_64
#include <asm/cpufeature.h>
#endif

#include "base/compat.h"
#include "tiers/slots.h"
#include "tiers/tier.h"

/**
 * struct tw_store - a bound store
 * @ops: its backend
 * @lock: guards the bitmap of @slots; innermost
 * @slots: slots and checksums
 */
struct tw_store {
	const struct tw_tier_ops *ops;
	spinlock_t lock;
	struct tw_slots slots;
};

/* -- for backends ------------------------------------------------------------ */

/*
 * Makes @s, whose slots have been made, the store of @t, and sets the tier's capacity.
 * A bind calls this last, under tw_tier_mutex.
 */
void tw_store_open(struct tw_tier_desc *t, struct tw_store *s);
/*
 * Takes the store of @t away, so that no caller finds it any more, frees its slots and
 * returns it. An unbind calls this first, under tw_tier_mutex. Sleeps.
 */
struct tw_store *tw_store_close(struct tw_tier_desc *t);

/* -- looking, any context but irq: false, or 0, for what is no store --------- */

/* Whether pages must not change while they are written to the store. */
bool tw_store_stable(struct tw_tier_desc *t);
/* Device number as st_rdev has it, 0 if there is none. */
u32 tw_store_dev(struct tw_tier_desc *t);
/* Whether its device has gone or failed lately, so that new pages should avoid it. */
bool tw_store_failing(struct tw_tier_desc *t);

/* The store of a tier that cannot go away: the caller holds a slot. */
static inline struct tw_store *tw_store_held(struct tw_tier_desc *t)
{
	return rcu_dereference_protected(t->store, true);
}

/* The first sector of a slot on the device of a store. */
static inline sector_t tw_slot_sector(u32 slot)
{
	return (TW_STORE_DATA + (u64)slot * PAGE_SIZE) >> SECTOR_SHIFT;
}

/*
 * The crc32c of the uapi header, for a multiple of 64 bytes. The crc32c that is built
 * into older kernels executes ten times as many instructions as a loop over the
 * instruction that most CPUs have for it; their faster one may be a module, which
 * insmod does not load.
 */
static inline u32 tw_crc32c(const void *bytes, size_t len)
{
#ifdef CONFIG_X86_64
	if (cpu_feature_enabled(X86_FEATURE_XMM4_2)) {
		const u64 (*line)[8] = bytes, (*end)[8] = bytes + len;
		u64 crc = ~0U;

		/* Unrolled: with one word at a time, three quarters would be the loop. */
		for (; line < end; line++)
			asm("crc32q (%1), %0\n\t"
			    "crc32q 8(%1), %0\n\t"
			    "crc32q 16(%1), %0\n\t"
			    "crc32q 24(%1), %0\n\t"
			    "crc32q 32(%1), %0\n\t"
			    "crc32q 40(%1), %0\n\t"
			    "crc32q 48(%1), %0\n\t"
			    "crc32q 56(%1), %0"
			    : "+r" (crc) : "r" (line), "m" (*line));
		return ~(u32)crc;
	}
#endif
	return ~tw_crc32c_plain(~0U, bytes, len);
}

#endif
