/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store.h - what all bound stores have, whatever backs them
 *
 * A backend embeds it in a struct of its own. It is found through tw_tier_desc.store:
 * under RCU, or by the slot one holds.
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
 * @s, whose slots have been made, is the store of @t from now on: tells the capacity.
 * The end of a bind, under tw_tier_mutex.
 */
void tw_store_open(struct tw_tier_desc *t, struct tw_store *s);
/*
 * The store of @t, which nobody finds any more, without slots: the beginning of an
 * unbind, under tw_tier_mutex. Sleeps.
 */
struct tw_store *tw_store_close(struct tw_tier_desc *t);

/* -- looking, any context but irq: false, or 0, for what is no store --------- */

/* Pages written to the store must not change under I/O. */
bool tw_store_stable(struct tw_tier_desc *t);
/* Device number as st_rdev has it, 0 when there is none. */
u32 tw_store_dev(struct tw_tier_desc *t);
/* What backs it has gone or failed lately: avoid it for new pages. */
bool tw_store_failing(struct tw_tier_desc *t);

/* The store of a tier that cannot go away: the caller holds a slot. */
static inline struct tw_store *tw_store_held(struct tw_tier_desc *t)
{
	return rcu_dereference_protected(t->store, true);
}

/*
 * crc32c as in uapi, of a multiple of 64 bytes. What older kernels have of it in
 * the kernel proper takes ten times the instructions of the one that most CPUs
 * have for it; the rest of it may be a module, which insmod does not load.
 */
static inline u32 tw_crc32c(const void *bytes, size_t len)
{
#ifdef CONFIG_X86_64
	if (cpu_feature_enabled(X86_FEATURE_XMM4_2)) {
		const u64 (*line)[8] = bytes, (*end)[8] = bytes + len;
		u64 crc = ~0U;

		/* Of a loop of single words three quarters would be the loop. */
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
