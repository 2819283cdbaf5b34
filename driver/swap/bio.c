// SPDX-License-Identifier: GPL-2.0
/*
 * bio.c - requests to the swap device
 *
 * Owns what happens to a request from ->submit_bio to its end. It is cut into parts,
 * runs of pages whose slots follow each other in one store. Each part is a clone of
 * the request's bio, which the store carries out.
 *
 * The kernel calls in when memory is short, often because it is. What is submitted in
 * ->submit_bio starts only when that has returned, so nothing here may wait for a
 * part of the same request, nor for memory that only its end would free. Clones come
 * from mempools with a rescuer, which starts the parts that were submitted so far when
 * a clone has to be waited for. Nothing else is allocated.
 *
 * Locks: none are held while anything is submitted. Ends come in any context; what
 * they may do to an entry says map.h.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page-flags.h>
#include <linux/sched.h>

#include "base/compat.h"
#include "base/stats.h"
#include "swap/bio.h"
#include "swap/map.h"
#include "swap/move.h"
#include "tiers/store.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

#define TW_SWAP_BIOS_MIN	8	/* of each store, when there is no memory */

/**
 * struct tw_swap_bio - a part of a request
 * @parent: the request
 * @iter: which of its bytes the part is
 * @at: the first page of the device
 * @nr: how many
 * @tier: the store
 * @again: pages that have been read are to be written again
 * @bio: last, the clone
 */
struct tw_swap_bio {
	struct bio *parent;
	struct bvec_iter iter;
	u32 at;
	u32 nr;
	int tier;
	bool again;
	struct bio bio;
};

/* Keeps the cache that all these bios are of, so that no swap device has to make one. */
static struct bio_set tw_swap_bio_cache;

static int tw_swap_bio_set_init(struct bio_set *bios, unsigned int min)
{
	return bioset_init(bios, min, offsetof(struct tw_swap_bio, bio),
			   BIOSET_NEED_RESCUER);
}

int tw_swap_bio_cache_init(void)
{
	return tw_swap_bio_set_init(&tw_swap_bio_cache, 1);
}

void tw_swap_bio_cache_exit(void)
{
	bioset_exit(&tw_swap_bio_cache);
}

int tw_swap_bios_init(struct tw_swap *d)
{
	int tier, ret;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		ret = tw_swap_bio_set_init(&d->bios[tier], TW_SWAP_BIOS_MIN);
		if (ret)
			goto fail;
	}
	return 0;

fail:
	while (tier--)
		bioset_exit(&d->bios[tier]);
	return ret;
}

void tw_swap_bios_exit(struct tw_swap *d)
{
	int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++)
		bioset_exit(&d->bios[tier]);
}

/* -- the end of a part --------------------------------------------------------- */

static bool tw_swap_rewrite = true;
module_param_named(swap_rewrite, tw_swap_rewrite, bool, 0644);
MODULE_PARM_DESC(swap_rewrite, "Pages that are read from the swap device are written anew, to a faster store, when they leave memory again (default Y); N leaves each where it was first written");

/*
 * A page that swap has read, and that is better placed anew when it leaves memory, is
 * made dirty: swap keeps the slot of a page that it has read, and would drop the page
 * without a write, so that it stayed where it is for ever. Dirty, it is written, and
 * until then its slot can be given up.
 *
 * From 6.1 to 7.x the kernel makes pages of its swap cache dirty in the same way, by
 * the flag alone: when they lose their slot, and when a write of them has failed. Dirty
 * pages there are accounted nowhere, and no lock goes with the flag. Only three things
 * take it away: a write of the page before it can be dropped, to us, or to zswap or
 * the kernel's note of pages of zeroes, which then answer a read in our place;
 * MADV_FREE; and the end of the program. The last two free the slot. A page that
 * fork(2) has shared stays in the swap cache for all, and a copy of it, made by
 * migration or a split, is dirty as well. The page is locked by its reader, and not
 * uptodate, so that nobody can be writing it just now.
 */
static void tw_swap_again(struct tw_swap *d, u32 at, struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!folio_test_swapcache(folio) || !folio_test_locked(folio))
		return;
	folio_set_dirty(folio);
	tw_swap_set_spare(d, at);
}

static void tw_swap_error(struct tw_swap *d, int tier, unsigned int nr, bool wrong)
{
	tw_store_avoid(&tw_tiers[tier]);
	atomic_add(nr, &d->errors[tier][wrong]);
	queue_work(d->wq, &d->tell);
}

/* Are the pages that were read what was written? */
static blk_status_t tw_swap_check(struct tw_swap *d, struct tw_swap_bio *b)
{
	unsigned int wrong = 0;
	struct bvec_iter iter;
	struct bio_vec bv;
	u32 at = b->at;

	__bio_for_each_segment(bv, &b->bio, iter, b->iter) {
		if (tw_page_crc(bv.bv_page) != READ_ONCE(d->sum[at]))
			wrong++;
		else if (b->again)
			tw_swap_again(d, at, bv.bv_page);
		at++;
	}
	if (!wrong)
		return BLK_STS_OK;
	atomic64_add(wrong, &d->failed);
	tw_swap_error(d, b->tier, wrong, true);
	return BLK_STS_PROTECTION;
}

static void tw_swap_bio_end(struct bio *bio)
{
	struct tw_swap_bio *b = container_of(bio, struct tw_swap_bio, bio);
	struct bio *parent = b->parent;
	struct tw_swap *d = parent->bi_bdev->bd_disk->private_data;
	blk_status_t status = bio->bi_status;
	bool read = bio_op(bio) == REQ_OP_READ;

	if (status) {
		if (read)
			atomic64_add(b->nr, &d->failed);
		tw_swap_error(d, b->tier, b->nr, false);
	} else if (read) {
		status = tw_swap_check(d, b);
	}
	tw_swap_io_end(d, b->at, b->nr);
	if (status && !parent->bi_status)
		parent->bi_status = status;
	bio_put(bio);
	bio_endio(parent);	/* the device may be gone then */
}

/* -- parts --------------------------------------------------------------------- */

/* The part of @parent whose first page is its page @done, and is @at of the device. */
static void tw_swap_submit_part(struct tw_swap *d, struct bio *parent, u32 done, u32 at,
				const struct tw_swap_part *part)
{
	struct tw_store *s = tw_store_held(&tw_tiers[part->tier]);
	struct tw_swap_bio *b;
	struct bio *bio;

	/* From a mempool: may wait, does not fail. */
	bio = bio_alloc_clone(s->ops->bdev(s), parent, GFP_NOIO, &d->bios[part->tier]);
	bio_trim(bio, done << PAGE_SECTORS_SHIFT, part->nr << PAGE_SECTORS_SHIFT);
	bio->bi_iter.bi_sector = tw_slot_sector(part->slot);
	bio->bi_end_io = tw_swap_bio_end;
	b = container_of(bio, struct tw_swap_bio, bio);
	b->parent = parent;
	b->iter = bio->bi_iter;
	b->at = at;
	b->nr = part->nr;
	b->tier = part->tier;
	b->again = part->again;
	bio_inc_remaining(parent);
	submit_bio_noacct(bio);
}

/* What @iter of @bio is at, for @nr pages, which read as zeroes. */
static void tw_swap_clear(struct bio *bio, struct bvec_iter *iter, u32 nr)
{
	while (nr--) {
		struct bio_vec bv = bio_iter_iovec(bio, *iter);

		clear_highpage(bv.bv_page);
		bio_advance_iter(bio, iter, PAGE_SIZE);
	}
}

static void tw_swap_read(struct tw_swap *d, struct bio *bio, u32 at, u32 nr)
{
	struct bvec_iter iter = bio->bi_iter;
	struct tw_swap_part part;
	u32 done;

	for (done = 0; done < nr; done += part.nr) {
		if (tw_swap_read_begin(d, at + done, nr - done,
				       READ_ONCE(tw_swap_rewrite), &part)) {
			bio->bi_status = BLK_STS_IOERR;
			return;
		}
		if (part.tier == TW_TIER_NONE) {
			tw_swap_clear(bio, &iter, part.nr);
			continue;
		}
		tw_count(part.tier, swap_in, part.nr);
		tw_count(part.tier, bytes_read, (u64)part.nr << PAGE_SHIFT);
		bio_advance_iter(bio, &iter, part.nr << PAGE_SHIFT);
		tw_swap_submit_part(d, bio, done, at + done, &part);
	}
}

/* The checksums of a part that is about to be written; @iter is at its first page. */
static void tw_swap_sum(struct tw_swap *d, struct bio *bio, struct bvec_iter *iter,
			u32 at, u32 nr)
{
	while (nr--) {
		struct bio_vec bv = bio_iter_iovec(bio, *iter);

		WRITE_ONCE(d->sum[at], tw_page_crc(bv.bv_page));
		bio_advance_iter(bio, iter, PAGE_SIZE);
		at++;
	}
}

/* Notes which of the kernel's swaps the device is: pages that it writes know it. */
static void tw_swap_note_type(struct tw_swap *d, struct page *page)
{
	struct folio *folio = page_folio(page);
	int type;

	if (!folio_test_swapcache(folio))
		return;
	type = tw_folio_swap_type(folio);
	if (unlikely(type != READ_ONCE(d->type)))
		WRITE_ONCE(d->type, type);
}

static void tw_swap_write(struct tw_swap *d, struct bio *bio, u32 at, u32 nr)
{
	struct bvec_iter iter = bio->bi_iter;
	struct tw_swap_part part;
	u32 done;

	tw_swap_note_type(d, bio_page(bio));
	for (done = 0; done < nr; done += part.nr) {
		if (tw_swap_write_begin(d, at + done, nr - done, &part)) {
			bio->bi_status = BLK_STS_NOSPC;
			break;
		}
		tw_swap_sum(d, bio, &iter, at + done, part.nr);
		tw_count(part.tier, swap_out, part.nr);
		tw_count(part.tier, bytes_written, (u64)part.nr << PAGE_SHIFT);
		tw_swap_submit_part(d, bio, done, at + done, &part);
	}
	tw_swap_room_check(d);
}

/* -- requests ------------------------------------------------------------------ */

/* A checksum is of a page in one piece. What swap and the page cache send is that. */
static bool tw_swap_whole_pages(struct bio *bio)
{
	struct bvec_iter iter;
	struct bio_vec bv;

	bio_for_each_segment(bv, bio, iter)
		if (bv.bv_offset || bv.bv_len != PAGE_SIZE)
			return false;
	return true;
}

static void tw_swap_discard(struct tw_swap *d, u32 at, u32 nr)
{
	while (nr--) {
		tw_swap_forget(d, at++);
		if (!(nr % 4096))
			cond_resched();
	}
}

void tw_swap_submit_bio(struct bio *bio)
{
	struct tw_swap *d = bio->bi_bdev->bd_disk->private_data;
	u32 at = bio->bi_iter.bi_sector >> PAGE_SECTORS_SHIFT;
	u32 nr = bio_sectors(bio) >> PAGE_SECTORS_SHIFT;

	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		if (!tw_swap_whole_pages(bio))
			bio->bi_status = BLK_STS_IOERR;
		else if (bio_op(bio) == REQ_OP_READ)
			tw_swap_read(d, bio, at, nr);
		else
			tw_swap_write(d, bio, at, nr);
		break;
	case REQ_OP_DISCARD:
		tw_swap_discard(d, at, nr);
		break;
	default:
		bio->bi_status = BLK_STS_NOTSUPP;
	}
	bio_endio(bio);
}
