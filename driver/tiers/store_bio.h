/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store_bio.h - a store on a block device: its bios; for backend_store.c
 */
#ifndef _TW_STORE_BIO_H
#define _TW_STORE_BIO_H

#include <linux/bio.h>
#include <linux/blkdev.h>

#include "tiers/store.h"

struct tw_io;
struct tw_xfer;

/**
 * struct tw_blk_store - a store on a block device
 * @store: what all stores have
 * @bdev: claimed exclusively
 * @file: by this, where there is one
 * @bios: its bios, struct tw_bio each: its own, so that a device that hangs with
 *	all that there are when memory is short leaves the others theirs
 */
struct tw_blk_store {
	struct tw_store store;
	struct block_device *bdev;
	struct file *file;
	struct bio_set bios;
};

static inline struct tw_blk_store *tw_blk_store_of(struct tw_store *s)
{
	return container_of(s, struct tw_blk_store, store);
}

/* At load and unload: the cache that all stores' bios are of. */
int tw_bio_cache_init(void);
void tw_bio_cache_exit(void);

/* The bios of a store that is being bound. 0 or -ENOMEM. */
int tw_bios_init(struct tw_blk_store *b);
/* The last bio has ended: its slot is free. */
void tw_bios_exit(struct tw_blk_store *b);

/* tw_tier_ops.submit. Neighbours are merged into one bio. */
void tw_bios_submit(struct tw_xfer *f, struct tw_io *io, unsigned int nr);
/* tw_tier_ops.submit_bio. */
void tw_bio_redirect(struct tw_store *s, struct bio *bio, u32 slot);

#endif
