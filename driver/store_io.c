// SPDX-License-Identifier: GPL-2.0
/*
 * store_io.c - reading and writing slots
 *
 * Takes no lock. The caller owns slots and pages, the slots pin the store. A
 * batch lives on the stack of the one who waits for it; a bio's end_io, in any
 * context, writes ->error of the pages in it and nothing else.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/completion.h>
#include <linux/highmem.h>
#include <linux/ratelimit.h>
#include <linux/sched/mm.h>
#include <linux/timekeeping.h>

#include "stats.h"
#include "store.h"
#include "tier.h"
#include "tw.h"

#define TW_BIOS_MIN	48	/* bios that are there when memory is not */
#define TW_FAILING_NS	(10 * NSEC_PER_SEC) /* that a failure counts against it */
#define TW_WAIT_STEP	(60 * HZ)	/* shorter than the hung task timeout */

/**
 * struct tw_batch - bios in flight together
 * @left: bios in flight, and one for the submitter
 * @done: @left has become 0
 */
struct tw_batch {
	atomic_t left;
	struct completion done;
};

struct bio_set tw_bios;

/**
 * tw_stores_init - at load
 *
 * Return: 0 or -ENOMEM.
 */
int tw_stores_init(void)
{
	return bioset_init(&tw_bios, TW_BIOS_MIN, offsetof(struct tw_bio, bio),
			   BIOSET_NEED_BVECS);
}

/**
 * tw_stores_exit - at unload, no store is bound
 */
void tw_stores_exit(void)
{
	bioset_exit(&tw_bios);
}

/* -- bios ------------------------------------------------------------------ */

static void tw_batch_put(struct tw_batch *batch)
{
	/* Fully ordered: what end_io wrote is seen by the one who waits. */
	if (atomic_dec_and_test(&batch->left))
		complete(&batch->done);
}

/* Devices have many words for it, our callers need one. */
static int tw_bio_errno(struct bio *bio)
{
	return bio->bi_status ? -EIO : 0;
}

static void tw_bio_end(struct bio *bio)
{
	struct tw_bio *b = container_of(bio, struct tw_bio, bio);
	struct tw_batch *batch = b->batch;
	int error = tw_bio_errno(bio);
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		b->io[i].error = error;
	bio_put(bio);
	tw_batch_put(batch);
}

/* Submits the first pages of @io, which follow each other; returns how many. */
static unsigned int tw_submit_run(struct tw_store *s, struct tw_batch *batch,
				  struct tw_io *io, unsigned int nr,
				  blk_opf_t opf)
{
	struct tw_bio *b;
	struct bio *bio;
	unsigned int i;

	/* From a mempool: waits, but does not fail. */
	bio = bio_alloc_bioset(s->bdev, nr, opf, GFP_NOIO, &tw_bios);
	bio->bi_iter.bi_sector = tw_slot_sector(io->slot);
	bio->bi_end_io = tw_bio_end;
	for (i = 0; i < nr; i++)
		if (bio_add_page(bio, io[i].page, PAGE_SIZE, 0) != PAGE_SIZE)
			break;	/* the rest goes into the next one */

	b = container_of(bio, struct tw_bio, bio);
	b->batch = batch;
	b->io = io;
	b->nr = i;
	for (i = 0; i < b->nr; i++)
		io[i].shared = b->nr > 1;
	atomic_inc(&batch->left);
	submit_bio(bio);	/* and @b may be gone */
	return i;
}

/* Pages from @io on that one bio can take: their slots follow each other. */
static unsigned int tw_run_length(const struct tw_io *io, unsigned int nr)
{
	unsigned int n = 1;

	while (n < nr && !io[n].error && io[n].slot == io[0].slot + n)
		n++;
	return n;
}

/* All pages without an error so far, in flight together; waits for them. */
static void tw_submit_all(struct tw_store *s, struct tw_io *io, unsigned int nr,
			  blk_opf_t opf)
{
	struct tw_batch batch = { .left = ATOMIC_INIT(1) };
	struct blk_plug plug;
	unsigned int i = 0;

	init_completion(&batch.done);
	blk_start_plug(&plug);
	while (i < nr) {
		if (io[i].error)
			i++;
		else
			i += tw_submit_run(s, &batch, io + i,
					   tw_run_length(io + i, nr - i), opf);
	}
	blk_finish_plug(&plug);
	tw_batch_put(&batch);
	/* Slow is not hung: the device's own timeouts decide that. */
	while (!wait_for_completion_io_timeout(&batch.done, TW_WAIT_STEP))
		;
}

/* -- checksums ------------------------------------------------------------- */

static u32 tw_page_crc(struct page *page)
{
	void *bytes = kmap_local_page(page);
	u32 crc = tw_crc32c(bytes, PAGE_SIZE);

	kunmap_local(bytes);
	return crc;
}

static void tw_check_read(struct tw_store *s, struct tw_io *io)
{
	if (!io->error &&
	    !tw_slots_check_crc(&s->slots, io->slot, tw_page_crc(io->page)))
		io->error = -EILSEQ;
}

/* -- outcome --------------------------------------------------------------- */

static void tw_io_report(struct tw_tier_s *t, const struct tw_io *io,
			 const char *what)
{
	tw_tier_event(t, TW_EVENT_TIER_ERROR, 0, io->error);
	pr_err_ratelimited("%s: %s of slot %u failed: %d\n",
			   tw_tier_names[t->id], what, io->slot, io->error);
}

/* Returns how many failed. */
static unsigned int tw_io_outcome(struct tw_tier_s *t, const struct tw_io *io,
				  unsigned int nr, const char *what)
{
	unsigned int i, failed = 0, errors = 0;

	for (i = 0; i < nr; i++) {
		if (!io[i].error)
			continue;
		failed++;
		if (io[i].error == -ENOMEM)	/* was not even tried */
			continue;
		errors++;
		tw_io_report(t, &io[i], what);
	}
	if (errors) {
		tw_count(t->id, io_errors, errors);
		WRITE_ONCE(t->sh->avoided_until_ns,
			   ktime_get_ns() + TW_FAILING_NS);
	}
	return failed;
}

/*
 * A bio's failure is not each of its pages': these are asked alone, the first,
 * which is waited for, first. Two failures in a row and the device is taken at
 * its word: each may have taken its whole timeout.
 */
static void tw_read_alone(struct tw_store *s, struct tw_io *io, unsigned int nr)
{
	unsigned int i, bad = 0;

	for (i = 0; i < nr && bad < 2; i++) {
		if (!io[i].error || !io[i].shared)
			continue;
		io[i].error = 0;
		tw_submit_all(s, &io[i], 1, REQ_OP_READ | REQ_SYNC);
		bad = io[i].error ? bad + 1 : 0;
	}
}

/**
 * tw_store_read - read slots
 * @t: tier; the slots pin its store
 * @io: slots and pages; each one's error is set
 * @nr: how many, at most TW_IO_BATCH
 *
 * Sleeps. A page that could not be read, or is not what was written, has an
 * error (-EIO, -EILSEQ) and undefined contents.
 *
 * Return: how many failed.
 */
unsigned int tw_store_read(struct tw_tier_s *t, struct tw_io *io, unsigned int nr)
{
	struct tw_store *s = tw_store_held(t);
	unsigned int noio, failed, i;

	for (i = 0; i < nr; i++)
		io[i].error = 0;
	noio = memalloc_noio_save();
	tw_submit_all(s, io, nr, REQ_OP_READ | REQ_SYNC);
	tw_read_alone(s, io, nr);
	memalloc_noio_restore(noio);
	for (i = 0; i < nr; i++)
		tw_check_read(s, &io[i]);

	failed = tw_io_outcome(t, io, nr, "read");
	tw_count(t->id, bytes_read, (u64)(nr - failed) * PAGE_SIZE);
	return failed;
}

/**
 * tw_store_write - write slots
 * @t: tier; the slots pin its store
 * @io: slots and pages; each one's error is set
 * @nr: how many, at most TW_IO_BATCH
 *
 * Sleeps. Pages whose slots follow each other in @io share a bio and its fate.
 *
 * Return: how many failed.
 */
unsigned int tw_store_write(struct tw_tier_s *t, struct tw_io *io, unsigned int nr)
{
	struct tw_store *s = tw_store_held(t);
	unsigned int noio, failed, i;

	noio = memalloc_noio_save();
	for (i = 0; i < nr; i++)
		io[i].error = tw_slots_set_crc(&s->slots, io[i].slot,
					       tw_page_crc(io[i].page));
	tw_submit_all(s, io, nr, REQ_OP_WRITE);
	memalloc_noio_restore(noio);

	failed = tw_io_outcome(t, io, nr, "write");
	tw_count(t->id, bytes_written, (u64)(nr - failed) * PAGE_SIZE);
	return failed;
}
