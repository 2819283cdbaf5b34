/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store_bio.h - a store on a block device: its bios
 *
 * Only backend_store.c and main.c call it. There are no locks, see store_bio.c.
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
 * @file: the file that claims it, in kernels that have one
 * @bios: its reserve of bios (struct tw_bio). Each store has its own, so that when
 *	memory is short a device that hangs uses up no other device's reserve
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

/* Called at load and unload: the slab cache for the bios of all stores. */
int tw_bio_cache_init(void);
void tw_bio_cache_exit(void);

/* Makes the reserve of a store that is being bound. Returns 0 or -ENOMEM. */
int tw_bios_init(struct tw_blk_store *b);
/* Frees it. No bio is in flight any more, since no slot is taken any more. */
void tw_bios_exit(struct tw_blk_store *b);

/* tw_tier_ops.submit. Pages whose slots follow each other share a bio. */
void tw_bios_submit(struct tw_xfer *f, struct tw_io *io, unsigned int nr);

#endif
