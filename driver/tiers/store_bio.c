// SPDX-License-Identifier: GPL-2.0
/*
 * store_bio.c - transfers to and from a block device
 *
 * Owns the bios of stores. Each belongs to one transfer and carries one part of it
 * (store_io.h): a run of slots that follow each other. backend_store.c calls it.
 *
 * Locks: none. The slots of a transfer pin the store; a bio ends in any context.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/bio.h>
#include <linux/blkdev.h>

#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/store_bio.h"
#include "tiers/store_io.h"

#define TW_BIOS_MIN	32	/* bios that a store has in reserve */

/**
 * struct tw_bio - a bio with its part of a transfer
 * @xfer: the transfer
 * @io: the pages in it
 * @nr: how many
 * @bio: the bio; the last member, since its vectors follow it
 */
struct tw_bio {
	struct tw_xfer *xfer;
	struct tw_io *io;
	unsigned int nr;
	struct bio bio;
};

/* Keeps the slab cache of all stores' bios alive, so that no bind has to make it. */
static struct bio_set tw_bio_cache;

static int tw_bio_set_init(struct bio_set *bios, unsigned int min)
{
	return bioset_init(bios, min, offsetof(struct tw_bio, bio),
			   BIOSET_NEED_BVECS);
}

/**
 * tw_bio_cache_init - at load
 *
 * Return: 0 or -ENOMEM.
 */
int tw_bio_cache_init(void)
{
	return tw_bio_set_init(&tw_bio_cache, 1);
}

/**
 * tw_bio_cache_exit - at unload, no store is bound
 */
void tw_bio_cache_exit(void)
{
	bioset_exit(&tw_bio_cache);
}

int tw_bios_init(struct tw_blk_store *b)
{
	return tw_bio_set_init(&b->bios, TW_BIOS_MIN);
}

void tw_bios_exit(struct tw_blk_store *b)
{
	bioset_exit(&b->bios);
}

/* -- submitting ------------------------------------------------------------ */

static void tw_bio_end(struct bio *bio)
{
	struct tw_bio *b = container_of(bio, struct tw_bio, bio);
	struct tw_xfer *f = b->xfer;
	struct tw_io *io = b->io;
	unsigned int nr = b->nr;
	int error = bio->bi_status ? -EIO : 0;

	bio_put(bio);
	tw_xfer_part_end(f, io, nr, error);
}

/* Submits pages of @io, whose slots follow each other; returns how many it took. */
static unsigned int tw_submit_run(struct tw_blk_store *s, struct tw_xfer *f,
				  struct tw_io *io, unsigned int nr,
				  blk_opf_t opf)
{
	struct tw_bio *b;
	struct bio *bio;
	unsigned int i;

	/* It comes from a mempool, so it may wait but does not fail. */
	bio = bio_alloc_bioset(s->bdev, nr, opf, GFP_NOIO, &s->bios);
	bio->bi_iter.bi_sector = tw_slot_sector(io->slot);
	bio->bi_end_io = tw_bio_end;
	for (i = 0; i < nr; i++)
		if (bio_add_page(bio, io[i].page, PAGE_SIZE, 0) != PAGE_SIZE)
			break;	/* the rest goes into the next bio */

	b = container_of(bio, struct tw_bio, bio);
	b->xfer = f;
	b->io = io;
	b->nr = i;
	tw_xfer_part_begin(f, io, i);
	submit_bio(bio);	/* @b may be gone afterwards */
	return i;
}

/* How many pages from @io on have slots that follow each other. */
static unsigned int tw_run_length(const struct tw_io *io, unsigned int nr)
{
	unsigned int n = 1;

	while (n < nr && !io[n].error && io[n].slot == io[0].slot + n)
		n++;
	return n;
}

void tw_bios_submit(struct tw_xfer *f, struct tw_io *io, unsigned int nr)
{
	struct tw_blk_store *s = tw_blk_store_of(tw_store_held(f->t));
	blk_opf_t opf = f->write ? REQ_OP_WRITE : REQ_OP_READ | REQ_SYNC;
	struct blk_plug plug;
	unsigned int i = 0;

	blk_start_plug(&plug);
	while (i < nr) {
		if (io[i].error)
			i++;
		else
			i += tw_submit_run(s, f, io + i,
					   tw_run_length(io + i, nr - i), opf);
	}
	blk_finish_plug(&plug);
}
