/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store.h - a bound store, private to backend_store.c, store_io.c, slots.c and
 * hibernate.c
 *
 * Found through tw_tier_s.store: under RCU, or by the slot one holds.
 */
#ifndef _TW_STORE_H
#define _TW_STORE_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#ifdef CONFIG_X86_64
#include <asm/cpufeature.h>
#endif

#include "base/compat.h"
#include "tiers/slots.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

struct tw_xfer;

/**
 * struct tw_store - a bound store
 * @bdev: claimed exclusively
 * @file: by this, where there is one
 * @lock: guards the bitmap of @slots; innermost
 * @slots: slots and checksums
 * @bios: its bios, struct tw_bio each: its own, so that a device that hangs with
 *	all that there are when memory is short leaves the others theirs
 */
struct tw_store {
	struct block_device *bdev;
	struct file *file;
	spinlock_t lock;
	struct tw_slots slots;
	struct bio_set bios;
};

/**
 * struct tw_bio - a bio of ours
 * @xfer: what it is a part of
 * @io: the pages in it
 * @nr: how many
 * @bio: last, its vectors follow
 */
struct tw_bio {
	struct tw_xfer *xfer;
	struct tw_io *io;
	unsigned int nr;
	struct bio bio;
};

/* store_io.c: the bios of a store that is being bound. 0 or -ENOMEM. */
int tw_bios_init(struct tw_store *s);
/* The last bio has ended: its slot is free. */
void tw_bios_exit(struct tw_store *s);

/* The store of a tier that cannot go away: the caller holds a slot. */
static inline struct tw_store *tw_store_held(struct tw_tier_s *t)
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

static inline sector_t tw_slot_sector(u32 slot)
{
	return (TW_STORE_DATA + (u64)slot * PAGE_SIZE) >> SECTOR_SHIFT;
}

#endif
