// SPDX-License-Identifier: GPL-2.0
/*
 * store_io.c - reading and writing slots
 *
 * Owns the workqueue of transfers that were left. The room of moving starts transfers
 * and waits for them.
 *
 * Takes no lock. The owner of a transfer owns its slots and pages, and the slots pin
 * the store. The backend (tier_ops.h) carries the transfer out in parts. The end of
 * a part, in any context, writes ->error of the pages in it. The end of the last part
 * clears TW_XFER_FLYING and either wakes the owner or, if that has left, queues the
 * transfer's work. One atomic exchange of ->state decides which, so that exactly one
 * of the two ends the transfer.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/highmem.h>
#include <linux/ratelimit.h>
#include <linux/sched/mm.h>
#include <linux/timekeeping.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "base/stats.h"
#include "tiers/hibernate.h"
#include "tiers/pressure.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/store_io.h"
#include "tiers/tier.h"

#define TW_FAILING_NS	(10 * NSEC_PER_SEC) /* how long a store is avoided */

/* Ends transfers that were left; none of it waits for a device. */
static struct workqueue_struct *tw_landing_wq;

/**
 * tw_stores_init - at load
 *
 * Return: 0 or -ENOMEM.
 */
int tw_stores_init(void)
{
	tw_landing_wq = alloc_workqueue("tw_landing",
					WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return tw_landing_wq ? 0 : -ENOMEM;
}

/**
 * tw_stores_exit - at unload, no store is bound
 */
void tw_stores_exit(void)
{
	/* This waits for the work of each transfer that was left. */
	destroy_workqueue(tw_landing_wq);
}

/* -- parts ----------------------------------------------------------------- */

static void tw_xfer_put(struct tw_xfer *f)
{
	unsigned long state;

	/* Fully ordered, pairs with itself: the last one sees what all others wrote. */
	if (!atomic_dec_and_test(&f->parts))
		return;
	tw_io_ended(f->t, f->began);
	/*
	 * Unless it was left, its owner may free it from here on. Pairs with the acquire
	 * in tw_xfer_wait() and the exchange in tw_xfer_leave().
	 */
	state = xchg(&f->state, 0);
	if (state & BIT(TW_XFER_LEFT))
		queue_work(tw_landing_wq, &f->work);
	else	/* uses the address only; xchg() is the barrier that it needs before it */
		wake_up_bit(&f->state, TW_XFER_FLYING);
}

void tw_xfer_part_end(struct tw_xfer *f, struct tw_io *io, unsigned int nr,
		      int error)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		io[i].error = error;
	tw_xfer_put(f);
}

/*
 * Starts those of the @nr pages from @io on that have no error so far, all together.
 * @state is BIT(TW_XFER_LEFT) if the transfer has been left, else 0.
 */
static void tw_xfer_submit(struct tw_xfer *f, struct tw_io *io,
			     unsigned int nr, unsigned long state)
{
	unsigned int noio = memalloc_noio_save();

	f->began = tw_io_began(f->t);
	atomic_set(&f->parts, 1);
	WRITE_ONCE(f->state, state | BIT(TW_XFER_FLYING));
	tw_store_held(f->t)->ops->submit(f, io, nr);
	memalloc_noio_restore(noio);
	tw_xfer_put(f);
}

/*
 * When a part fails, not each of its pages need be bad: they are read again one by
 * one. The first is the page that a task waits for. After two failures in a row the
 * others count as failed, since each try may take the device's whole timeout. Returns
 * whether a page is under way.
 */
static bool tw_xfer_again(struct tw_xfer *f, unsigned long state)
{
	if (f->write || f->ahead)
		return false;
	if (f->at)
		f->bad = f->io[f->at - 1].error ? f->bad + 1 : 0;
	while (f->at < f->nr && f->bad < 2) {
		struct tw_io *io = &f->io[f->at++];

		if (!io->error || !io->shared)
			continue;
		io->error = 0;
		tw_xfer_submit(f, io, 1, state);
		return true;
	}
	return false;
}

static void tw_xfer_work(struct work_struct *work)
{
	struct tw_xfer *f = container_of(work, struct tw_xfer, work);

	if (!tw_xfer_again(f, BIT(TW_XFER_LEFT)))
		f->landed(f);
}

static void tw_xfer_start(struct tw_xfer *f, struct tw_tier_desc *t,
			    struct tw_io *io, unsigned int nr, bool write, bool sums,
			    bool ahead)
{
	f->t = t;
	f->io = io;
	f->nr = nr;
	f->at = 0;
	f->bad = 0;
	f->write = write;
	f->ahead = ahead;
	f->sums = sums;
	INIT_WORK(&f->work, tw_xfer_work);
	tw_xfer_submit(f, io, nr, 0);
}

/**
 * tw_xfer_wait - wait until a transfer has landed
 * @f: transfer
 * @state: TASK_KILLABLE, or how else to sleep
 * @timeout: jiffies, or MAX_SCHEDULE_TIMEOUT
 *
 * Return: 0 if it has landed; -EINTR or -EAGAIN if not, and it is still the caller's.
 */
int tw_xfer_wait(struct tw_xfer *f, unsigned int state, long timeout)
{
	int err;

	do {
		if (timeout == MAX_SCHEDULE_TIMEOUT)
			err = wait_on_bit_io(&f->state, TW_XFER_FLYING, state);
		else
			err = wait_on_bit_timeout(&f->state, TW_XFER_FLYING,
						  state, timeout);
		/* Pairs with xchg() in tw_xfer_put(); shows what parts have written. */
		if (smp_load_acquire(&f->state))
			return err;
	} while (tw_xfer_again(f, 0));
	return 0;
}

/**
 * tw_xfer_leave - give a transfer up to its end
 * @f: transfer, which tw_xfer_wait() has not seen landed
 * @landed: called once, in process context, when it has
 *
 * Return: whether it was left; if not, it has just landed.
 */
bool tw_xfer_leave(struct tw_xfer *f, void (*landed)(struct tw_xfer *f))
{
	f->landed = landed;
	/* Pairs with xchg() in tw_xfer_put(): if that sees the bit, it sees ->landed. */
	return cmpxchg(&f->state, BIT(TW_XFER_FLYING),
		       BIT(TW_XFER_FLYING) | BIT(TW_XFER_LEFT)) ==
	       BIT(TW_XFER_FLYING);
}

/**
 * tw_xfer_hung - have the device of a slow transfer avoided for a while
 * @f: transfer, which the caller owns
 */
void tw_xfer_hung(struct tw_xfer *f)
{
	tw_store_avoid(f->t);
}

/* -- checksums ------------------------------------------------------------- */

u32 tw_page_crc(struct page *page)
{
	void *bytes = kmap_local_page(page);
	/*
	 * A page that is written out may be touched and changed meanwhile. Then
	 * it is taken back, and the slot is never read.
	 */
	u32 crc = data_race(tw_crc32c(bytes, PAGE_SIZE));

	kunmap_local(bytes);
	return crc;
}

static void tw_check_read(struct tw_xfer *f, struct tw_store *s, struct tw_io *io)
{
	u32 crc;

	if (io->error)
		return;
	crc = tw_page_crc(io->page);
	if (f->sums ? crc != io->sum :
		      !tw_slots_check_crc(&s->slots, io->slot, crc))
		io->error = -EILSEQ;
}

/* -- outcome --------------------------------------------------------------- */

static void tw_io_report(struct tw_tier_desc *t, const struct tw_io *io,
			 const char *what)
{
	tw_tier_event(t, TW_EVENT_TIER_ERROR, 0, io->error);
	pr_err_ratelimited("%s: %s of slot %u failed: %d\n",
			   tw_tier_names[t->id], what, io->slot, io->error);
}

/* Reports and counts failures, and returns how many pages failed. */
static unsigned int tw_io_outcome(const struct tw_xfer *f)
{
	unsigned int i, failed = 0, errors = 0;

	for (i = 0; i < f->nr; i++) {
		int error = f->io[i].error;

		if (!error)
			continue;
		failed++;
		/* It was not tried: there was no memory, or the stores stand still. */
		if (f->ahead || error == -ENOMEM || error == -EBUSY)
			continue;
		errors++;
		tw_io_report(f->t, &f->io[i], f->write ? "write" : "read");
	}
	if (errors) {
		tw_count(f->t->id, io_errors, errors);
		tw_store_avoid(f->t);
	}
	return failed;
}

static void tw_xfer_start_read(struct tw_xfer *f, struct tw_tier_desc *t,
			       struct tw_io *io, unsigned int nr, bool sums, bool ahead)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		io[i].error = 0;
	tw_xfer_start(f, t, io, nr, false, sums, ahead);
}

static void tw_xfer_start_write(struct tw_xfer *f, struct tw_tier_desc *t,
				struct tw_io *io, unsigned int nr, bool sums)
{
	struct tw_store *s = tw_store_held(t);
	unsigned int noio = memalloc_noio_save(), i;
	bool may = tw_write_begin();

	for (i = 0; i < nr; i++) {
		if (!may)
			io[i].error = -EBUSY;
		else if (sums)
			io[i].error = 0;
		else
			io[i].error = tw_slots_set_crc(&s->slots, io[i].slot,
						       tw_page_crc(io[i].page));
	}
	memalloc_noio_restore(noio);
	tw_xfer_start(f, t, io, nr, true, sums, false);
}

/**
 * tw_xfer_read - read slots
 * @f: transfer
 * @t: tier; the slots pin its store
 * @io: slots and pages, as long-lived as the transfer
 * @nr: how many, at most TW_IO_BATCH
 */
void tw_xfer_read(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
		    unsigned int nr)
{
	tw_xfer_start_read(f, t, io, nr, false, false);
}

/**
 * tw_xfer_read_ahead - read slots before anybody has asked for them
 * @f: transfer
 * @t: tier; the slots pin its store
 * @io: slots and pages, as long-lived as the transfer
 * @nr: how many, at most TW_IO_BATCH
 */
void tw_xfer_read_ahead(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
			unsigned int nr)
{
	tw_xfer_start_read(f, t, io, nr, false, true);
}

void tw_xfer_read_sums(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
		       unsigned int nr)
{
	tw_xfer_start_read(f, t, io, nr, true, false);
}

/**
 * tw_xfer_write - write slots
 * @f: transfer
 * @t: tier; the slots pin its store
 * @io: slots and pages, as long-lived as the transfer
 * @nr: how many, at most TW_IO_BATCH
 *
 * Pages whose slots follow each other in @io may share a part and its fate. While the
 * stores stand still all of them end with -EBUSY: nothing is written.
 */
void tw_xfer_write(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
		     unsigned int nr)
{
	tw_xfer_start_write(f, t, io, nr, false);
}

void tw_xfer_write_sums(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
			unsigned int nr)
{
	tw_xfer_start_write(f, t, io, nr, true);
}

/**
 * tw_xfer_end - what has become of a transfer that has landed
 * @f: transfer; each page's error is set
 *
 * A page that could not be read, or is not what was written, has an error
 * (-EIO, -EILSEQ) and undefined contents.
 *
 * Return: how many failed.
 */
unsigned int tw_xfer_end(struct tw_xfer *f)
{
	struct tw_store *s = tw_store_held(f->t);
	unsigned int failed, i;
	u64 bytes;

	for (i = 0; i < f->nr && !f->write; i++)
		tw_check_read(f, s, &f->io[i]);
	failed = tw_io_outcome(f);
	bytes = (u64)(f->nr - failed) * PAGE_SIZE;
	if (f->write) {
		tw_count(f->t->id, bytes_written, bytes);
		tw_write_end();
	} else {
		tw_count(f->t->id, bytes_read, bytes);
	}
	return failed;
}

/* -- bios of others -------------------------------------------------------- */

/**
 * tw_store_avoid - a store has failed: new pages go elsewhere for a while
 * @t: tier
 *
 * Any context.
 */
void tw_store_avoid(struct tw_tier_desc *t)
{
	WRITE_ONCE(t->sh->avoided_until_ns, ktime_get_ns() + TW_FAILING_NS);
}

/**
 * tw_store_failed - tell of pages that could not be read or written
 * @t: tier
 * @nr: how many
 * @error: -EIO, or -EILSEQ: they were not what had been written
 *
 * Process context.
 */
void tw_store_failed(struct tw_tier_desc *t, unsigned int nr, int error)
{
	tw_count(t->id, io_errors, nr);
	tw_tier_event(t, TW_EVENT_TIER_ERROR, 0, error);
	pr_err_ratelimited("%s: I/O of %u pages of the swap device failed: %d\n",
			   tw_tier_names[t->id], nr, error);
}
